/** One agent in release form that keeps the 200 objects of the load in one simulated cluster, settled. */
import { join } from 'node:path';
import { createHubBed } from './hub-bed.ts';
import { applicationFile, clusterName, clustersFile, loadFiles } from './manifests.ts';
import { type ApiServer, type ReleaseAgent, startReleaseAgent } from './release-agent.ts';
import { startWorker } from './worker.ts';

const namespace = 'fairway-agent';

export interface SettledAgent {
  readonly agent: ReleaseAgent;
  /** Requests its cluster answered so far, by verb. */
  requestCounts(): Promise<Readonly<Record<string, number>>>;
}

/** Runs `measure` on a settled agent; clears everything away whatever happens. */
export async function withSettledAgent<T>(measure: (settled: SettledAgent) => Promise<T>): Promise<T> {
  const files = {
    'fleet/clusters.yaml': clustersFile(1),
    'fleet/load.yaml': applicationFile('load', 'apps/load'),
    ...loadFiles(),
  };
  const bed = await createHubBed({ files });
  const clusters = startWorker('clusters', join(bed.folder, 'clusters.log'));
  let agent: ReleaseAgent | undefined;
  try {
    const server = await clusters.call<ApiServer>('startSecure', { namespace });
    agent = await startReleaseAgent({
      folder: bed.folder,
      server,
      enrolmentAddress: bed.enrolmentAddress,
      enrolmentToken: await bed.api.enrolmentToken(clusterName(0)),
      namespace,
    });
    await bed.settled(1);
    return await measure({ agent, requestCounts: () => clusters.call('requests', { name: clusterName(0) }) });
  } finally {
    await agent?.stop();
    await clusters.stop();
    await bed.close();
  }
}
