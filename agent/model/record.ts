/** What the agent remembers of each object: digests and paths, never the object, since a cluster may hold thousands. */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { ChangeAction, Health } from '../../shared/manifest/health.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';

/** What metadata alone says of an object's writers; equal facts mean that nothing of ours can have changed. */
export interface ObjectFacts {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Undefined for kinds that have none. */
  readonly generation: number | undefined;
  /** Short digests: our managedFields entry with its time; labels and annotations; the others' entries but status and scale. */
  readonly own: string;
  readonly metadata: string;
  readonly foreign: string;
}

/** What we applied and what the API server made of it. */
export interface AppliedRecord {
  readonly key: ObjectKey;
  readonly apiVersion: string;
  readonly application: string;
  readonly objectDigest: Digest;
  /** The ignored paths of the apply, joined: other exceptions make another body of the same manifest. */
  readonly omitted: string;
  readonly facts: ObjectFacts;
  /** FieldsV1 text of our entry as of the apply. */
  readonly fields: string;
  /** Digest of the values at those fields as the API server returned them. */
  readonly liveDigest: Digest;
  /** A 32-bit hash of each of those values, in the order of `fields`, as base64: says which one differs, without keeping it. */
  readonly leaves: string;
  /** Hashes of the paths that others owned when we applied, as base64: no news. */
  readonly foreignPaths: string;
  readonly appliedAtMs: number;
  readonly action: ChangeAction;
}

/** What a watch tells of an object that bears an inventory label. */
export interface ObservedObject {
  readonly key: ObjectKey;
  readonly apiVersion: string;
  readonly facts: ObjectFacts;
  /** Value of `applyset.kubernetes.io/part-of`. */
  readonly partOf: string;
  readonly health: Health;
  /** Value of the annotation `fairway.dev/prune`. */
  readonly pruneAnnotation: string | undefined;
  /** Value of the annotation `fairway.dev/hook-run`: it is a run of a hook. */
  readonly hookRun: string | undefined;
  /** Its wave, as the manifest it was applied from said. */
  readonly wave: number;
  readonly finalizers: readonly string[];
  /** When its deletion was asked for, by the API server's clock; undefined: it was not. */
  readonly deletedAtMs: number | undefined;
  /** A controller made it (ownerReferences): it may have copied the label, and is never pruned. */
  readonly controlled: boolean;
  /** Our own entry is in its managedFields. Without it the label was copied by somebody, and the object is never pruned. */
  readonly applied: boolean;
}

/** What is kept of an application across restarts: with it, an agent reads only what has changed while it was away. */
export interface SavedApplication {
  readonly application: string;
  readonly appliedDigest: Digest | undefined;
  readonly appliedAtMs: number | undefined;
  readonly records: readonly AppliedRecord[];
}

/**
 * Keeps records across restarts. Losing them costs reads, never an object: a record that is older than the cluster only makes its object
 * suspicious.
 */
export interface RecordStore {
  /** What the last run left of this application; undefined: nothing. */
  take(application: string): SavedApplication | undefined;
  /** Something has changed: what `read` gives is written soon, changes close together as one. */
  touch(read: () => readonly SavedApplication[]): void;
}
