/**
 * The way of a write: decode, track ownership, admit, prepare, validate, store. The order is that of the API server's handlers and
 * generic registry, since it decides which fields a manager owns and which error comes first.
 */
import type { Clock } from '../../../shared/clock/clock.ts';
import { at, listAt, metadataOf, setOrDelete, textAt } from '../kinds/access.ts';
import { checkMetadata, checkMetadataUpdate } from '../kinds/check-metadata.ts';
import { type Kind, resourceKey } from '../kinds/kind.ts';
import {
  decodeManagers,
  encodeManagers,
  type Managers,
  updateManagers,
  type Writer,
} from '../merge/managers.ts';
import { normalise } from '../schema/normalise.ts';
import { deepEqual, isList, isObject, type Json, type Mutable } from '../schema/types.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalid,
  invalidValue,
  notFound,
} from '../status.ts';
import type { Store } from './store.ts';

export interface WriteOptions {
  readonly manager: string;
  readonly subresource: '' | 'status' | 'scale';
  readonly dryRun: boolean;
}

/** What writes need of a cluster. */
export interface WriteContext {
  readonly store: Store;
  readonly clock: Clock;
  /** A fresh uid. */
  newUid(): string;
  /** A short random suffix for generateName. */
  newSuffix(): string;
  newClusterIp(): string;
}

const namespaceSubject = { group: '', resource: 'namespaces', kind: 'Namespace' };

/** RFC 3339 in seconds, as Kubernetes writes times. */
export function timeText(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
}

export function writerOf(context: WriteContext, kind: Kind, options: WriteOptions): Writer {
  return {
    name: options.manager,
    apiVersion: kind.apiVersion,
    subresource: options.subresource,
    time: timeText(context.clock),
    reset: options.subresource === 'status' ? kind.rules.resetStatus : kind.rules.reset,
  };
}

/** Where the managers of an update come from: the request's own entries if it has any that can be read, else the live ones. */
function managersFor(object: Mutable, live: Mutable | undefined, subresource: string): Managers {
  const none: Managers = new Map();
  const liveManagers = decodeManagers(at(live, 'metadata', 'managedFields')) ?? none;
  if (subresource) return liveManagers;
  const given = at(object, 'metadata', 'managedFields');
  if (isList(given) && (given.length === 0 || (given.length === 1 && deepEqual(given[0], {})))) return none;
  const decoded = decodeManagers(given);
  return decoded && decoded.size > 0 ? decoded : liveManagers;
}

/** Without managedFields; the rest is shared. */
export function withoutManagers(object: Mutable): Mutable {
  const { managedFields: _managed, ...metadata } = (at(object, 'metadata') ?? {}) as Mutable;
  return { ...object, metadata };
}

export function setManagers(object: Mutable, managers: Managers): void {
  setOrDelete(metadataOf(object), 'managedFields', managers.size > 0 ? encodeManagers(managers) : undefined);
}

/** Writes the ownership that results from a create, update or patch into the object. */
export function trackUpdate(
  context: WriteContext,
  kind: Kind,
  live: Mutable | undefined,
  object: Mutable,
  options: WriteOptions,
): void {
  const managers = managersFor(object, live, options.subresource);
  const before = live ? withoutManagers(live) : kind.empty;
  const after = withoutManagers(object);
  const next = updateManagers(
    kind.type,
    before,
    after,
    managers,
    writerOf(context, kind, options),
    live === undefined,
  );
  setManagers(object, next);
}

/** A namespaced object needs a living namespace. */
function admitNamespace(context: WriteContext, kind: Kind, object: Mutable): void {
  if (!kind.namespaced) return;
  const name = textAt(object, 'metadata', 'namespace');
  const namespace = context.store.get('/namespaces', name);
  if (!namespace) throw notFound(namespaceSubject, name);
  if (at(namespace, 'metadata', 'deletionTimestamp') !== undefined)
    throw forbidden(
      kind,
      textAt(object, 'metadata', 'name'),
      `unable to create new content in namespace ${name} because it is being terminated`,
    );
}

