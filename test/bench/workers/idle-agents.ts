/** The hub's side of idle agents is what counts: enrolled and connected for real, but with no cluster and their desired state in memory only. */

import { createReportQueue } from '../../../agent/report/queue.ts';
import { loadDesiredStore } from '../../../agent/stream/desired-store.ts';
import { enrol } from '../../../agent/stream/enrol.ts';
import { createHubConnection, type HubConnection } from '../../../agent/stream/hub-connection.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { createLogger } from '../../../shared/log/log.ts';
import { version } from '../../../shared/version.ts';
import { serveWorker } from '../kit/worker.ts';

export interface IdleAgentsRequest {
  readonly enrolmentTokens: readonly string[];
  readonly enrolmentAddress: string;
}

const ports = { clock: systemClock, random: systemRandom, log: createLogger({ level: 'error' }) };
const connections: HubConnection[] = [];
/** Enrolments under way at once. */
const parallel = 16;

const noCluster = () =>
  Promise.reject(new FairwayError('unavailable', 'this agent of a bench has no cluster', { retry: false }));

async function connect(token: string, enrolmentAddress: string): Promise<void> {
  const pendingKeys = { loadPending: () => Promise.resolve(undefined), savePending: () => Promise.resolve() };
  const identity = await enrol({
    token,
    enrolmentAddress,
    agentVersion: version,
    pendingKeys,
    env: {},
    ...ports,
  });
  const storage = { load: () => Promise.resolve(undefined), save: () => Promise.resolve() };
  const desired = await loadDesiredStore({
    storage,
    key: Buffer.from(identity.cacheKey, 'base64'),
    ...ports,
  });
  const connection = createHubConnection({
    identity,
    identityStore: { save: () => Promise.resolve() },
    desired,
    reports: createReportQueue(),
    queries: {
      object: noCluster,
      logs: noCluster,
      diagnostics: noCluster,
      adoption: noCluster,
      facts: noCluster,
      run: noCluster,
    },
    versions: { agent: version, kubernetes: 'v1.36.3' },
    instanceId: Buffer.from(systemRandom.bytes(8)).toString('hex'),
    ...ports,
  });
  connection.start();
  connections.push(connection);
}

serveWorker({
  async start({ enrolmentTokens, enrolmentAddress }: IdleAgentsRequest): Promise<void> {
    const waiting = [...enrolmentTokens];
    const work = async () => {
      for (let token = waiting.pop(); token !== undefined; token = waiting.pop())
        await connect(token, enrolmentAddress);
    };
    await Promise.all(Array.from({ length: parallel }, work));
  },
  connected: () => connections.filter((connection) => connection.state().connected).length,
});
