/** Facts over the wire: the agent says, unasked, that they have changed. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Agent, enrolAgent, type Hub, startAgent, startHub, until } from './harness.ts';

const hubs: Hub[] = [];
const agents: Agent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.connection.stop();
  for (const hub of hubs.splice(0)) await hub.stop();
});

describe('facts', () => {
  it('tells that facts have changed, unasked, for as long as it is connected', async () => {
    const told: string[] = [];
    const hub = await startHub({ onFactsChanged: (cluster) => told.push(cluster) });
    hubs.push(hub);
    const listeners = new Set<() => void>();
    const onFactsChanged = (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const queries = {
      object: async () => undefined,
      logs: async () => ({ content: Buffer.alloc(0), truncated: false }),
      diagnostics: async () => 'here',
      adoption: async () => ({ findings: [], truncated: false }),
      facts: async () => [],
      run: async () => ({ state: 'gone', message: '', logTail: '' }),
      onFactsChanged,
    };
    const agent = await startAgent(await enrolAgent(hub, 'eu-1'), { queries });
    agents.push(agent);
    await until('its Query stream', () =>
      hub.server.query('eu-1', { type: 'diagnostics' }).catch(() => undefined),
    );
    // It has come, and watches nothing yet.
    expect(told).toEqual(['eu-1']);
    for (const listener of listeners) listener();
    await until('the word of it', () => told.length > 1);
    expect(told).toEqual(['eu-1', 'eu-1']);
    await agent.connection.stop();
    await until('nobody listens', () => listeners.size === 0);
  });
});
