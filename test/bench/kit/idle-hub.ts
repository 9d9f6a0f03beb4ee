/** A hub of 1,000 clusters, first with none, then with all of their agents connected and idle: what each of them costs it. */
import { join } from 'node:path';
import { freePort } from '../../cluster/free-port.ts';
import { createHubBed, type HubBed } from './hub-bed.ts';
import { collectGarbage } from './inspector.ts';
import { applicationFile, clusterName, clustersFile, settingsFile } from './manifests.ts';
import { cpuSeconds, residentKb } from './process-figures.ts';
import { pause, until } from './wait.ts';
import { startWorker } from './worker.ts';

export const idleAgents = 1_000;
const cpuWindowMs = 30_000;
const quietMs = 2_000;
const tokensAtOnce = 16;
/** A busy machine takes minutes for what takes seconds otherwise. */
const limitMs = 300_000;

export interface IdleHubFigures {
  readonly kbPerAgent: number;
  readonly cpuPercent: number;
}

let measured: Promise<IdleHubFigures> | undefined;

/** Measured once a run: two benches tell of it. */
export function measureIdleHub(say: (text: string) => void): Promise<IdleHubFigures> {
  measured ??= measure(say);
  return measured;
}

async function enrolmentTokens(bed: HubBed): Promise<readonly string[]> {
  const names = Array.from({ length: idleAgents }, (_, index) => clusterName(index));
  const tokens: string[] = [];
  while (tokens.length < names.length)
    tokens.push(
      ...(await Promise.all(
        names.slice(tokens.length, tokens.length + tokensAtOnce).map((name) => bed.api.enrolmentToken(name)),
      )),
    );
  return tokens;
}

async function settledKb(pid: number, port: number): Promise<number> {
  await pause(quietMs);
  await collectGarbage(pid, port);
  await pause(quietMs);
  await collectGarbage(pid, port);
  return residentKb(pid);
}

async function measure(say: (text: string) => void): Promise<IdleHubFigures> {
  const inspectPort = await freePort();
  const bed = await createHubBed({
    files: {
      'fleet/clusters.yaml': clustersFile(idleAgents),
      'fleet/settings.yaml': applicationFile('settings', 'apps/settings'),
      'apps/settings/settings.yaml': settingsFile(0, 'one'),
    },
    env: { NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspectPort}` },
  });
  const agents = startWorker('idle-agents', join(bed.folder, 'agents.log'));
  try {
    const pid = bed.hub.pid ?? 0;
    const tokens = await enrolmentTokens(bed);
    const noneKb = await settledKb(pid, inspectPort);
    const { enrolmentAddress } = bed;
    await agents.call('start', { enrolmentTokens: tokens, enrolmentAddress }, limitMs);
    const connected = () => agents.call<number>('connected');
    await until(
      'all agents to connect',
      async () => ((await connected()) === idleAgents ? true : undefined),
      limitMs,
      250,
    );
    const allKb = await settledKb(pid, inspectPort);
    const [cpuBefore, startedMs] = [cpuSeconds(pid), performance.now()];
    await pause(cpuWindowMs);
    const seconds = (performance.now() - startedMs) / 1000;
    const cpuPercent = (100 * (cpuSeconds(pid) - cpuBefore)) / seconds;
    const left = await connected();
    if (left !== idleAgents) throw new Error(`${idleAgents - left} agents lost their connection`);
    say(`the hub: ${noneKb} kB with no agent, ${allKb} kB with ${idleAgents}`);
    return { kbPerAgent: (allKb - noneKb) / idleAgents, cpuPercent };
  } finally {
    await agents.stop();
    await bed.close();
  }
}
