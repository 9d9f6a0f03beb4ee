/** What is kept of the objects of one kind, by name; of objects that are alike one, and how many there are. */
import { hash } from 'node:crypto';
import type { KubeObject } from '../../shared/manifest/object.ts';

/** An object, and how many are like it. */
export type Counted = readonly [object: KubeObject, count: number];

export interface ObjectTally {
  readonly size: number;
  /** There were more than it holds, by the last that was whole: some of those that came last are not in it. */
  readonly cut: boolean;
  /** All of them come now, and `retain` after that: whether there is room is seen anew, and told then. */
  begin(): void;
  /** @param object undefined: it is gone, or does not count. True: what is kept is another. */
  put(name: string, object: KubeObject | undefined): boolean;
  /** Forgets all others. True: there were others, or there is room for all now. */
  retain(names: ReadonlySet<string>): boolean;
  /** In the order in which they came. */
  counted(): readonly Counted[];
}

interface Shared {
  readonly object: KubeObject;
  readonly digest: string;
  count: number;
}

/** From bytes, not cut from the text of all: V8 would keep that whole. */
function shortDigest(object: KubeObject): string {
  return hash('sha256', JSON.stringify(object), 'buffer').toString('base64url', 0, 12);
}

/** @param objectsMax more are not kept. */
export function createObjectTally(objectsMax: number): ObjectTally {
  const kept = new Map<string, Shared>();
  /** By digest: a thousand pods of one Deployment are one object here. */
  const sorts = new Map<string, Shared>();
  let cut = false;
  /** Some had no room since `begin`. */
  let full = false;

  const release = (shared: Shared) => {
    shared.count -= 1;
    if (shared.count === 0) sorts.delete(shared.digest);
  };
  const share = (object: KubeObject, digest: string): Shared => {
    const known = sorts.get(digest) ?? { object, digest, count: 0 };
    known.count += 1;
    sorts.set(digest, known);
    return known;
  };
  const drop = (name: string): boolean => {
    const before = kept.get(name);
    if (before) release(before);
    return kept.delete(name);
  };

  return {
    get size() {
      return kept.size;
    },
    get cut() {
      return cut;
    },
    begin() {
      full = false;
    },
    put(name, object) {
      if (!object) return drop(name);
      const before = kept.get(name);
      const digest = shortDigest(object);
      if (before?.digest === digest) return false;
      if (!before && kept.size >= objectsMax) {
        const isNews = !cut;
        cut = true;
        full = true;
        return isNews;
      }
      if (before) release(before);
      kept.set(name, share(object, digest));
      return true;
    },
    retain(names) {
      let changed = cut && !full;
      cut = full;
      for (const name of [...kept.keys()]) if (!names.has(name)) changed = drop(name) || changed;
      return changed;
    },
    counted: () => [...sorts.values()].map(({ object, count }) => [object, count] as const),
  };
}
