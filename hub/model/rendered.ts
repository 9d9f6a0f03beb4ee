import type { Digest } from '../../shared/manifest/canonical.ts';
import type { ManifestSet } from '../../shared/manifest/target.ts';

/** One rendered object in canonical form. */
export interface RenderedObject {
  /** SHA-256 of `content`; for Secrets HMAC-SHA-256 with the hub's digest key. */
  readonly digest: Digest;
  /** Canonical JSON (shared/manifest/canonical.ts). */
  readonly content: string;
  /** A core Secret: sealed at rest, masked in every view. */
  readonly secret: boolean;
}

/** What a renderer hands on: the set and each object it names. */
export interface RenderedSet {
  readonly set: ManifestSet;
  /** Empty for a set that is stored. */
  readonly objects: ReadonlyMap<Digest, RenderedObject>;
  /** The folder that was built, for people. */
  readonly builtFrom: string;
  /** It was rendered before, and is in the store with all its objects. */
  readonly stored?: true;
}
