import type { Digest } from '../../shared/manifest/canonical.ts';
import type { Target } from '../../shared/manifest/target.ts';
import type { Store } from '../store/store.ts';

/** Targets read in one call. */
const targetsAtOnce = 500;

/** Those that are in the store, each once. @param turn awaited between calls. */
export async function loadTargets(
  store: Pick<Store, 'content'>,
  digests: Iterable<Digest>,
  turn: () => Promise<void> = async () => {},
): Promise<ReadonlyMap<Digest, Target>> {
  const found = new Map<Digest, Target>();
  const distinct = [...new Set(digests)];
  for (let at = 0; at < distinct.length; at += targetsAtOnce) {
    await turn();
    for (const [digest, target] of await store.content.targets(distinct.slice(at, at + targetsAtOnce)))
      found.set(digest, target);
  }
  return found;
}