/** Sets the namespace of the path in the object, which may be silent but not of another mind. */
function bindNamespace(kind: Kind, object: Mutable, namespace: string): void {
  const metadata = metadataOf(object);
  const given = textAt(metadata, 'namespace');
  if (kind.namespaced && !given) metadata['namespace'] = namespace;
  else if (given !== (kind.namespaced ? namespace : ''))
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

export function keyOf(kind: Kind, namespace: string, name: string): string {
  return kind.namespaced ? `${namespace}/${name}` : name;
}

/** Stores a decoded object that is not there yet. `tracked` says that its managers are already set (apply). */
export function createObject(
  context: WriteContext,
  kind: Kind,
  namespace: string,
  object: Mutable,
  options: WriteOptions,
  tracked = false,
): Mutable {
  bindNamespace(kind, object, namespace);
  const metadata = metadataOf(object);
  if (!tracked && textAt(metadata, 'resourceVersion'))
    throw badRequest('resourceVersion should not be set on objects to be created');
  const prefix = textAt(metadata, 'generateName');
  if (!textAt(metadata, 'name') && prefix) metadata['name'] = `${prefix}${context.newSuffix()}`;
  if (!tracked) trackUpdate(context, kind, undefined, object, options);
  admitNamespace(context, kind, object);
  for (const key of [
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'selfLink',
    'generation',
    'resourceVersion',
  ])
    delete metadata[key];
  kind.rules.prepareCreate(object);
  metadata['creationTimestamp'] = timeText(context.clock);
  metadata['uid'] = context.newUid();
  const name = textAt(metadata, 'name');
  const causes = [
    ...checkMetadata(object, kind.namespaced, kind.rules.nameProblem),
    ...kind.rules.validate(object),
  ];
  if (causes.length > 0) throw invalid(kind, name, causes);
  const key = keyOf(kind, namespace, name);
  if (context.store.get(resourceKey(kind), key)) throw alreadyExists(kind, name);
  if (kind.kind === 'Service' && !kind.custom) allocateAddress(context, object);
  const stored = canonical(kind, object);
  return options.dryRun ? stored : context.store.put(kind, key, stored);
}

function allocateAddress(context: WriteContext, object: Mutable): void {
  const spec = object['spec'] as Mutable;
  if (spec['type'] === 'ExternalName' || spec['clusterIP']) return;
  const address = context.newClusterIp();
  spec['clusterIP'] = address;
  spec['clusterIPs'] = [address];
}

/** The form that storing gives: what preparation added is spelled as the Go types would. */
function canonical(kind: Kind, object: Mutable): Mutable {
  const problems = { unknown: [], wrong: [], stored: true };
  const made = normalise(kind.type, object, problems) as Mutable;
  return { apiVersion: kind.apiVersion, kind: kind.kind, ...made };
}

/** Makes the new state from the live one; sets managers itself when `tracked`. */
export interface Change {
  readonly object: Mutable;
  readonly tracked: boolean;
}

/** Carries a change of a live object through. The result is the stored object, or the live one when nothing changed. */
export function updateObject(
  context: WriteContext,
  kind: Kind,
  live: Mutable,
  change: Change,
  options: WriteOptions,
): Mutable {
  const object = change.object;
  const metadata = metadataOf(object);
  const name = textAt(live, 'metadata', 'name');
  const namespace = textAt(live, 'metadata', 'namespace');
  bindNamespace(kind, object, namespace);
  const uid = textAt(metadata, 'uid');
  const liveUid = textAt(live, 'metadata', 'uid');
  if (!change.tracked) trackUpdate(context, kind, live, object, options);
  if (uid && uid !== liveUid)
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${liveUid}`,
    );
  checkVersion(kind, name, metadata, live);
  for (const key of [
    'creationTimestamp',
    'uid',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'selfLink',
    'resourceVersion',
  ])
    if (key !== 'creationTimestamp' || metadata[key] === undefined)
      setOrDelete(metadata, key, at(live, 'metadata', key));
  if (options.subresource === 'status') kind.rules.prepareStatus(object, live);
  else kind.rules.prepareUpdate(object, live);
  const causes = [
    // Twice, as the API server does: before the kind's own checks and again within them.
    ...checkMetadataUpdate(object, live),
    ...checkMetadataUpdate(object, live),
    ...checkMetadata(object, kind.namespaced, () => undefined),
    ...kind.rules.validate(object),
    ...kind.rules.validateUpdate(object, live),
  ];
  if (causes.length > 0) throw invalid(kind, name, causes);
  return store(context, kind, live, canonical(kind, object), options);
}

function checkVersion(kind: Kind, name: string, metadata: Mutable, live: Mutable): void {
  const version = textAt(metadata, 'resourceVersion');
  if (!version) {
    if (kind.rules.unconditionalUpdate) return;
    throw invalid(kind, name, [
      invalidValue('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  }
  if (version !== textAt(live, 'metadata', 'resourceVersion'))
    throw conflict(
      kind,
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
}

/** Times of managers aside, which alone are no change. */
function withoutTimes(object: Mutable): Json {
  const managers = listAt(object, 'metadata', 'managedFields').map((entry) => {
    const { time: _time, ...rest } = (isObject(entry) ? entry : {}) as Mutable;
    return rest;
  });
  return { ...object, metadata: { ...(object['metadata'] as Mutable), managedFields: managers } };
}

function store(
  context: WriteContext,
  kind: Kind,
  live: Mutable,
  object: Mutable,
  options: WriteOptions,
): Mutable {
  if (deepEqual(withoutTimes(object), withoutTimes(live))) return live;
  const key = keyOf(kind, textAt(live, 'metadata', 'namespace'), textAt(live, 'metadata', 'name'));
  const metadata = metadataOf(object);
  const ends = metadata['deletionTimestamp'] !== undefined && listAt(metadata, 'finalizers').length === 0;
  if (options.dryRun) return object;
  if (ends && kind.kind !== 'Namespace') {
    context.store.remove(kind, key);
    return object;
  }
  return context.store.put(kind, key, object);
}

export interface DeleteRequest {
  /** Preconditions; undefined: none. */
  readonly uid: Json | undefined;
  readonly resourceVersion: Json | undefined;
  readonly dryRun: boolean;
}

/** What became of it: gone, or waiting for its finalizers. */
export interface Deletion {
  readonly object: Mutable;
  readonly gone: boolean;
}

export function deleteObject(
  context: WriteContext,
  kind: Kind,
  live: Mutable,
  request: DeleteRequest,
): Deletion {
  const name = textAt(live, 'metadata', 'name');
  for (const [wanted, key, label] of [
    [request.uid, 'uid', 'UID'],
    [request.resourceVersion, 'resourceVersion', 'ResourceVersion'],
  ] as const) {
    const have = textAt(live, 'metadata', key);
    if (wanted !== undefined && wanted !== null && wanted !== have)
      throw conflict(
        kind,
        name,
        `Precondition failed: ${label} in precondition: ${wanted}, ${label} in object meta: ${have}`,
      );
  }
  const key = keyOf(kind, textAt(live, 'metadata', 'namespace'), name);
  const waits =
    listAt(live, 'metadata', 'finalizers').length > 0 || (kind.kind === 'Namespace' && !kind.custom);
  if (!waits)
    return { object: (request.dryRun ? live : context.store.remove(kind, key)) ?? live, gone: true };
  if (at(live, 'metadata', 'deletionTimestamp') !== undefined) return { object: live, gone: false };
  const object = structuredClone(live);
  const metadata = metadataOf(object);
  metadata['deletionTimestamp'] = timeText(context.clock);
  if (kind.kind !== 'Namespace') metadata['deletionGracePeriodSeconds'] = 0;
  if (typeof metadata['generation'] === 'number') metadata['generation'] += 1;
  if (kind.kind === 'Namespace')
    object['status'] = { ...((object['status'] ?? {}) as Mutable), phase: 'Terminating' };
  return { object: request.dryRun ? object : context.store.put(kind, key, object), gone: false };
}
