/**
 * The bed of the end-to-end tests: a Git repository over HTTP, real control planes, a hub and agents as processes of their own, all of which can be
 * killed and started again.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiPlacement } from '../../hub/api/schemas/application.ts';
import { createFleetApi, type FleetApi } from '../../hub/cli/demo/fleet-api.ts';
import { createFleetRepository, type FleetRepository } from '../../hub/cli/demo/fleet-repository.ts';
import { createGitServer, type GitServer } from '../../hub/cli/demo/git-server.ts';
import {
  type HubAddresses,
  type Program,
  startProgram,
  waitForHub,
  waitForValue,
} from '../../hub/cli/demo/processes.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { freePort } from '../cluster/free-port.ts';
import { type HubProgram, ordinaryHub } from './hub-bed.ts';

export interface FleetBed {
  readonly folder: string;
  readonly dataDir: string;
  readonly repository: FleetRepository;
  readonly git: GitServer;
  readonly planes: readonly ControlPlane[];
  plane(name: string): ControlPlane;
  api(): FleetApi;
  hub(): Program;
  addresses(): HubAddresses & { readonly token: string };
  /** Starts the hub on the same ports as before, so that agents find it. @param program how; default the command line's `hub`. */
  startHub(program?: HubProgram): Promise<void>;
  killHub(signal?: NodeJS.Signals): Promise<void>;
  agent(name: string): Program;
  /** With a fresh token, or none: then it must find its identity in its cluster. */
  startAgent(
    name: string,
    options?: { readonly token?: boolean; readonly args?: readonly string[] },
  ): Promise<Program>;
  killAgent(name: string, signal?: NodeJS.Signals): Promise<void>;
  /** Commits files (null deletes) and pushes; the commit's id. */
  merge(files: Readonly<Record<string, string | null>>, message: string): Promise<string>;
  kubectl(
    plane: string,
    ...args: readonly string[]
  ): { readonly status: number | null; readonly stdout: string; readonly stderr: string };
  /** Waits until every placement is up to date and applied (healthy where no controller is needed), at that revision. */
  settle(
    revision: string,
    options?: { readonly placements?: number; readonly limitMs?: number },
  ): Promise<readonly ApiPlacement[]>;
  wait<T>(what: string, read: () => Promise<T | undefined> | T | undefined, limitMs?: number): Promise<T>;
  logs(): string;
  close(): Promise<void>;
}

const waitLimitMs = 60_000;
const lone = { api: 0, agent: 0, enrolment: 0 };

export interface BedOptions {
  readonly clusters: readonly string[];
  /** Of them, those with controllers and a simulated node: workloads become available there. Default none. */
  readonly whole?: readonly string[];
  /** On their nodes images tagged `broken` cannot be pulled. Default false. */
  readonly brokenImages?: boolean;
  /** Files of the first commit. */
  readonly files: Readonly<Record<string, string>>;
  /** A folder whose files are in the first commit too. */
  readonly copyFrom?: string;
  readonly hubEnv?: Readonly<Record<string, string>>;
  /** Text of the hub's configuration file, over which its environment goes. Default: none. */
  readonly hubConfig?: string;
  /** Lets the hub push. Default false. */
  readonly anonymousPush?: boolean;
}

/** Undefined where no control plane can be had: the caller skips. */
export async function createFleetBed(options: BedOptions): Promise<FleetBed | undefined> {
  const { brokenImages = false } = options;
  const started = await Promise.all(
    options.clusters.map((name) =>
      startControlPlane(
        options.whole?.includes(name) ? { name, controllers: true, nodes: 1, brokenImages } : { name },
      ),
    ),
  );
  const planes = started.filter((plane) => plane !== undefined);
  if (planes.length < options.clusters.length) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'fairway-e2e-'));
  const dataDir = join(folder, 'hub');
  mkdirSync(dataDir);
  const repository = await createFleetRepository({
    workTree: join(folder, 'work'),
    bare: join(folder, 'git', 'fleet.git'),
  });
  if (options.copyFrom) cpSync(options.copyFrom, repository.workTree, { recursive: true });
  await repository.commit(options.files, {
    message: 'Start the fleet',
    author: 'Ada Park <ada@example.com>',
  });
  await repository.push();
  const git = await createGitServer({
    root: join(folder, 'git'),
    anonymousPush: options.anonymousPush ?? false,
  });
  if (options.hubConfig !== undefined) writeFileSync(join(folder, 'hub.yaml'), options.hubConfig);
  return build({ options, planes, folder, dataDir, repository, git });
}

interface Parts {
  readonly options: BedOptions;
  readonly planes: readonly ControlPlane[];
  readonly folder: string;
  readonly dataDir: string;
  readonly repository: FleetRepository;
  readonly git: GitServer;
}

