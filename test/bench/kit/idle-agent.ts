/** One agent in release form that keeps the 200 objects of the load in one simulated cluster, settled. */
import { join } from 'node:path';
import { createHubBed } from './hub-bed.ts';
import { applicationFile, clusterName, clustersFile, loadFiles, objectsOf } from './manifests.ts';
import { type ApiServer, type ReleaseAgent, startReleaseAgent } from './release-agent.ts';
import { startWorker } from './worker.ts';

const namespace = 'fairway-agent';
const settleLimitMs = 300_000;

export interface SettledAgent {
  readonly agent: ReleaseAgent;
  /** Requests its cluster answered so far, by verb. */
  requestCounts(): Promise<Readonly<Record<string, number>>>;
}

const objectsEach = 50;

/** So many objects in applications of 50, each in a namespace that it makes. */
function manyFiles(objects: number): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  for (let index = 0; index < objects / objectsEach; index += 1) {
    const name = `load-${index}`;
    const own = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    const all = [own, ...objectsOf(name, objectsEach - 1, 'one')];
    files[`fleet/${name}.yaml`] = applicationFile(name, `apps/${name}`);
    files[`apps/${name}/all.yaml`] = all.map((object) => JSON.stringify(object)).join('\n---\n');
  }
  return files;
}

const load = () => ({ 'fleet/load.yaml': applicationFile('load', 'apps/load'), ...loadFiles() });

/**
 * Runs `measure` on a settled agent; clears everything away whatever happens.
 * @param objects default the load's, in one application; else a multiple of 50.
 */
export async function withSettledAgent<T>(
  measure: (settled: SettledAgent) => Promise<T>,
  objects?: number,
): Promise<T> {
  const files = {
    'fleet/clusters.yaml': clustersFile(1),
    ...(objects === undefined ? load() : manyFiles(objects)),
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
    await bed.settled(objects === undefined ? 1 : objects / objectsEach, settleLimitMs);
    return await measure({ agent, requestCounts: () => clusters.call('requests', { name: clusterName(0) }) });
  } finally {
    await agent?.stop();
    await clusters.stop();
    await bed.close();
  }
}
