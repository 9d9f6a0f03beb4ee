/** Converters between the wire and the types that hub and agent share. Unknown words in a Target are refused; in reports they fall back. */
import { FairwayError } from '../error/error.ts';
import {
  ClusterObjectRuleSchema,
  EpochSchema,
  HealthRuleSchema,
  IgnoreRuleSchema,
  ManifestEntrySchema,
  ManifestSetSchema,
  ObjectKeySchema,
  SyncOptionsSchema,
  TargetSchema,
  type ClusterObjectRule as WireClusterObjectRule,
  type ManifestEntry as WireEntry,
  type Epoch as WireEpoch,
  type HealthRule as WireHealthRule,
  type IgnoreRule as WireIgnoreRule,
  type ObjectKey as WireKey,
  type ManifestSet as WireSet,
  type SyncOptions as WireSync,
  type Target as WireTarget,
} from '../gen/fairway/v1/common_pb.ts';
import type { ClusterObjectRule } from '../manifest/cluster-objects.ts';
import type { ObjectKey } from '../manifest/object.ts';
import {
  type AssignmentReason,
  createManifestSet,
  createTarget,
  type Epoch,
  type HealthRule,
  type IgnoreRule,
  type ManifestEntry,
  type ManifestSet,
  type SyncOptions,
  type Target,
} from '../manifest/target.ts';
import {
  digestFromWire,
  digestToWire,
  encode,
  numberFromWire,
  reads,
  required,
  wordOf,
} from './wire-base.ts';

const selfHeals = ['enforce', 'report', 'off'] as const;
const adoptions = ['always', 'ifNoDiff', 'never'] as const;
const conflictModes = ['take', 'report'] as const;
const foreignModes = ['auto', 'undo', 'report', 'leave'] as const;
const deletionPolicies = ['prune', 'orphan'] as const;
const hooks = ['pre-sync', 'post-sync', 'sync-fail'] as const;
const reasons = ['release', 'rollback', 'failover', 'override'] as const;

export function keyToWire(key: ObjectKey): WireKey {
  return encode(ObjectKeySchema, {
    group: key.group,
    kind: key.kind,
    namespace: key.namespace,
    name: key.name,
  });
}

reads<WireKey>({ group: true, kind: true, namespace: true, name: true });
export function keyFromWire(wire: WireKey): ObjectKey {
  const { group, kind, namespace, name } = wire;
  return { group, kind, namespace, name };
}

export function epochToWire(epoch: Epoch): WireEpoch {
  return encode(EpochSchema, { counter: BigInt(epoch.counter), id: epoch.id });
}

reads<WireEpoch>({ counter: true, id: true });
export function epochFromWire(wire: WireEpoch | undefined): Epoch {
  return wire === undefined ? { counter: 0, id: '' } : { counter: numberFromWire(wire.counter), id: wire.id };
}

function entryToWire(entry: ManifestEntry): WireEntry {
  return encode(ManifestEntrySchema, {
    objectDigest: digestToWire(entry.objectDigest),
    key: keyToWire(entry.key),
    apiVersion: entry.apiVersion,
    originId: entry.originId,
    wave: entry.wave,
    hook: entry.hook ?? '',
  });
}

reads<WireEntry>({ objectDigest: true, key: true, apiVersion: true, originId: true, wave: true, hook: true });
function entryFromWire(wire: WireEntry): ManifestEntry {
  const entry = {
    objectDigest: digestFromWire(wire.objectDigest),
    key: keyFromWire(required(wire.key, 'key')),
    apiVersion: wire.apiVersion,
    originId: wire.originId,
    wave: wire.wave,
  };
  return wire.hook === '' ? entry : { ...entry, hook: wordOf(hooks, wire.hook, 'hook') };
}

function setToWire(set: ManifestSet): WireSet {
  return encode(ManifestSetSchema, {
    digest: digestToWire(set.digest),
    entries: set.entries.map(entryToWire),
  });
}

reads<WireSet>({ digest: true, entries: true });
/** @throws data_loss when the entries do not have the digest that came with them. */
function setFromWire(wire: WireSet): ManifestSet {
  const set = createManifestSet(wire.entries.map(entryFromWire));
  if (set.digest !== digestFromWire(wire.digest))
    throw new FairwayError('data_loss', 'the manifest set does not match its digest');
  return set;
}

function ignoreToWire(rule: IgnoreRule): WireIgnoreRule {
  return encode(IgnoreRuleSchema, {
    group: rule.group,
    kind: rule.kind,
    paths: [...rule.paths],
    managers: [...rule.managers],
    jqPaths: [...(rule.jqPaths ?? [])],
  });
}

reads<WireIgnoreRule>({ group: true, kind: true, paths: true, managers: true, jqPaths: true });
function ignoreFromWire({ group, kind, paths, managers, jqPaths }: WireIgnoreRule): IgnoreRule {
  return { group, kind, paths, managers, ...(jqPaths.length > 0 && { jqPaths }) };
}

