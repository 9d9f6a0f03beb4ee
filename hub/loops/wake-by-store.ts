import type { Loop } from '../../shared/loop/loop.ts';
import { parsePlacementKey } from '../store/change-key.ts';
import type { Store, StoreTopic } from '../store/store.ts';
import type { StreamServer } from '../stream/stream-server.ts';
import type { FailoverLoop } from './failover/failover-loop.ts';
import type { Fencing } from './failover/fencing.ts';
import type { ParityDriver } from './parity/parity-loop.ts';
import { resolveKey } from './resolve/resolve-loop.ts';
import type { RolloutDriver } from './rollout/rollout-loop.ts';

export interface Woken {
  readonly stream: Pick<StreamServer, 'wake'>;
  readonly pipeline: { readonly resolveLoop: Loop };
  readonly rollouts: RolloutDriver;
  readonly parity: ParityDriver;
  readonly failovers: FailoverLoop;
  readonly fencing: Fencing;
  readonly pauseLoop: Loop;
  readonly notify: Loop;
}

/** What agents say that a rollout may wait for. What it has assigned is no news to it. */
const rolloutTopics: ReadonlySet<StoreTopic> = new Set([
  'acknowledgements',
  'observations',
  'registry',
  'pauses',
]);

/** @returns how to end that. */
export function wakeRollouts(store: Pick<Store, 'subscribe'>, rollouts: RolloutDriver): () => void {
  return store.subscribe((topic, key) => {
    const { cluster, application } = parsePlacementKey(key);
    if (rolloutTopics.has(topic)) rollouts.wakeCluster(cluster, application);
    if (topic === 'assignments') rollouts.wakeFollowers(cluster, application);
    if (topic === 'fleet' || (topic === 'pauses' && key === '')) rollouts.wakeAll();
  });
}

/** What has changed in the store wakes whoever waits for it. @returns how to end that. */
export function wakeByStore(
  store: Store,
  { stream, pipeline, pauseLoop, notify, rollouts, parity, failovers, fencing }: Woken,
): () => void {
  const endRollouts = wakeRollouts(store, rollouts);
  const endOthers = store.subscribe((topic, key) => {
    if (topic === 'assignments' || topic === 'pauses')
      stream.wake(key === '' ? undefined : parsePlacementKey(key).cluster);
    if (topic === 'pauses') pauseLoop.wake('pauses');
    if (topic === 'confirmations') {
      stream.wake(undefined);
      pipeline.resolveLoop.wake(resolveKey);
    }
    if (topic === 'events') notify.wake('outbox');
    parity.changed(topic, key);
    failovers.changed(topic, key);
    fencing.changed(topic, key);
  });
  return () => {
    endRollouts();
    endOthers();
  };
}