function build(parts: Parts): FleetBed {
  const { planes, folder, dataDir, repository, git } = parts;
  const agents = new Map<string, Program>();
  let ports = lone;
  let hub: Program | undefined;
  let addresses: (HubAddresses & { readonly token: string }) | undefined;

  const need = <T>(value: T | undefined, what: string): T => {
    if (value === undefined) throw new Error(`there is no ${what} yet`);
    return value;
  };
  const plane = (name: string) =>
    need(
      planes.find((candidate) => candidate.name === name),
      `control plane ${name}`,
    );
  const api = () => {
    const { api: url, token } = need(addresses, 'hub');
    return createFleetApi(url, token);
  };
  const wait: FleetBed['wait'] = (what, read, limitMs = waitLimitMs) =>
    waitForValue(what, read, { limitMs }).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${logs()}`);
    });

  const logs = () =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.log'))
      .map(
        (name) =>
          `--- ${name}\n${readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').slice(-12).join('\n')}`,
      )
      .join('\n');

  const startHub: FleetBed['startHub'] = async ({ script, args } = ordinaryHub) => {
    if (ports.api === 0)
      ports = { api: await freePort(), agent: await freePort(), enrolment: await freePort() };
    hub = startProgram({
      name: 'hub',
      script,
      args: [...args, 'hub'],
      env: {
        ...(parts.options.hubConfig !== undefined && { FAIRWAY_CONFIG: join(folder, 'hub.yaml') }),
        FAIRWAY_ROOT_URL: git.url('fleet.git'),
        FAIRWAY_ROOT_POLL_INTERVAL: '1s',
        FAIRWAY_DATA_DIR: dataDir,
        FAIRWAY_API_LISTEN: `127.0.0.1:${ports.api}`,
        FAIRWAY_AGENT_LISTEN: `127.0.0.1:${ports.agent}`,
        FAIRWAY_ENROLMENT_LISTEN: `127.0.0.1:${ports.enrolment}`,
        ...parts.options.hubEnv,
      },
      logFile: join(folder, 'hub.log'),
    });
    addresses = await waitForHub(dataDir, hub);
  };

  const startAgent: FleetBed['startAgent'] = async (name, { token = true, args = [] } = {}) => {
    const enrolment = need(addresses, 'hub').enrolmentPort;
    const environment = token ? { FAIRWAY_ENROLMENT_TOKEN: await api().enrolmentToken(name) } : {};
    const program = startProgram({
      name: `agent ${name}`,
      script: 'agent/main.ts',
      args: [
        '--kubeconfig',
        plane(name).kubeconfig,
        '--context',
        name,
        '--enrolment-address',
        `127.0.0.1:${enrolment}`,
        ...args,
      ],
      env: environment,
      logFile: join(folder, `agent-${name}.log`),
    });
    agents.set(name, program);
    return program;
  };

  return {
    folder,
    dataDir,
    repository,
    git,
    planes,
    plane,
    api,
    hub: () => need(hub, 'hub'),
    addresses: () => need(addresses, 'hub'),
    startHub,
    killHub: (signal = 'SIGKILL') => need(hub, 'hub').stop(signal),
    agent: (name) => need(agents.get(name), `agent ${name}`),
    startAgent,
    killAgent: (name, signal = 'SIGKILL') => need(agents.get(name), `agent ${name}`).stop(signal),
    async merge(files, message) {
      const commit = await repository.commit(files, { message, author: 'Grace Lim <grace@example.com>' });
      await repository.push();
      return commit;
    },
    kubectl: (name, ...args) =>
      spawnSync(plane(name).kubectl, ['--kubeconfig', plane(name).kubeconfig, ...args], {
        encoding: 'utf8',
        timeout: 30_000,
      }),
    settle: (revision, { placements: wanted, limitMs } = {}) =>
      wait(
        `placements to settle at ${revision.slice(0, 7)}`,
        async () => {
          const all = await api().applications();
          const placements = all.flatMap((application) => application.placements);
          const settled = placements.filter(
            (placement) => placement.upToDate && ['Applied', 'Healthy'].includes(placement.stage),
          );
          const resolved = all.length > 0 && all.every((application) => application.revisionId === revision);
          return resolved &&
            settled.length === placements.length &&
            placements.length === (wanted ?? placements.length)
            ? placements
            : undefined;
        },
        limitMs,
      ),
    wait,
    logs,
    async close() {
      await Promise.all(
        [...agents.values(), ...(hub ? [hub] : [])].map((program) => program.stop('SIGKILL')),
      );
      await git.close();
      await Promise.all(planes.map((each) => each.stop()));
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
    },
  };
}
