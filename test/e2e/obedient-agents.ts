/** Agents on the stream, without a cluster: each does at once what it is told and says so, and what it was told is kept for a test to look at. */
import type { DesiredApplication } from '../../agent/model/desired.ts';
import { keyText } from '../../shared/manifest/object.ts';
import { type Agent, enrolWith, startAgent } from '../contract/wire/harness.ts';
import type { HubBed } from './hub-bed.ts';

/** What one agent was told of one application, once a generation. */
export interface Told {
  readonly cluster: string;
  /** The first `data.value` that it was given; empty: it was given none. */
  readonly value: string;
  readonly desired: DesiredApplication;
}

export interface ObedientAgents {
  /** By all agents, in the order in which they came to know. */
  readonly told: readonly Told[];
  /** `CLUSTER=VALUE` of what was told since, each as often as it was. */
  since(from: number): readonly string[];
  /** Enrols clusters, and waits until the hub has them all. */
  connect(clusters: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** They come back soon to a hub that was started again. */
const backoff = { baseMs: 50, maxMs: 500 };

/** @param bed started. What says `bad` is applied and fails; all else becomes healthy. */
export function createObedientAgents(bed: () => HubBed): ObedientAgents {
  const agents: Agent[] = [];
  const told: Told[] = [];

  const obey = (cluster: string, agent: Agent, desired: DesiredApplication) => {
    const { application, generation, target } = desired;
    const texts = target.set.entries.map(({ objectDigest }) => agent.desired.object(objectDigest));
    // Its objects are on their way: it is called again once they are here.
    if (texts.some((text) => text === undefined)) return false;
    const value = /"value":"([^"]*)"/.exec(texts.join(''))?.[1] ?? '';
    told.push({ cluster, value, desired });
    const bad = value.startsWith('bad');
    const common = { application, generation, targetDigest: target.digest };
    const key = target.set.entries[0]?.key;
    agent.reports.application({
      ...common,
      ...{ syncStatus: 'Synced', objects: 1, objectsSynced: 1, appliedAtMs: Date.now(), timeMs: Date.now() },
      ...{ waitsFor: '', changes: {}, healthStatus: bad ? 'Failed' : 'Current' },
      message: bad && key ? `${keyText(key)}: the image cannot be pulled` : '',
    });
    for (const stage of bad ? (['applied'] as const) : (['applied', 'healthy'] as const))
      agent.connection.acknowledge({ ...common, stage, message: '', timeMs: Date.now() });
    return true;
  };

  const connectOne = async (cluster: string) => {
    const token = await bed().api().enrolmentToken(cluster);
    const enrolmentAddress = `127.0.0.1:${bed().addresses().enrolmentPort}`;
    const agent = await startAgent(await enrolWith({ enrolmentAddress }, token), { backoff });
    agents.push(agent);
    const seen = new Set<string>();
    agent.desired.subscribe(() => {
      for (const desired of agent.desired.applications().values()) {
        const generation = `${desired.application}#${desired.generation}`;
        if (!seen.has(generation) && obey(cluster, agent, desired)) seen.add(generation);
      }
    });
  };

  return {
    told,
    since: (from) => told.slice(from).map(({ cluster, value }) => `${cluster}=${value}`),
    async connect(clusters) {
      for (const cluster of clusters) await connectOne(cluster);
      await bed().wait('all agents to be there', async () => {
        const { items } = await bed().api().get<{ items: { connected: boolean }[] }>('/api/v1/clusters');
        return items.filter(({ connected }) => connected).length >= agents.length ? true : undefined;
      });
    },
    async stop() {
      for (const agent of agents) await agent.connection.stop();
    },
  };
}
