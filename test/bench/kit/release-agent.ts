/** The agent in release form, run as in a pod: the bundle, its launcher with Node's flags, a service account's files. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../cluster/free-port.ts';
import { bundleAgent } from '../../tools/bundle-agent.ts';
import { until } from './wait.ts';
import { adopt } from './worker.ts';

export interface ApiServer {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

export interface ReleaseAgent {
  readonly pid: number;
  /** The agent's own `/metrics`, by name with labels. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  /** Requests it sent to the API server, watches apart. */
  requests(): Promise<number>;
  tail(): string;
  stop(): Promise<void>;
}

export interface ReleaseAgentOptions {
  readonly folder: string;
  readonly server: ApiServer;
  readonly enrolmentAddress: string;
  readonly enrolmentToken: string;
  /** Default `fairway-agent`; must exist. */
  readonly namespace?: string;
  /** A launcher that was bundled before, where its making is no part of what is measured. Default: bundled now. */
  readonly bundled?: string;
  /** Further options of the agent. */
  readonly flags?: readonly string[];
}

const startLimitMs = 30_000;

export async function startReleaseAgent(options: ReleaseAgentOptions): Promise<ReleaseAgent> {
  const { folder, server, enrolmentAddress, enrolmentToken, namespace = 'fairway-agent' } = options;
  const launcher = options.bundled ?? (await bundleAgent(join(folder, 'agent')));
  const account = join(folder, 'service-account');
  mkdirSync(account, { recursive: true });
  writeFileSync(join(account, 'token'), server.token, { mode: 0o600 });
  writeFileSync(join(account, 'ca.crt'), server.ca);
  writeFileSync(join(account, 'namespace'), namespace);
  const healthPort = await freePort();
  const logFile = join(folder, 'agent.log');
  const log = openSync(logFile, 'a', 0o600);
  const flags = [
    '--service-account',
    account,
    '--enrolment-address',
    enrolmentAddress,
    ...(options.flags ?? []),
  ];
  const child = spawn(
    launcher,
    [...flags, '--health-address', `127.0.0.1:${healthPort}`, '--log-level', 'warn'],
    {
      env: {
        PATH: process.env['PATH'],
        FAIRWAY_NODE: process.execPath,
        KUBERNETES_SERVICE_HOST: server.host,
        KUBERNETES_SERVICE_PORT: String(server.port),
        FAIRWAY_ENROLMENT_TOKEN: enrolmentToken,
      },
      stdio: ['ignore', log, log],
    },
  );
  closeSync(log);
  const exited = adopt(child);
  const tail = () => readFileSync(logFile, 'utf8').slice(-2_000);
  const address = `http://127.0.0.1:${healthPort}`;
  const agent: ReleaseAgent = {
    pid: child.pid ?? 0,
    metrics: async () => parseMetrics(await (await fetch(`${address}/metrics`)).text()),
    async requests() {
      const counted = [...(await agent.metrics())].filter(
        ([name]) => name.startsWith('fairway_agent_api_requests_total') && !name.includes('"watch"'),
      );
      return counted.reduce((sum, [, value]) => sum + value, 0);
    },
    tail,
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
  try {
    await until(
      'the agent to start',
      async () => {
        if (child.exitCode !== null) throw new Error(`the agent has ended:\n${tail()}`);
        const ready = await fetch(`${address}/readyz`).catch(() => undefined);
        await ready?.body?.cancel();
        return ready?.ok || undefined;
      },
      startLimitMs,
    );
    return agent;
  } catch (caught) {
    await agent.stop();
    throw caught;
  }
}

function parseMetrics(text: string): ReadonlyMap<string, number> {
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const blank = line.lastIndexOf(' ');
        return [line.slice(0, blank), Number(line.slice(blank + 1))] as const;
      }),
  );
}
