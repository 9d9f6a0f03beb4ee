import { isJsonObject, type Json, type JsonObject } from '../../shared/manifest/object.ts';
import { escapePart, type FieldPath } from './field-path.ts';

/** What identifies the items of a kind's lists; given by whoever knows its schema. */
export interface ListSchema {
  /** Names that identify an item of the list; undefined where none do. */
  readonly mergeKeys: readonly string[] | undefined;
  field(name: string): ListSchema | undefined;
  items(): ListSchema | undefined;
}

/** The schema of a kind; undefined for one that is not known. */
export type ListSchemaOf = (apiVersion: string, kind: string) => ListSchema | undefined;

/** Values by path: scalars, empty maps and lists, and lists whose items have no identity, whole. */
export type Leaves = ReadonlyMap<FieldPath, Json>;

/** SOPS' own words about how a file is encrypted: nothing of it is applied. */
const skipped: ReadonlySet<string> = new Set(['sops']);

/**
 * All that an object says, flat, so that two objects are compared path by path. Items of lists go by their identity: by the schema's merge keys, or by `name` where
 * every item has one of its own. The order of such items is not compared, the order of any other list is.
 */
export function leavesOf(object: JsonObject, schema: ListSchema | undefined): Leaves {
  const leaves = new Map<FieldPath, Json>();
  for (const [name, value] of Object.entries(object))
    if (value !== undefined && !skipped.has(name))
      collect(leaves, `/${escapePart(name)}`, value, schema?.field(name));
  return leaves;
}

function collect(
  leaves: Map<FieldPath, Json>,
  path: FieldPath,
  value: Json,
  schema: ListSchema | undefined,
): void {
  if (Array.isArray(value)) {
    const items = keyedItems(value, schema);
    if (items === undefined) leaves.set(path, value);
    else
      for (const [key, item] of items) collect(leaves, `${path}/[${escapePart(key)}]`, item, schema?.items());
    return;
  }
  const names = isJsonObject(value) ? Object.keys(value).filter((name) => value[name] !== undefined) : [];
  if (!isJsonObject(value) || names.length === 0) {
    leaves.set(path, value);
    return;
  }
  for (const name of names)
    collect(leaves, `${path}/${escapePart(name)}`, value[name] ?? null, schema?.field(name));
}

function keyedItems(
  list: readonly Json[],
  schema: ListSchema | undefined,
): readonly (readonly [string, JsonObject])[] | undefined {
  if (list.length === 0) return undefined;
  for (const keys of [schema?.mergeKeys ?? [], ['name']]) {
    const items = keys.length === 0 ? undefined : itemsBy(list, keys);
    if (items) return items;
  }
  return undefined;
}

function itemsBy(
  list: readonly Json[],
  keys: readonly string[],
): readonly (readonly [string, JsonObject])[] | undefined {
  const items = new Map<string, JsonObject>();
  for (const item of list) {
    if (!isJsonObject(item)) return undefined;
    const parts = keys.map((name) => keyPart(name, item[name]));
    // The first key must be there; further ones, such as a port's protocol, have defaults.
    if (parts[0] === undefined || parts.includes('bad')) return undefined;
    const key = parts.filter((part) => part !== undefined).join(',');
    if (items.has(key)) return undefined;
    items.set(key, item);
  }
  return [...items];
}

function keyPart(name: string, value: Json | undefined): string | undefined {
  // https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/: a port's protocol is TCP where none is stated.
  if (name === 'protocol' && (value === undefined || value === 'TCP')) return 'protocol=TCP';
  if (value === undefined) return undefined;
  return typeof value === 'string' || typeof value === 'number' ? `${name}=${value}` : 'bad';
}
