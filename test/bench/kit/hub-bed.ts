/** A hub in a process of its own, with its fleet repository over HTTP, in a temporary folder that goes with it. */
import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiPlacement } from '../../../hub/api/schemas/application.ts';
import { createFleetApi, type FleetApi } from '../../../hub/cli/demo/fleet-api.ts';
import { createFleetRepository } from '../../../hub/cli/demo/fleet-repository.ts';
import { createGitServer } from '../../../hub/cli/demo/git-server.ts';
import { type Program, startProgram, waitForHub } from '../../../hub/cli/demo/processes.ts';
import { until } from './wait.ts';

export type LogLine = { readonly time: string; readonly message: string } & Readonly<Record<string, unknown>>;

export interface HubBed {
  readonly folder: string;
  readonly hub: Program;
  readonly api: FleetApi;
  readonly token: string;
  /** 127.0.0.1:PORT */
  readonly enrolmentAddress: string;
  /** Commits and pushes (null deletes a file); the hub is not told. The commit's id. */
  push(files: Readonly<Record<string, string | null>>, message: string): Promise<string>;
  /** Tells the hub of a push by a signed webhook, as a forge would; resolves when it has taken it. */
  tell(): Promise<void>;
  /** The hub's log lines with that message. */
  logged(message: string): readonly LogLine[];
  /** Waits until the hub has resolved that commit. */
  resolved(commit: string, limitMs?: number): Promise<LogLine>;
  /** Waits until every placement is applied as the newest revision wants it; their number. */
  settled(placements: number, limitMs?: number): Promise<readonly ApiPlacement[]>;
  close(): Promise<void>;
}

export interface HubBedOptions {
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

async function sendWebhook(apiUrl: string, repositoryUrl: string, secret: string): Promise<void> {
  const body = JSON.stringify({ url: repositoryUrl, ref: 'refs/heads/main' });
  const [timestamp, delivery] = [String(Math.floor(Date.now() / 1000)), randomBytes(8).toString('hex')];
  const signature = createHmac('sha256', secret).update(`${timestamp}.${delivery}.${body}`).digest('hex');
  const response = await fetch(`${apiUrl}/api/v1/webhooks/git`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-fairway-timestamp': timestamp,
      'x-fairway-delivery': delivery,
      'x-fairway-signature-256': `sha256=${signature}`,
    },
    body,
    signal: AbortSignal.timeout(webhookLimitMs),
  });
  const { sources } = (await response.json()) as { readonly sources?: number };
  if (sources !== 1) throw new Error(`the webhook was answered ${response.status}, sources ${sources}`);
}

const webhookLimitMs = 10_000;

/** Polling is so slow that nothing of it is measured: benches say when to look. */
const pollInterval = '1h';

export async function createHubBed({ files, env }: HubBedOptions): Promise<HubBed> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-bench-'));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clear);
  const repository = await createFleetRepository({
    workTree: join(folder, 'work'),
    bare: join(folder, 'git', 'fleet.git'),
  });
  const push: HubBed['push'] = async (changed, message) => {
    const commit = await repository.commit(changed, { message });
    await repository.push();
    return commit;
  };
  const first = await push(files, 'Start the fleet');
  const git = await createGitServer({ root: join(folder, 'git') });
  const dataDir = join(folder, 'hub');
  mkdirSync(dataDir);
  const config = join(folder, 'hub.yaml');
  const secret = randomBytes(16).toString('hex');
  writeFileSync(
    config,
    JSON.stringify({ webhooks: [{ provider: 'generic', secret: { env: 'BENCH_WEBHOOK_SECRET' } }] }),
  );
  const hub = startProgram({
    name: 'hub',
    script: 'hub/cli/main.ts',
    args: ['hub'],
    env: {
      FAIRWAY_CONFIG: config,
      BENCH_WEBHOOK_SECRET: secret,
      FAIRWAY_ROOT_URL: git.url('fleet.git'),
      FAIRWAY_ROOT_POLL_INTERVAL: pollInterval,
      FAIRWAY_DATA_DIR: dataDir,
      FAIRWAY_API_LISTEN: '127.0.0.1:0',
      FAIRWAY_AGENT_LISTEN: '127.0.0.1:0',
      FAIRWAY_ENROLMENT_LISTEN: '127.0.0.1:0',
      ...env,
    },
    logFile: join(folder, 'hub.log'),
  });
  const close = async () => {
    await hub.stop('SIGKILL');
    await git.close();
    clear();
    process.off('exit', clear);
  };
  try {
    const { api: url, token, enrolmentPort } = await waitForHub(dataDir, hub);
    const api = createFleetApi(url, token);
    const bed = build({
      folder,
      hub,
      api,
      token,
      enrolmentAddress: `127.0.0.1:${enrolmentPort}`,
      push,
      tell: () => sendWebhook(url, git.url('fleet.git'), secret),
      close,
    });
    await bed.resolved(first);
    return bed;
  } catch (caught) {
    await close();
    throw caught;
  }
}

function build(parts: Omit<HubBed, 'logged' | 'resolved' | 'settled'>): HubBed {
  const { hub, api } = parts;
  const logged: HubBed['logged'] = (message) =>
    readFileSync(hub.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine)
      .filter((line) => line.message === message);
  return {
    ...parts,
    logged,
    resolved: (commit, limitMs = 60_000) =>
      until(
        `the hub to resolve ${commit.slice(0, 7)}`,
        () => {
          if (!hub.running) throw new Error(`the hub has ended:\n${hub.tail()}`);
          return logged('revision resolved').find(({ revision }) => revision === commit);
        },
        limitMs,
      ),
    settled: (wanted, limitMs = 90_000) =>
      until(
        `${wanted} placements to be applied`,
        async () => {
          const placements = await api.placements();
          const done = placements.filter(
            ({ upToDate, stage }) => upToDate && (stage === 'Applied' || stage === 'Healthy'),
          );
          return done.length === wanted && placements.length === wanted ? placements : undefined;
        },
        limitMs,
        250,
      ),
  };
}
