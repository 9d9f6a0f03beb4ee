import { afterEach } from 'vitest';
import { type Agent, type Hub, startAgent, startHub } from './harness.ts';

export interface Parties {
  hubOf(options?: Parameters<typeof startHub>[0]): Promise<Hub>;
  agentOf(...args: Parameters<typeof startAgent>): Promise<Agent>;
}

/** Starts hubs and agents that end with the test, agents first. Call it once, at the top of a test file. */
export function createParties(): Parties {
  const hubs: Hub[] = [];
  const agents: Agent[] = [];
  afterEach(async () => {
    for (const agent of agents.splice(0)) await agent.connection.stop();
    for (const hub of hubs.splice(0)) await hub.stop();
  });
  return {
    async hubOf(options = {}) {
      const hub = await startHub(options);
      hubs.push(hub);
      return hub;
    },
    async agentOf(...args) {
      const agent = await startAgent(...args);
      agents.push(agent);
      return agent;
    },
  };
}
