import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { RenderedObject, RenderedSet } from '../../model/rendered.ts';
import { Lru } from '../lru.ts';

export interface SetMemoryLimits {
  /** Entries of all sets together. */
  readonly entriesMax: number;
  /** Bytes of all sets with their objects. What several sets have in common counts once. */
  readonly bytesMax: number;
}

/** Sets that are remembered, those used longest ago going first. */
export interface SetMemory<T> {
  get(digest: Digest): T | undefined;
  /** One that is larger than a bound is not kept. */
  set(value: T): void;
  /** Of what is remembered, about. */
  readonly bytes: number;
}

/** About what an entry takes beside the content of its object: digest, key, origin, and its place in two tables. */
const entryBytes = 500;

interface Held {
  readonly bytes: number;
  sets: number;
}

/** @param rendered the set that a value is about. */
export function createSetMemory<T>(
  { entriesMax, bytesMax }: SetMemoryLimits,
  rendered: (value: T) => RenderedSet,
): SetMemory<T> {
  const held = new Map<RenderedObject, Held>();
  let bytes = 0;
  const own = ({ set }: RenderedSet) => (set.entries.length + 1) * entryBytes;
  const known = new Lru<T>(entriesMax, (value) => {
    const { objects } = rendered(value);
    bytes -= own(rendered(value));
    for (const object of objects.values()) {
      const entry = held.get(object);
      if (entry === undefined) continue;
      entry.sets -= 1;
      if (entry.sets > 0) continue;
      held.delete(object);
      bytes -= entry.bytes;
    }
  });

  const hold = (value: RenderedSet): void => {
    bytes += own(value);
    for (const object of value.objects.values()) {
      const entry = held.get(object);
      if (entry !== undefined) {
        entry.sets += 1;
        continue;
      }
      // Text that is not all Latin-1 takes two bytes a character; it is counted as the one that nearly all of it is.
      const size = object.content.length;
      held.set(object, { bytes: size, sets: 1 });
      bytes += size;
    }
  };

  return {
    get: (digest) => known.get(digest),
    set(value) {
      const one = rendered(value);
      const { digest, entries } = one.set;
      known.delete(digest);
      if (entries.length + 1 > entriesMax) return;
      hold(one);
      known.set(digest, value, entries.length + 1);
      known.shrink(() => bytes > bytesMax, digest);
      if (bytes > bytesMax) known.delete(digest);
    },
    get bytes() {
      return bytes;
    },
  };
}
