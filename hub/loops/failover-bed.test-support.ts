/** Failovers over a real store in memory and a Git that tests answer for: for tests. */
import { createSeededRandom } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { ParityState } from '../model/parity.ts';
import type { WriteRequest } from '../source/write/write-files.ts';
import { createFailovers, type FailoverDriver } from './failovers.ts';
import { createLoopBed, type LoopBed } from './test-bed.ts';

export interface FailoverBed {
  readonly bed: LoopBed;
  readonly failovers: FailoverDriver;
  /** Lets the loop run until it waits for time or for Git. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

type Written = { readonly result: 'written' | 'found'; readonly commit: string; readonly ref: string };

const api = 'apiVersion: fairway.dev/v1alpha1\n';
const failoverFleet = {
  'fleet/clusters.yaml': `${api}kind: Cluster\nmetadata: { name: eu-1 }\nspec: { region: a, role: primary }\n---\n${api}kind: Cluster\nmetadata: { name: eu-2 }\nspec: { region: b, role: standby }\n`,
  'fleet/group.yaml': `${api}kind: ParityGroup\nmetadata: { name: eu }\nspec:\n  primary: eu-1\n  standbys: { clusters: [eu-2] }\n  failover: { fencing: { after: 60s } }\n`,
  'fleet/web.yaml': `${api}kind: Application\nmetadata: { name: web }\nspec:\n  source: { path: apps/web, overlays: ["{{cluster.role}}"] }\n  placement: { clusters: [eu-1, eu-2] }\n  rollout: { strategy: all-at-once }\n`,
  'apps/web/primary/map.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: m, namespace: default }\ndata: { size: "8" }\n',
  'apps/web/standby/map.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: m, namespace: default }\ndata: { size: "2" }\n',
};

/** @param write one attempt: it calls `edit` where Git does not have the commit yet, as the real one does. */
export async function createFailoverBed(
  write: (request: WriteRequest, edit: () => Promise<unknown>) => Promise<Written>,
  parity: (group: string) => ParityState | undefined = () => undefined,
): Promise<FailoverBed> {
  const bed = await createLoopBed();
  await bed.commit(failoverFleet);
  await bed.resolve();
  const read = async (path: string) => failoverFleet[path as keyof typeof failoverFleet];
  let ids = 0;
  const failovers = createFailovers({
    ...{ store: bed.store, clock: bed.clock, source: bed.source, rootKey: bed.root.key },
    ...{ random: createSeededRandom(1), log: silentLogger, digestKey: new Uint8Array(32) },
    preview: { diff: () => Promise.reject(new Error('not asked')) },
    git: {
      ...{ url: bed.root.url, ref: 'main', identity: { name: 'Fairway', email: 'hub@example.com' } },
      write: (request) => write(request, () => request.edit(read)),
    },
    parity,
    onSwitch: () => {},
    newId: () => `f-${++ids}`,
  });
  const unsubscribe = bed.store.subscribe((topic, key) => failovers.changed(topic, key));
  return {
    ...{ bed, failovers },
    async settle() {
      failovers.wakeAll();
      await failovers.loop.idle();
    },
    async close() {
      unsubscribe();
      await failovers.stop();
      await bed.close();
    },
  };
}

/** Failovers of a bed whose Git answers nobody: only the hub's own word switches roles. */
export function openDarkFailovers(bed: LoopBed, digestKey: Uint8Array): FailoverDriver {
  const dark = () => Promise.reject(new FairwayError('unavailable', 'Git does not answer'));
  const identity = { name: 'Hub', email: 'hub@example.com' };
  let ids = 0;
  return createFailovers({
    ...{ store: bed.store, source: bed.source, digestKey, rootKey: bed.root.key, clock: bed.clock },
    ...{ random: createSeededRandom(1), log: silentLogger, preview: { diff: dark } },
    git: { url: bed.root.url, ref: 'main', write: dark, identity },
    ...{ parity: () => undefined, onSwitch: () => undefined, newId: () => `f-${++ids}` },
  });
}
