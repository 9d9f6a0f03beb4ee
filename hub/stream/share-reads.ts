import type { Store } from '../store/store.ts';

type SharedStore = Pick<Store, 'meta' | 'content' | 'releases' | 'registry' | 'events'>;

/** Who asks before the running code gives way is answered by one read, which begins after all that they can know of. */
function share<T>(read: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | undefined;
  return () => {
    if (current !== undefined) return current;
    const begun = read();
    current = begun;
    queueMicrotask(() => {
      current = undefined;
    });
    return begun;
  };
}

/** The store as sessions read it: a release for a thousand clusters wakes all of their sessions at once, and what is the same for each is read once. */
export function shareReads(store: SharedStore): SharedStore {
  const { meta, releases } = store;
  return {
    ...store,
    meta: { ...meta, epoch: share(() => meta.epoch()) },
    releases: { ...releases, confirmations: share(() => releases.confirmations()) },
  };
}
