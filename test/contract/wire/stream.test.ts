import { afterEach, describe, expect, it } from 'vitest';
import {
  type Agent,
  configMap,
  enrolAgent,
  type Hub,
  secret,
  startAgent,
  startHub,
  until,
} from './harness.ts';

const hubs: Hub[] = [];
const agents: Agent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.connection.stop();
  for (const hub of hubs.splice(0)) await hub.stop();
});

async function hubOf(options: Parameters<typeof startHub>[0] = {}): Promise<Hub> {
  const hub = await startHub(options);
  hubs.push(hub);
  return hub;
}

async function agentOf(...args: Parameters<typeof startAgent>): Promise<Agent> {
  const agent = await startAgent(...args);
  agents.push(agent);
  return agent;
}

const acknowledgementsOf = async (hub: Hub, cluster: string, application: string) =>
  (await hub.store.releases.assignments({ cluster, application }))[0]?.acknowledgements;

describe('session', () => {
  it('enrols, connects, sends what is assigned and records the acknowledgement', async () => {
    const hub = await hubOf();
    await hub.assign('eu-1', { web: [configMap('settings', 'one'), secret('key', 'c2VjcmV0')] });
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    const web = await until('the assignment', () => agent.desired.applications().get('web'));
    expect(web.target.set.entries.map(({ key }) => key.name)).toEqual(['settings', 'key']);
    for (const { objectDigest } of web.target.set.entries)
      expect(JSON.parse(agent.desired.object(objectDigest)!)).toMatchObject({ apiVersion: 'v1' });
    await until('received', async () => (await acknowledgementsOf(hub, 'eu-1', 'web'))?.receivedAtMs);
    expect((await hub.store.registry.cluster('eu-1'))?.connected).toBe(true);
    expect(hub.server.sessions()).toMatchObject([
      { cluster: 'eu-1', agentVersion: '0.1.0', kubernetesVersion: 'v1.36.3' },
    ]);
    expect(agent.desired.batchOpen()).toBe(false);
    expect(await hub.eventTypes()).toContain('agent.connected');
  });
});
