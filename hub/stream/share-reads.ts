import type { Store } from '../store/store.ts';

type SharedStore = Pick<Store, 'meta' | 'content' | 'releases' | 'registry' | 'events'>;

/** Who asks for the same before the running code gives way is answered by one read, which begins after all that they can know of. */
function shareEach<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const current = new Map<string, Promise<T>>();
  return (key) => {
    const known = current.get(key);
    if (known !== undefined) return known;
    const begun = read(key);
    current.set(key, begun);
    queueMicrotask(() => current.delete(key));
    return begun;
  };
}

/** As `shareEach`, where there is but one thing to ask for. */
function share<T>(read: () => Promise<T>): () => Promise<T> {
  const each = shareEach(read);
  return () => each('');
}

/** As `shareEach`, where one read can tell of many keys. @param none of a key that the read says nothing of. */
function gather<T>(
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  none: T,
): (key: string) => Promise<T> {
  let asked: Set<string> | undefined;
  let current: Promise<ReadonlyMap<string, T>> | undefined;
  return async (key) => {
    if (asked === undefined || current === undefined) {
      const keys = new Set<string>();
      asked = keys;
      current = Promise.resolve().then(() => {
        asked = undefined;
        return read([...keys]);
      });
    }
    asked.add(key);
    return (await current).get(key) ?? none;
  };
}

/** As many as `assignments` takes at once. */
const clustersMax = 500;

function byCluster<T extends { readonly cluster: string }>(rows: readonly T[]) {
  return Map.groupBy(rows, ({ cluster }) => cluster);
}

async function assignmentsOf(releases: SharedStore['releases'], clusters: readonly string[]) {
  const starts = Array.from(
    { length: Math.ceil(clusters.length / clustersMax) },
    (_, at) => at * clustersMax,
  );
  const parts = await Promise.all(
    starts.map((start) => releases.assignments({ clusters: clusters.slice(start, start + clustersMax) })),
  );
  return byCluster(parts.flat());
}

async function pausesOf(releases: SharedStore['releases'], clusters: readonly string[]) {
  const [only = '', ...others] = clusters;
  return byCluster(await (others.length === 0 ? releases.pauses(only) : releases.pauses()));
}

/** The store as sessions read it: a release for a thousand clusters wakes all of their sessions at once, and what is the same for each is read once. */
export function shareReads(store: SharedStore): SharedStore {
  const { meta, releases, content } = store;
  const assignments = gather((clusters) => assignmentsOf(releases, clusters), []);
  const pauses = gather((clusters) => pausesOf(releases, clusters), []);
  const objects = shareEach((digests: string) => content.objects(digests.split(' ')));
  return {
    ...store,
    meta: { ...meta, epoch: share(() => meta.epoch()) },
    content: {
      ...content,
      target: shareEach((digest) => content.target(digest)),
      objects: (digests) => (digests.length === 0 ? Promise.resolve(new Map()) : objects(digests.join(' '))),
    },
    releases: {
      ...releases,
      confirmations: share(() => releases.confirmations()),
      assignments: (filter) =>
        filter.cluster !== undefined && filter.application === undefined && filter.clusters === undefined
          ? assignments(filter.cluster)
          : releases.assignments(filter),
      pauses: (cluster) => (cluster === undefined ? releases.pauses() : pauses(cluster)),
    },
  };
}
