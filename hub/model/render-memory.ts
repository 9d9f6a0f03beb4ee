/**
 * What rendering remembers across restarts: for each root (a folder or a chart with its inputs) which Git objects it was made from, and the set that
 * came of it. Digests and paths alone: the sets and their objects are in the store by themselves.
 */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { ManifestSet } from '../../shared/manifest/target.ts';

/** One built folder or chart: all that it looked at itself, and what it stands on. Shared by all roots that stand on it. */
export interface RenderNode {
  /** Covers everything but `oid`. */
  readonly digest: Digest;
  readonly folder: string;
  /** Git object id of the folder when it was built: while it is the same, so is all that was read within. Empty: not known. */
  readonly oid: string;
  /** Version of helm, where one of its charts went into it; else empty. */
  readonly helm: string;
  /** Path and Git object id, or what stands for none; another repository's paths begin with its address and two slashes. */
  readonly probes: readonly (readonly [path: string, answer: string])[];
  readonly bases: readonly Digest[];
}

export interface RenderRoot {
  /** Digest of the renderer, its settings and what is rendered. */
  readonly key: Digest;
  readonly node: Digest;
  /** Names of the cluster variables in it; empty unless they are filled in. */
  readonly variables: readonly string[];
}

/** Names a result: of a root, for clusters that have the same values of its variables. */
export interface RenderResultKey {
  readonly root: Digest;
  /** What the root was made from: the same root of another commit or branch has other results for the same values. */
  readonly node: Digest;
  /** Digest of those values; empty where none are filled in. */
  readonly values: string;
}

export interface RenderResultRecord extends RenderResultKey {
  readonly set: Digest;
  readonly builtFrom: string;
}

export interface RenderRecords {
  /** Names the code that rendered: another one may come to other results. */
  readonly engine: string;
  readonly nodes: readonly RenderNode[];
  readonly roots: readonly RenderRoot[];
  readonly results: readonly RenderResultRecord[];
}

export interface RememberedResult extends RenderResultKey {
  readonly set: ManifestSet;
  readonly builtFrom: string;
}

/** Most keys in one call. */
export const renderKeysMax = 500;

/** The port of the renderer. */
export interface RenderMemory {
  /** The known ones of the roots, with all nodes below them. */
  roots(
    keys: readonly Digest[],
  ): Promise<{ readonly roots: readonly RenderRoot[]; readonly nodes: readonly RenderNode[] }>;
  /** Those whose sets are in the store; they count as fresh, so that they stay there until a plan names them. */
  results(keys: readonly RenderResultKey[]): Promise<readonly RememberedResult[]>;
  /** Which of these sets, had from here before, are still there; they count as fresh. */
  refresh(sets: readonly Digest[]): Promise<readonly Digest[]>;
}
