/** A hub as a process of its own with its configuration file, and no cluster: for what it does between Git, its store and its API. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiSource } from '../../hub/api/schemas/revision.ts';
import { createFleetApi, type FleetApi } from '../../hub/cli/demo/fleet-api.ts';
import { createFleetRepository, type FleetRepository } from '../../hub/cli/demo/fleet-repository.ts';
import { createGitServer, type GitServer, type GitServerOptions } from '../../hub/cli/demo/git-server.ts';
import {
  type HubAddresses,
  type Program,
  startProgram,
  waitForHub,
  waitForValue,
} from '../../hub/cli/demo/processes.ts';
import { freePort } from '../cluster/free-port.ts';

export interface HubBed {
  readonly folder: string;
  readonly dataDir: string;
  readonly logFile: string;
  /** Serves the root repository `fleet.git`, for anybody. */
  readonly git: GitServer;
  readonly repository: FleetRepository;
  api(): FleetApi;
  hub(): Program;
  addresses(): HubAddresses & { readonly token: string };
  /** Starts the hub with these settings over the bed's own. @param program how; default the command line's `hub`. */
  start(settings?: Settings, program?: HubProgram): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Commits files (null deletes) to the checked-out branch of the root repository and pushes. */
  merge(files: Readonly<Record<string, string | null>>, message: string): Promise<string>;
  wait<T>(what: string, read: () => Promise<T | undefined> | T | undefined): Promise<T>;
  source(key: string): Promise<ApiSource | undefined>;
  /** All objects that the cluster shall have of an application, as JSON; empty when it is not assigned. */
  manifests(cluster: string, application: string): Promise<string>;
  log(): string;
  close(): Promise<void>;
}

export type Settings = Readonly<Record<string, unknown>>;

/** A script from the project's root, and what it is given before `hub`. */
export interface HubProgram {
  readonly script: string;
  readonly args: readonly string[];
}

export const ordinaryHub: HubProgram = { script: 'hub/cli/main.ts', args: [] };

export const clusterFile = (...names: readonly string[]): string =>
  names
    .map(
      (name) =>
        `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: here }\n`,
    )
    .join('---\n');

/** @param source the fields of `spec.source`, as YAML in one line. */
export const applicationFile = (name: string, source: string, clusters = 'one'): string =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: ${name} }\nspec:\n  source: { ${source} }\n  placement: { clusters: [${clusters}] }\n  rollout: { strategy: all-at-once }\n`;

export const configMap = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\ndata: { value: "${value}" }\n`;

/** The root repository is empty until something is merged. */
export async function createHubBed(served: Partial<GitServerOptions> = {}): Promise<HubBed> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-hub-'));
  const [dataDir, logFile] = [join(folder, 'data'), join(folder, 'hub.log')];
  mkdirSync(dataDir);
  const repository = await createFleetRepository({
    workTree: join(folder, 'work'),
    bare: join(folder, 'git', 'fleet.git'),
  });
  const git = await createGitServer({ root: join(folder, 'git'), ...served });
  // The same after each start, since agents come back to it.
  const agent = `127.0.0.1:${await freePort()}`;
  let hub: Program | undefined;
  let addresses: (HubAddresses & { readonly token: string }) | undefined;
  const need = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the hub was not started yet');
    return value;
  };
  const api = () => createFleetApi(need(addresses).api, need(addresses).token);
  const log = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
  return {
    folder,
    dataDir,
    logFile,
    git,
    repository,
    api,
    hub: () => need(hub),
    addresses: () => need(addresses),
    async start(settings = {}, { script, args } = ordinaryHub) {
      const config = {
        root: { url: git.url('fleet.git'), pollInterval: '1s' },
        dataDir,
        listen: { api: '127.0.0.1:0', agent, enrolment: '127.0.0.1:0' },
        ...settings,
      };
      writeFileSync(join(folder, 'hub.yaml'), JSON.stringify(config));
      hub = startProgram({
        name: 'hub',
        script,
        args: [...args, 'hub', '--config', join(folder, 'hub.yaml')],
        logFile,
      });
      addresses = await waitForHub(config.dataDir, hub);
    },
    stop: (signal = 'SIGTERM') => need(hub).stop(signal),
    async merge(files, message) {
      const commit = await repository.commit(files, { message, author: 'Grace Lim <grace@example.com>' });
      await repository.push();
      return commit;
    },
    wait: (what, read) =>
      waitForValue(what, read, { limitMs: 30_000 }).catch((error: unknown) => {
        const tail = log().trimEnd().split('\n').slice(-12).join('\n');
        throw new Error(`${error instanceof Error ? error.message : String(error)}\n${tail}`);
      }),
    source: async (key) =>
      (await api().get<{ items: readonly ApiSource[] }>('/api/v1/sources')).items.find(
        (source) => source.key === key,
      ),
    async manifests(cluster, application) {
      const response = await fetch(
        `${need(addresses).api}/api/v1/assignments/${cluster}/${application}/manifests`,
        { headers: { authorization: `Bearer ${need(addresses).token}` } },
      );
      return response.ok ? response.text() : '';
    },
    log,
    async close() {
      await hub?.stop('SIGKILL');
      await git.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
