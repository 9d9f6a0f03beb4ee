/** The desired state of one application in one cluster, as hub and agent both know it. */
import { canonicalJson, type Digest, digestText } from './canonical.ts';
import type { ClusterObjectRule } from './cluster-objects.ts';
import { keyText, type ObjectKey } from './object.ts';

export type HookPhase = 'pre-sync' | 'post-sync' | 'sync-fail';

export interface ManifestEntry {
  readonly objectDigest: Digest;
  readonly key: ObjectKey;
  readonly apiVersion: string;
  /** keyText of the identity before prefixes, suffixes, hashes and namespaces were put on: the same thing elsewhere or later. */
  readonly originId: string;
  /** `fairway.dev/wave`, default 0. */
  readonly wave: number;
  readonly hook?: HookPhase | undefined;
}

/** Entries in the order the renderer gave them; the digest covers all of it. */
export interface ManifestSet {
  readonly digest: Digest;
  readonly entries: readonly ManifestEntry[];
}

/** A field that Fairway leaves to others. Paths are JSON pointers (RFC 6901). Empty group and kind match all. */
export interface IgnoreRule {
  readonly group: string;
  readonly kind: string;
  readonly paths: readonly string[];
  readonly managers: readonly string[];
  /** Paths in the way of jq (shared/manifest/jq-path.ts), for fields that a pointer cannot name. Absent from digests where there are none. */
  readonly jqPaths?: readonly string[] | undefined;
}

export interface SyncOptions {
  /** What to do about drift. Default enforce. */
  readonly selfHeal: 'enforce' | 'report' | 'off';
  /** Delete what left the set. Default true. */
  readonly prune: boolean;
  /** Whether an object that is there already, and not ours, is taken over. Default always. */
  readonly adoption: 'always' | 'ifNoDiff' | 'never';
  /** Fields that another apply manager owns. Default take. */
  readonly conflicts: 'take' | 'report';
  /** Fields we do not set. Default `auto`: undo for people's managers (kubectl*), report for others. */
  readonly foreignFields: 'auto' | 'undo' | 'report' | 'leave';
  readonly ignore: readonly IgnoreRule[];
  /** Given to namespaced objects that name none. Default "default". */
  readonly namespace: string;
  /**
   * A ServiceAccount whose rights the application's writes have: NAME in `namespace`, or NAMESPACE:NAME. Default: the agent's own rights. Absent from digests
   * where it is not set.
   */
  readonly serviceAccount?: string | undefined;
  /** All that it may bring of objects that lie in no namespace, as its Project says. Undefined: anything. Absent from digests then. */
  readonly clusterObjects?: readonly ClusterObjectRule[] | undefined;
  /** Delete and make anew what the API server refuses to change in place, as `fairway.dev/recreate: "true"` says of one object. Default false. */
  readonly recreate?: boolean | undefined;
  /** How long the objects of a wave may take to become healthy before the sync counts as failed, in seconds. Default 600. */
  readonly waveTimeoutSeconds?: number | undefined;
  /** The share of an inventory, in percent, that one sync may delete by itself when it is more than ten objects. Default 50; 100: all. */
  readonly pruneLimit?: number | undefined;
  /** How long an object may be on its way before it counts as failed, in seconds. Default 600; a Deployment's own `progressDeadlineSeconds` counts where it is shorter. */
  readonly healthTimeoutSeconds?: number | undefined;
}

export const defaultSyncOptions: SyncOptions = {
  selfHeal: 'enforce',
  prune: true,
  adoption: 'always',
  conflicts: 'take',
  foreignFields: 'auto',
  ignore: [],
  namespace: 'default',
};

export const defaultWaveTimeoutSeconds = 600;
export const defaultPruneLimit = 50;
export const defaultHealthTimeoutSeconds = 600;

/** An option that came later and is at its default counts as absent: Targets made before it keep their digests, for agents that do not know it as well. */
function compactSync(sync: SyncOptions): SyncOptions {
  const { recreate, waveTimeoutSeconds, pruneLimit, healthTimeoutSeconds, ...rest } = sync;
  return {
    ...rest,
    ...(recreate === true && { recreate }),
    ...(waveTimeoutSeconds !== undefined &&
      waveTimeoutSeconds !== defaultWaveTimeoutSeconds && { waveTimeoutSeconds }),
    ...(pruneLimit !== undefined && pruneLimit !== defaultPruneLimit && { pruneLimit }),
    ...(healthTimeoutSeconds !== undefined &&
      healthTimeoutSeconds !== defaultHealthTimeoutSeconds && { healthTimeoutSeconds }),
  };
}

/** Health by CEL for a custom kind; each expression sees `object`. */
export interface HealthRule {
  readonly apiVersion: string;
  readonly kind: string;
  readonly current: string;
  readonly inProgress: string;
  readonly failed: string;
}

export type DeletionPolicy = 'prune' | 'orphan';

export interface Target {
  readonly digest: Digest;
  readonly set: ManifestSet;
  readonly sync: SyncOptions;
  readonly health: readonly HealthRule[];
  /** Applications that must be healthy in the cluster before this one is applied. */
  readonly dependsOn: readonly string[];
  readonly deletionPolicy: DeletionPolicy;
  /** True for a Target that takes the application out of the cluster; its set is empty. */
  readonly removed: boolean;
}

export type AssignmentReason = 'release' | 'rollback' | 'failover' | 'override';

/** All of an entry as one line of what a set's digest is made of. */
export function entryLine({ objectDigest, key, apiVersion, originId, wave, hook }: ManifestEntry): string {
  // Joined, not added up: V8 then makes one flat text of it, which is joined with hundreds of others for each set.
  return [objectDigest, keyText(key), apiVersion, originId, wave, hook ?? ''].join(' ');
}

/** @param lines the entries' lines, for who has them at hand. */
export function createManifestSet(
  entries: readonly ManifestEntry[],
  lines: readonly string[] = entries.map(entryLine),
): ManifestSet {
  return { digest: digestText(lines.join('\n')), entries };
}

export function createTarget(parts: Omit<Target, 'digest'>): Target {
  const { set, ...rest } = parts;
  const options = { ...rest, sync: compactSync(rest.sync) };
  return { set, ...options, digest: digestText(canonicalJson({ set: set.digest, ...options })) };
}

/** The Target that removes an application: nothing in it, pruned or orphaned as the policy says. */
export function createRemovalTarget(
  deletionPolicy: DeletionPolicy,
  sync: SyncOptions = defaultSyncOptions,
): Target {
  return createTarget({
    set: createManifestSet([]),
    sync,
    health: [],
    dependsOn: [],
    deletionPolicy,
    removed: true,
  });
}

/** Which of two epochs is the later; equal counters with different ids are a fork. */
export interface Epoch {
  readonly counter: number;
  /** Random, so that two hubs restored from the same backup are told apart. */
  readonly id: string;
}