function clusterObjectToWire({ group, kind, names }: ClusterObjectRule): WireClusterObjectRule {
  return encode(ClusterObjectRuleSchema, { group, kind, names: [...names] });
}

reads<WireClusterObjectRule>({ group: true, kind: true, names: true });
function clusterObjectFromWire({ group, kind, names }: WireClusterObjectRule): ClusterObjectRule {
  return { group, kind, names };
}

function syncToWire(sync: SyncOptions): WireSync {
  const {
    serviceAccount = '',
    recreate = false,
    waveTimeoutSeconds = 0,
    pruneLimit = 0,
    healthTimeoutSeconds = 0,
  } = sync;
  const added = { serviceAccount, recreate, waveTimeoutSeconds, pruneLimit, healthTimeoutSeconds };
  const { clusterObjects } = sync;
  return encode(SyncOptionsSchema, {
    ...sync,
    ...added,
    ignore: sync.ignore.map(ignoreToWire),
    clusterObjectsBounded: clusterObjects !== undefined,
    clusterObjects: (clusterObjects ?? []).map(clusterObjectToWire),
  });
}

reads<WireSync>({
  selfHeal: true,
  prune: true,
  adoption: true,
  conflicts: true,
  foreignFields: true,
  ignore: true,
  namespace: true,
  serviceAccount: true,
  recreate: true,
  waveTimeoutSeconds: true,
  pruneLimit: true,
  healthTimeoutSeconds: true,
  clusterObjectsBounded: true,
  clusterObjects: true,
});
function syncFromWire(wire: WireSync): SyncOptions {
  return {
    selfHeal: wordOf(selfHeals, wire.selfHeal, 'sync.selfHeal'),
    prune: wire.prune,
    adoption: wordOf(adoptions, wire.adoption, 'sync.adoption'),
    conflicts: wordOf(conflictModes, wire.conflicts, 'sync.conflicts'),
    foreignFields: wordOf(foreignModes, wire.foreignFields, 'sync.foreignFields'),
    ignore: wire.ignore.map(ignoreFromWire),
    namespace: wire.namespace,
    ...(wire.serviceAccount !== '' && { serviceAccount: wire.serviceAccount }),
    ...(wire.recreate && { recreate: true }),
    ...(wire.waveTimeoutSeconds > 0 && { waveTimeoutSeconds: wire.waveTimeoutSeconds }),
    ...(wire.pruneLimit > 0 && { pruneLimit: wire.pruneLimit }),
    ...(wire.healthTimeoutSeconds > 0 && { healthTimeoutSeconds: wire.healthTimeoutSeconds }),
    ...(wire.clusterObjectsBounded && { clusterObjects: wire.clusterObjects.map(clusterObjectFromWire) }),
  };
}

function healthToWire(rule: HealthRule): WireHealthRule {
  return encode(HealthRuleSchema, { ...rule });
}

reads<WireHealthRule>({ apiVersion: true, kind: true, current: true, inProgress: true, failed: true });
function healthFromWire({ apiVersion, kind, current, inProgress, failed }: WireHealthRule): HealthRule {
  return { apiVersion, kind, current, inProgress, failed };
}

export function targetToWire(target: Target): WireTarget {
  return encode(TargetSchema, {
    digest: digestToWire(target.digest),
    set: setToWire(target.set),
    sync: syncToWire(target.sync),
    health: target.health.map(healthToWire),
    dependsOn: [...target.dependsOn],
    deletionPolicy: target.deletionPolicy,
    removed: target.removed,
  });
}

reads<WireTarget>({
  digest: true,
  set: true,
  sync: true,
  health: true,
  dependsOn: true,
  deletionPolicy: true,
  removed: true,
});
/**
 * The digest is computed anew, so a field this version cannot read is noticed instead of being acted on by half.
 * @throws unsupported for an unknown word, data_loss when the digest does not match, invalid_argument when a part is missing.
 */
export function targetFromWire(wire: WireTarget): Target {
  const target = createTarget({
    set: setFromWire(required(wire.set, 'set')),
    sync: syncFromWire(required(wire.sync, 'sync')),
    health: wire.health.map(healthFromWire),
    dependsOn: wire.dependsOn,
    deletionPolicy: wordOf(deletionPolicies, wire.deletionPolicy, 'deletionPolicy'),
    removed: wire.removed,
  });
  if (target.digest !== digestFromWire(wire.digest))
    throw new FairwayError(
      'data_loss',
      'the target does not match its digest, or has fields this version does not know',
    );
  return target;
}

/** @throws unsupported */
export function reasonFromWire(text: string): AssignmentReason {
  return wordOf(reasons, text, 'reason');
}
