/** Whole agents of a bench, many in one process, each on a cluster of its own. */
import { type RunningAgent, startAgent } from '../../../agent/start-agent.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { createLogger } from '../../../shared/log/log.ts';
import { serveWorker } from '../kit/worker.ts';
import type { SimulatedCluster } from './clusters.ts';

export interface AgentsRequest {
  readonly clusters: readonly (SimulatedCluster & { readonly enrolmentToken: string })[];
  readonly enrolmentAddress: string;
}

/** When an agent took an assignment, before anything was done with it. */
export interface TakenAssignment {
  readonly cluster: string;
  readonly application: string;
  readonly generation: number;
  readonly time: string;
}

const agents: RunningAgent[] = [];
let taken: TakenAssignment[] = [];

const log = createLogger({
  level: 'debug',
  write(line) {
    if (line.includes('"assignment taken"')) taken.push(JSON.parse(line) as TakenAssignment);
    else if (!line.includes('"level":"debug"') && !line.includes('"level":"info"'))
      process.stderr.write(`${line}\n`);
  },
});

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
          log,
          signal: new AbortController().signal,
        }),
      );
  },
  /** Since the last call. */
  taken(): readonly TakenAssignment[] {
    const told = taken;
    taken = [];
    return told;
  },
  connected: () => agents.filter(({ connection }) => connection.state().connected).length,
});
