import { isJsonObject, type Json, type JsonObject } from '../../shared/manifest/object.ts';

/** What is known of a field's lists. Given by the renderer's schema tables, through this port. */
export interface FieldSchema {
  /** Names that identify an item of the list; undefined where none do. */
  readonly mergeKeys: readonly string[] | undefined;
  field(name: string): FieldSchema | undefined;
  items(): FieldSchema | undefined;
}

/** The schema of a kind; undefined for one that is not known. */
export type SchemaOf = (apiVersion: string, kind: string) => FieldSchema | undefined;

/** An item's identity within its list: `name=web`, `containerPort=80,protocol=TCP`. */
export type ItemKey = string;

/**
 * Items of both lists by identity: by the schema's merge keys, or else by `name` where every item has one of its own, as most custom kinds mean it.
 * Undefined: these lists have no such identity, and position has to do.
 */
export function keyItems(
  before: readonly Json[],
  after: readonly Json[],
  schema: FieldSchema | undefined,
): readonly [ReadonlyMap<ItemKey, JsonObject>, ReadonlyMap<ItemKey, JsonObject>] | undefined {
  for (const keys of [schema?.mergeKeys ?? [], ['name']]) {
    if (keys.length === 0) continue;
    const [left, right] = [keyList(before, keys), keyList(after, keys)];
    if (left && right) return [left, right];
  }
  return undefined;
}

function keyList(
  items: readonly Json[],
  keys: readonly string[],
): ReadonlyMap<ItemKey, JsonObject> | undefined {
  const keyed = new Map<ItemKey, JsonObject>();
  for (const item of items) {
    if (!isJsonObject(item)) return undefined;
    const key = keyOfItem(item, keys);
    if (key === undefined || keyed.has(key)) return undefined;
    keyed.set(key, item);
  }
  return keyed;
}

/** The first key must be there; further ones, such as a port's protocol, have defaults. */
function keyOfItem(item: JsonObject, keys: readonly string[]): ItemKey | undefined {
  const parts: string[] = [];
  for (const [index, name] of keys.entries()) {
    const value = item[name];
    if (typeof value === 'string' || typeof value === 'number') parts.push(`${name}=${value}`);
    else if (index === 0 || value !== undefined) return undefined;
  }
  return parts.join(',');
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
