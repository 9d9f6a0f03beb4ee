import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { ManifestSet, Target } from '../../../shared/manifest/target.ts';
import type { RenderedObject } from '../../model/rendered.ts';

/** Objects, sets and Targets by digest. */
export interface ContentRepository {
  /** Objects and sets, by digest; known ones are skipped. Content is compressed, and sealed for secrets. */
  saveSets(sets: readonly ManifestSet[], objects: readonly RenderedObject[]): Promise<void>;
  saveTargets(targets: readonly Target[]): Promise<void>;
  target(digest: Digest): Promise<Target | undefined>;
  targets(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, Target>>;
  /** Canonical JSON of each known digest, at most 1,000 asked at once. */
  objects(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, RenderedObject>>;
  /** Which of the digests are in no Target assigned to the cluster now. */
  unreachable(cluster: string, digests: readonly Digest[]): Promise<readonly Digest[]>;
}
