/** An agent's stream without a cluster: enrolled and connected for real, its desired state in memory only. A thousand of them fit into one process. */
import { createReportQueue, type ReportQueue } from '../../../agent/report/queue.ts';
import { type DesiredStore, loadDesiredStore } from '../../../agent/stream/desired-store.ts';
import { enrol } from '../../../agent/stream/enrol.ts';
import { createHubConnection, type HubConnection } from '../../../agent/stream/hub-connection.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { createLogger } from '../../../shared/log/log.ts';
import { version } from '../../../shared/version.ts';

export interface LightAgent {
  readonly connection: HubConnection;
  readonly desired: DesiredStore;
  readonly reports: ReportQueue;
}

const ports = { clock: systemClock, random: systemRandom, log: createLogger({ level: 'error' }) };
/** Enrolments under way at once. */
const parallel = 16;

const noCluster = () =>
  Promise.reject(new FairwayError('unavailable', 'this agent of a bench has no cluster', { retry: false }));

/** Enrols one; it connects once its connection is started. */
async function createLightAgent(token: string, enrolmentAddress: string): Promise<LightAgent> {
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
  const key = Buffer.from(identity.cacheKey, 'base64');
  const desired = await loadDesiredStore({ storage, key, ...ports });
  const reports = createReportQueue();
  const connection = createHubConnection({
    identity,
    identityStore: { save: () => Promise.resolve() },
    desired,
    reports,
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
  return { connection, desired, reports };
}

/** Enrols one for each token, some at once. @param take is given each with its token before it connects. */
export async function connectLightAgents(
  tokens: readonly string[],
  enrolmentAddress: string,
  take: (agent: LightAgent, token: string) => void,
): Promise<void> {
  const waiting = [...tokens];
  const work = async () => {
    for (let token = waiting.pop(); token !== undefined; token = waiting.pop()) {
      const agent = await createLightAgent(token, enrolmentAddress);
      take(agent, token);
      agent.connection.start();
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
}
