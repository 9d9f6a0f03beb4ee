/** Parity groups of real rendered objects in a store, with agents that say they have applied everything: what comparing them costs the hub. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLoopBed, type LoopBed } from '../../../hub/loops/loop-bed.test-support.ts';
import { createParityLoop, type ParityDriver } from '../../../hub/loops/parity/parity-loop.ts';
import type { ObjectObservation } from '../../../hub/model/observation.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { ManifestEntry } from '../../../shared/manifest/target.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const rowsAtOnce = 1_000;

export interface ParityBed {
  /** A hub's parity that has just started: it compares everything. */
  start(): ParityDriver;
  /** What the agent of a cluster says of one of its objects. */
  report(cluster: string, at: number, part: Partial<ObjectObservation>): Promise<ObjectObservation>;
  /** Until the loops have nothing more to do. */
  settle(parity: ParityDriver): Promise<void>;
  close(): Promise<void>;
}

const primaryOf = (group: number) => `p${group}`;
export const standbyOf = (group: number): string => `s${group}`;
export const groupOf = (group: number): string => `group-${group}`;

/** Every object says its cluster's region, so that no two are equal as text. */
function manifest(at: number): string {
  const env = Array.from({ length: 30 }, (_, n) => `{name: KEY_${n}, value: value of ${n} in ${at}}`);
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: web-${at}, namespace: shop, labels: {app: web-${at}, team: shop}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web-${at}}}
  template:
    metadata: {labels: {app: web-${at}}}
    spec: {containers: [{name: web, image: "registry.example.com/web:${at}", env: [${env.join(', ')}]}]}
`;
}

function filesOf(groups: number, objects: number): Readonly<Record<string, string>> {
  const all = Array.from({ length: groups }, (_, at) => at);
  const clusters = all.flatMap((at) =>
    [primaryOf(at), standbyOf(at)].map(
      (name) => `${head}kind: Cluster\nmetadata: {name: ${name}}\nspec: {region: ${name}}\n`,
    ),
  );
  const parity = all.map(
    (at) =>
      `${head}kind: ParityGroup\nmetadata: {name: ${groupOf(at)}}\nspec:\n  primary: ${primaryOf(at)}\n  standbys: {clusters: [${standbyOf(at)}]}\n  variables: {region: "{{cluster.region}}"}\n`,
  );
  const patch = (region: string) =>
    `resources: [../../base]\npatches:\n  - target: {kind: Deployment}\n    patch: '[{"op": "add", "path": "/metadata/labels/region", "value": "${region}"}]'\n`;
  const overlays = all.flatMap((at) =>
    [primaryOf(at), standbyOf(at)].map((name) => [
      `apps/web/overlays/${name}/kustomization.yaml`,
      patch(name),
    ]),
  );
  return {
    'fleet/clusters.yaml': clusters.join('---\n'),
    'fleet/parity.yaml': parity.join('---\n'),
    'fleet/web.yaml': `${head}kind: Application\nmetadata: {name: web}\nspec:\n  source: {path: apps/web, overlays: ["overlays/{{cluster.region}}"]}\n  placement: {clusters: [${all.flatMap((at) => [primaryOf(at), standbyOf(at)]).join(', ')}]}\n  rollout: {strategy: all-at-once}\n`,
    'apps/web/base/kustomization.yaml': 'resources: [all.yaml]\n',
    'apps/web/base/all.yaml': Array.from({ length: objects }, (_, at) => manifest(at)).join('---\n'),
    ...Object.fromEntries(overlays),
  };
}

async function entriesOf({ store }: LoopBed, cluster: string): Promise<readonly ManifestEntry[]> {
  const [assignment] = await store.releases.assignments({ cluster });
  const target = await store.content.target(assignment?.targetDigest ?? '');
  if (!target) throw new Error(`nothing is assigned to ${cluster}`);
  return target.set.entries;
}

function rowOf(cluster: string, { key, objectDigest }: ManifestEntry): ObjectObservation {
  return {
    ...{ cluster, application: 'web', key, objectDigest, liveDigest: objectDigest, drift: undefined },
    ...{ syncStatus: 'Synced', healthStatus: 'Current', reason: '', message: '' },
    ...{ lastAction: 'created', generation: 1, timeMs: 1 },
  };
}

async function save(
  { store }: LoopBed,
  cluster: string,
  objects: readonly ObjectObservation[],
): Promise<void> {
  await store.observations.saveBatch({ cluster, applications: [], objects, gone: [], events: [] }, []);
}

export async function createParityBed(groups: number, objects: number): Promise<ParityBed> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-bench-parity-'));
  const bed = await createLoopBed(join(folder, 'hub.db'));
  await bed.commit(filesOf(groups, objects));
  await bed.resolve();
  const rowsOf = new Map<string, readonly ObjectObservation[]>();
  for (let at = 0; at < groups; at += 1)
    for (const cluster of [primaryOf(at), standbyOf(at)]) {
      const rows = (await entriesOf(bed, cluster)).map((entry) => rowOf(cluster, entry));
      rowsOf.set(cluster, rows);
      for (let from = 0; from < rows.length; from += rowsAtOnce)
        await save(bed, cluster, rows.slice(from, from + rowsAtOnce));
      await bed.store.registry.seen({ cluster, connected: true, nowMs: bed.clock.now() });
    }
  const away = () => Promise.reject(new FairwayError('unavailable', 'there are no agents'));
  return {
    start() {
      const driver = createParityLoop({
        ...{ store: bed.store, digestKey: new Uint8Array(32), ask: away, explain: away },
        ...{ clock: bed.clock, random: createSeededRandom(1), log: silentLogger },
      });
      const unsubscribe = bed.store.subscribe(driver.changed);
      driver.wakeAll();
      return { ...driver, stop: () => driver.stop().finally(unsubscribe) };
    },
    async report(cluster, at, part) {
      const said = rowsOf.get(cluster)?.[at];
      if (!said) throw new Error(`${cluster} has no object ${at}`);
      const row = { ...said, ...part };
      await save(bed, cluster, [row]);
      return row;
    },
    async settle(parity) {
      await bed.clock.advance(60);
      for (const loop of parity.loops) await loop.idle();
    },
    close: () => bed.close().finally(() => rmSync(folder, { recursive: true, force: true })),
  };
}
