/** The managers of an object's fields: reading and writing metadata.managedFields, and how a write changes them (KEP-555). */
import { isList, isObject, type Json, type Type } from '../schema/types.ts';
import {
  decodeSet,
  difference,
  differenceBelow,
  emptySet,
  encodeSet,
  type FieldSet,
  intersection,
  isEmptySet,
  pathsOf,
  setOf,
  union,
} from './field-set.ts';
import { mergeTyped, removeFields, withNamedFields } from './merge-typed.ts';
import { compareTyped, fieldSetOf } from './typed.ts';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339, or empty. */
  readonly time: string;
  readonly fields: FieldSet;
}
/** By identity: an applier is one over all versions, an updater one a version. */
export type Managers = ReadonlyMap<string, Manager>;

/** Who writes, at what version, and which fields the endpoint resets whatever the request says. */
export interface Writer {
  readonly name: string;
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
  readonly reset: FieldSet;
}

export interface FieldConflict {
  readonly manager: Manager;
  readonly path: readonly string[];
}

const UPDATE_MANAGERS_MAX = 10;
const PATHS = [
  '',
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
];
/** What no manager owns. */
const stripped = setOf(
  ['f:apiVersion'],
  ['f:kind'],
  ...PATHS.map((name) => (name ? ['f:metadata', `f:${name}`] : ['f:metadata'])),
);

