import { FairwayError } from '../../../shared/error/error.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { ManifestSet } from '../../../shared/manifest/target.ts';
import type { RenderedObject, RenderedSet } from '../../model/rendered.ts';
import { Lru } from '../lru.ts';
import type { RenderResult } from '../renderer.ts';
import type { ResultHead } from './messages.ts';
import { createSetMemory, type SetMemoryLimits } from './set-memory.ts';

/** From the order that was just rendered. */
export interface Fetch {
  sets(digests: readonly Digest[]): Promise<readonly ManifestSet[]>;
  objects(digests: readonly Digest[]): Promise<readonly RenderedObject[]>;
}

/** What is remembered on this side: sets with all that they hold, and the newest objects, most of which those sets have as well. */
const defaultLimits: SetMemoryLimits = { entriesMax: 500_000, bytesMax: 512 * 1024 * 1024 };
const contentBytesMax = 256 * 1024 * 1024;
/** In one message: what comes at once is unpacked at once, and nobody else has a turn meanwhile. */
const setsAtOnce = 8;
const objectsAtOnce = 256;

type GoodHead = Extract<ResultHead, { ok: true }>;
type Good = Extract<RenderResult, { ok: true }>;

export interface SetFetcher {
  /** One result for each head, the same for the same set. @param stored sets that the store has given out meanwhile. */
  resultsOf(
    heads: readonly ResultHead[],
    stored: ReadonlyMap<Digest, RenderedSet>,
    fetch: Fetch,
    signal: AbortSignal | undefined,
  ): Promise<readonly RenderResult[]>;
  /** What is remembered of a set. */
  find(digest: Digest): RenderedSet | undefined;
}

/** Puts sets together of what is here and what only the thread has. */
export function createSetFetcher(limits = defaultLimits): SetFetcher {
  const known = createSetMemory<Good>(limits, ({ rendered }) => rendered);
  const objects = new Lru<RenderedObject>(contentBytesMax);

  const fetchObjects = async (
    wanted: ReadonlySet<Digest>,
    fetch: Fetch,
  ): Promise<ReadonlyMap<Digest, RenderedObject>> => {
    const here = new Map<Digest, RenderedObject>();
    const missing: Digest[] = [];
    for (const digest of wanted) {
      const object = objects.get(digest);
      if (object === undefined) missing.push(digest);
      else here.set(digest, object);
    }
    for (let at = 0; at < missing.length; at += objectsAtOnce)
      for (const object of await fetch.objects(missing.slice(at, at + objectsAtOnce))) {
        objects.set(object.digest, object, object.content.length + 200);
        here.set(object.digest, object);
      }
    return here;
  };

  const fetchSets = async (heads: readonly GoodHead[], fetch: Fetch): Promise<readonly Good[]> => {
    const sets = await fetch.sets(heads.map(({ set }) => set));
    const wanted = new Set(sets.flatMap(({ entries }) => entries.map(({ objectDigest }) => objectDigest)));
    const here = await fetchObjects(wanted, fetch);
    return heads.map(({ set: digest, builtFrom }, index) => {
      const set = sets[index];
      if (set?.digest !== digest) throw new FairwayError('internal', 'the renderer has lost a set');
      return { ok: true, rendered: { set, objects: pick(set, here), builtFrom } };
    });
  };

  const remember = (good: Good): Good => {
    known.set(good);
    return good;
  };

  /** A set without its objects counts only while the store is known to have them. */
  const findGood = (head: GoodHead, stored: ReadonlyMap<Digest, RenderedSet>): Good | undefined => {
    const found = known.get(head.set);
    if (found !== undefined && (head.stored || found.rendered.stored !== true)) return found;
    const given = head.stored ? stored.get(head.set) : undefined;
    return given && remember({ ok: true, rendered: given });
  };

  return {
    find: (digest) => known.get(digest)?.rendered,
    async resultsOf(heads, stored, fetch, signal) {
      const results = new Map<ResultHead, RenderResult>();
      const missing: GoodHead[] = [];
      for (const head of heads) {
        const found = head.ok ? findGood(head, stored) : head;
        if (found !== undefined) results.set(head, found);
        else if (head.ok) missing.push(head);
      }
      for (let at = 0; at < missing.length; at += setsAtOnce) {
        signal?.throwIfAborted();
        const some = missing.slice(at, at + setsAtOnce);
        const fetched = await fetchSets(some, fetch);
        for (const [index, head] of some.entries()) {
          const good = fetched[index];
          if (good !== undefined) results.set(head, remember(good));
        }
      }
      return heads.flatMap((head) => results.get(head) ?? []);
    },
  };
}

function pick(
  { entries }: ManifestSet,
  here: ReadonlyMap<Digest, RenderedObject>,
): ReadonlyMap<Digest, RenderedObject> {
  const objects = new Map<Digest, RenderedObject>();
  for (const { objectDigest } of entries) {
    const object = here.get(objectDigest);
    if (object === undefined) throw new FairwayError('internal', 'the renderer has lost an object');
    objects.set(objectDigest, object);
  }
  return objects;
}
