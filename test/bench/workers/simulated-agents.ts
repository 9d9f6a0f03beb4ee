/** Agents whose clusters do at once what they are told: what takes time is the hub, the stream and the agents' side of it. */
import { connectLightAgents, type LightAgent } from '../kit/light-agent.ts';
import { serveWorker } from '../kit/worker.ts';
import type { AgentsRequest, TakenAssignment } from './agents.ts';

const agents: LightAgent[] = [];
let taken: TakenAssignment[] = [];

/** Reports and acknowledges each assignment once all of its objects are here. */
function obey({ desired, reports, connection }: LightAgent, cluster: string): void {
  const generations = new Map<string, number>();
  desired.subscribe(() => {
    for (const [application, { generation, target }] of desired.applications()) {
      if (generations.get(application) === generation) continue;
      generations.set(application, generation);
      const timeMs = Date.now();
      taken.push({ cluster, application, generation, time: new Date(timeMs).toISOString() });
      const objects = target.set.entries.length;
      const common = { application, generation, targetDigest: target.digest, timeMs, message: '' };
      reports.application({
        ...common,
        ...{ syncStatus: 'Synced', healthStatus: 'Current', objects, objectsSynced: objects },
        ...{ appliedAtMs: timeMs, waitsFor: '', changes: {} },
      });
      for (const stage of ['applied', 'healthy'] as const) connection.acknowledge({ ...common, stage });
    }
  });
}

serveWorker({
  async start({ clusters, enrolmentAddress }: AgentsRequest): Promise<void> {
    const names = new Map(clusters.map(({ name, enrolmentToken }) => [enrolmentToken, name]));
    await connectLightAgents([...names.keys()], enrolmentAddress, (agent, token) => {
      agents.push(agent);
      obey(agent, names.get(token) ?? '');
    });
  },
  /** Since the last call. */
  taken(): readonly TakenAssignment[] {
    const told = taken;
    taken = [];
    return told;
  },
  connected: () => agents.filter(({ connection }) => connection.state().connected).length,
});