function identity(manager: Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>): string {
  const version = manager.operation === 'Apply' ? '' : manager.apiVersion;
  return JSON.stringify([manager.name, manager.operation, version, manager.subresource]);
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

/** Reads metadata.managedFields; undefined when an entry cannot be read. */
export function decodeManagers(entries: Json | undefined): Managers | undefined {
  const managers = new Map<string, Manager>();
  if (entries === undefined || entries === null) return managers;
  if (!isList(entries)) return undefined;
  for (const entry of entries) {
    if (!isObject(entry)) return undefined;
    const operation = entry['operation'];
    if (operation !== 'Apply' && operation !== 'Update') return undefined;
    const fields = entry['fieldsV1'] === undefined ? emptySet : decodeSet(entry['fieldsV1']);
    if (!fields || text(entry['apiVersion']) === '') return undefined;
    const manager: Manager = {
      name: text(entry['manager']),
      operation,
      apiVersion: text(entry['apiVersion']),
      subresource: text(entry['subresource']),
      time: text(entry['time']),
      fields,
    };
    managers.set(identity(manager), manager);
  }
  return managers;
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The wire form: appliers first, then by time, name, version and subresource. */
export function encodeManagers(managers: Managers): Json[] {
  return [...managers.values()]
    .sort(
      (a, b) =>
        order(a.operation, b.operation) ||
        order(a.time, b.time) ||
        order(a.name, b.name) ||
        order(a.apiVersion, b.apiVersion) ||
        order(a.subresource, b.subresource),
    )
    .map((manager) => ({
      ...(manager.name ? { manager: manager.name } : {}),
      operation: manager.operation,
      apiVersion: manager.apiVersion,
      ...(manager.time ? { time: manager.time } : {}),
      fieldsType: 'FieldsV1',
      fieldsV1: encodeSet(manager.fields),
      ...(manager.subresource ? { subresource: manager.subresource } : {}),
    }));
}

interface Shift {
  readonly managers: Map<string, Manager>;
  readonly conflicts: readonly FieldConflict[];
}

/** Takes what changed from everyone but the writer. */
function takeOver(
  type: Type,
  before: Json,
  after: Json,
  managers: Managers,
  self: string,
  reset: FieldSet,
): Shift {
  const compared = compareTyped(type, before, after);
  const changed = differenceBelow(union(compared.modified, compared.added), reset);
  const removed = differenceBelow(compared.removed, reset);
  const conflicts: FieldConflict[] = [];
  const kept = new Map<string, Manager>();
  for (const [id, manager] of managers) {
    if (id === self) {
      if (!isEmptySet(manager.fields)) kept.set(id, manager);
      continue;
    }
    const lost = intersection(manager.fields, changed);
    for (const path of pathsOf(lost)) conflicts.push({ manager, path });
    const fields = difference(difference(manager.fields, lost), removed);
    if (!isEmptySet(fields)) kept.set(id, { ...manager, fields });
  }
  return { managers: kept, conflicts };
}

/** Merges the oldest updaters into one entry a version when there are more than ten of them. */
function capUpdaters(managers: Map<string, Manager>): void {
  const updaters = [...managers]
    .filter(([, manager]) => manager.operation === 'Update')
    .sort(([idA, a], [idB, b]) => order(a.time, b.time) || order(idA, idB));
  let count = updaters.length;
  const first = new Map<string, string>();
  for (const [id, manager] of updaters) {
    if (count <= UPDATE_MANAGERS_MAX) return;
    const bucket = { ...manager, name: 'ancient-changes', subresource: '' };
    const bucketId = identity(bucket);
    const seen = first.get(manager.apiVersion);
    if (seen === undefined) {
      first.set(manager.apiVersion, id);
      continue;
    }
    const base = managers.get(bucketId) ?? managers.get(seen);
    managers.delete(seen);
    managers.delete(id);
    managers.set(bucketId, { ...bucket, fields: union(manager.fields, base?.fields ?? emptySet) });
    count--;
  }
}

/**
 * The managers after a create, update or patch: the writer owns what it changed. Without any manager before, an update of an
 * existing object is not tracked.
 */
export function updateManagers(
  type: Type,
  before: Json,
  after: Json,
  managers: Managers,
  writer: Writer,
  creates: boolean,
): Managers {
  if (managers.size === 0 && !creates) return managers;
  const compared = compareTyped(type, before, after);
  const shift = takeOver(type, before, after, managers, '', writer.reset);
  const own = difference(differenceBelow(union(compared.modified, compared.added), writer.reset), stripped);
  const self: Manager = { ...writer, operation: 'Update', fields: own };
  const id = identity(self);
  if (!isEmptySet(own)) {
    const previous = shift.managers.get(id);
    shift.managers.set(id, { ...self, fields: union(own, previous?.fields ?? emptySet) });
  }
  capUpdaters(shift.managers);
  return shift.managers;
}

export interface Applied {
  readonly managers: Managers;
  readonly conflicts: readonly FieldConflict[];
  /** The merged value; undefined when it equals the live one. */
  readonly merged: Json | undefined;
}

/**
 * The live value and its managers after a server-side apply; `empty` is an object of the kind with nothing set. With conflicts and no force, the rest is not to be used.
 */
export function applyManagers(
  type: Type,
  empty: Json,
  live: Json,
  applied: Json,
  before: Managers,
  writer: Writer,
): Applied {
  let managers = before;
  if (managers.size === 0)
    managers = updateManagers(type, empty, live, managers, { ...writer, name: 'before-first-apply' }, true);
  const fields = differenceBelow(fieldSetOf(type, applied), writer.reset);
  const self: Manager = { ...writer, operation: 'Apply', fields };
  const id = identity(self);
  const last = managers.get(id);
  const next = new Map(managers);
  next.set(id, self);
  let merged: Json = mergeTyped(type, live, applied) ?? {};
  if (last && !isEmptySet(last.fields)) merged = prune(type, merged, next, last.fields);
  const shift = takeOver(type, live, merged, next, id, writer.reset);
  const own = difference(fields, stripped);
  if (isEmptySet(own)) shift.managers.delete(id);
  else {
    const unchanged = compareTyped(type, live, merged);
    const same =
      isEmptySet(unchanged.added) && isEmptySet(unchanged.removed) && isEmptySet(unchanged.modified);
    const time = same && last ? last.time : writer.time;
    shift.managers.set(id, { ...self, time, fields: own });
  }
  return { managers: shift.managers, conflicts: shift.conflicts, merged };
}

/** Takes out what the applier had applied before, does not apply now, and nobody else owns. */
function prune(type: Type, merged: Json, managers: Managers, last: FieldSet): Json {
  const pruned = removeFields(type, merged, withNamedFields(type, last)) ?? {};
  const mergedSet = withNamedFields(type, fieldSetOf(type, merged));
  let owned: FieldSet = emptySet;
  for (const manager of managers.values()) owned = union(owned, manager.fields);
  const prunedSet = withNamedFields(type, fieldSetOf(type, pruned));
  const gone = difference(mergedSet, union(prunedSet, withNamedFields(type, owned)));
  const withOwned = removeFields(type, merged, gone) ?? {};
  const keptSet = withNamedFields(type, fieldSetOf(type, withOwned));
  const dangling = intersection(difference(mergedSet, keptSet), withNamedFields(type, last));
  return removeFields(type, merged, dangling) ?? {};
}
