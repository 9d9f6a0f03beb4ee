/** Whole agents of a bench, many in one process, each on a cluster of its own. */
import { type RunningAgent, startAgent } from '../../../agent/main.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { createLogger } from '../../../shared/log/log.ts';
import { serveWorker } from '../kit/worker.ts';
import type { SimulatedCluster } from './clusters.ts';

export interface AgentsRequest {
  readonly clusters: readonly (SimulatedCluster & { readonly enrolmentToken: string })[];
  readonly enrolmentAddress: string;
}

const agents: RunningAgent[] = [];

serveWorker({
  async start({ clusters, enrolmentAddress }: AgentsRequest): Promise<void> {
    for (const { server, token, enrolmentToken } of clusters)
      agents.push(
        await startAgent({
          connection: { server, token },
          namespace: 'fairway-agent',
          ensureNamespace: true,
          enrolmentToken: () => Promise.resolve(enrolmentToken),
          enrolmentAddress,
          hubAddresses: [],
          stateDirectory: undefined,
          env: {},
          clock: systemClock,
          random: systemRandom,
          log: createLogger({ level: 'warn' }),
          signal: new AbortController().signal,
        }),
      );
  },
  connected: () => agents.filter(({ connection }) => connection.state().connected).length,
});
