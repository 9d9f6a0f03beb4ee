/**
 * Strategic merge as kustomize does it (kyaml yaml/merge2 and yaml/walk): lists that the schema says merge do so by key, patch items first; other
 * lists are replaced; null removes; `$patch: delete|replace|merge` in maps and list items. An undefined member is an empty value in the YAML
 * (`emptyDir:`), which a merge drops, while a written `null` or `~` stays.
 */
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import { ListMerge, type Slot, textOf } from './list-merge.ts';
import { type FieldSchema, schemaOfField, schemaOfKind } from './schema.ts';

/** The two sides cannot be merged: one has a list or mapping where the other has something else. */
export class MergeError extends Error {}

/** Merges `patch` into `object`. Undefined: the patch deletes the object. @throws MergeError. */
export function strategicMerge(object: JsonObject, patch: JsonObject): JsonObject | undefined {
  // kustomize drops what a replacement of the whole object gives, and keeps the object.
  if (patch['$patch'] === 'replace') return object;
  return walk(object, patch, undefined, []) as JsonObject | undefined;
}

type Kind = 'map' | 'list' | 'scalar' | 'none';

function kindOf(value: Slot): Kind {
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' ? 'map' : 'scalar';
}

/** Merges one field or item. */
function walk(dest: Slot, src: Slot, schema: FieldSchema | undefined, path: readonly string[]): Slot {
  const kind = kindOf(dest) === 'none' ? kindOf(src) : kindOf(dest);
  for (const side of [dest, src])
    if (kindOf(side) !== 'none' && kindOf(side) !== kind)
      throw new MergeError(`${path.join('.') || 'the object'} is a ${kind} here and a ${kindOf(side)} there`);
  const known = schema ?? schemaOfMaps(dest, src);
  if (kind === 'list') return walkList(dest, src, known, path);
  if (kind === 'scalar') return src === undefined ? dest : src;
  return walkMap(dest, src, known, path);
}

/** An object within an object brings its own schema. */
function schemaOfMaps(dest: Slot, src: Slot): FieldSchema | undefined {
  for (const side of [dest, src]) {
    if (kindOf(side) !== 'map') continue;
    const { apiVersion, kind } = side as JsonObject;
    const schema = schemaOfKind(apiVersion, kind);
    if (schema !== undefined) return schema;
  }
  return undefined;
}

type Directive = 'delete' | 'replace' | 'merge';

function directiveOf(value: Json | undefined): Directive | undefined {
  if (value === undefined) return undefined;
  if (value === 'delete' || value === 'replace' || value === 'merge') return value;
  throw new MergeError(`$patch is ${JSON.stringify(value)}; expected delete, replace or merge`);
}

function walkMap(dest: Slot, src: Slot, schema: FieldSchema | undefined, path: readonly string[]): Slot {
  const patch = kindOf(src) === 'map' ? (src as JsonObject) : undefined;
  const directive = patch === undefined ? undefined : directiveOf(patch['$patch']);
  if (directive === 'delete') return undefined;
  const cleaned = patch === undefined || directive === undefined ? patch : withoutField(patch, '$patch');
  if (kindOf(dest) === 'none') {
    if (src === undefined) return dest;
    return cleaned === undefined ? src : mergeFields(cleaned, cleaned, schema, path);
  }
  if (src === null) return undefined;
  if (directive === 'replace' && cleaned !== undefined) return mergeFields(cleaned, cleaned, schema, path);
  return cleaned === undefined ? dest : mergeFields(dest as JsonObject, cleaned, schema, path);
}

function withoutField(map: JsonObject, field: string): JsonObject {
  const { [field]: _gone, ...rest } = map;
  return rest;
}

function mergeFields(
  dest: JsonObject,
  src: JsonObject,
  schema: FieldSchema | undefined,
  path: readonly string[],
): JsonObject {
  const self = dest === src;
  const result: Record<string, Json | undefined> = {};
  for (const field of Object.keys(dest)) {
    const value = dest[field];
    const inSrc = Object.hasOwn(src, field);
    if (!inSrc && value !== null && value !== undefined && typeof value !== 'object') result[field] = value;
    else {
      const next = inSrc
        ? walk(value, self ? value : (src[field] ?? null), schemaOfField(schema, field), [...path, field])
        : keep(value, schemaOfField(schema, field));
      if (next !== undefined && (next !== null || (!inSrc && value === null))) result[field] = next;
    }
  }
  if (self) return result;
  for (const field of Object.keys(src)) {
    if (Object.hasOwn(dest, field)) continue;
    const next = walk(undefined, src[field] ?? null, schemaOfField(schema, field), [...path, field]);
    if (next !== undefined && next !== null) result[field] = next;
  }
  return result;
}

const keptAsIs = new WeakSet<object>();

/** What a merge makes of a part that the patch does not mention: empty values go, and lists that merge lose items that are twice. */
function keep(value: Slot, schema: FieldSchema | undefined): Slot {
  if (typeof value !== 'object' || value === null) return value;
  if (keptAsIs.has(value)) return value;
  const kept = Array.isArray(value)
    ? schema?.mergeKeys === undefined
      ? value
      : walkList(value, undefined, schema, [])
    : keepMap(value as JsonObject, schema ?? schemaOfMaps(value, undefined));
  if (kept === value) keptAsIs.add(value);
  return kept;
}

function keepMap(map: JsonObject, schema: FieldSchema | undefined): JsonObject {
  let changed: Record<string, Json | undefined> | undefined;
  for (const field of Object.keys(map)) {
    const value = map[field];
    const kept = keep(value, schemaOfField(schema, field));
    if (kept === value && value !== undefined) continue;
    changed ??= { ...map };
    if (kept === undefined) delete changed[field];
    else changed[field] = kept;
  }
  return changed ?? map;
}

function walkList(dest: Slot, src: Slot, schema: FieldSchema | undefined, path: readonly string[]): Slot {
  const keys = schema?.mergeKeys;
  if (keys === undefined) return src === undefined ? dest : src;
  if (kindOf(dest) !== 'none' && src === null) return undefined;
  const patch = kindOf(src) === 'list' ? (src as readonly Json[]) : undefined;
  const { directive, items } = listDirective(patch);
  if (kindOf(dest) === 'none' || directive === 'replace') {
    if (directive === 'delete' && kindOf(dest) !== 'none') return undefined;
    const list = (kindOf(dest) === 'none' ? patch : items) ?? [];
    return new ListMerge(keys, schema, path, walk).merge(list, list);
  }
  if (directive === 'delete') return undefined;
  return new ListMerge(keys, schema, path, walk).merge(dest as readonly Json[], items);
}

/** An item that holds nothing but `$patch` speaks for the whole list. */
function listDirective(patch: readonly Json[] | undefined): {
  directive: Directive | undefined;
  items: readonly Json[] | undefined;
} {
  const item = patch?.find((one) => kindOf(one) === 'map' && Object.hasOwn(one as JsonObject, '$patch'));
  if (patch === undefined || item === undefined || Object.keys(item as JsonObject).length > 1)
    return { directive: undefined, items: patch };
  const value = (item as JsonObject)['$patch'];
  const directive = directiveOf(value);
  const items = patch.filter(
    (one) => kindOf(one) !== 'map' || textOf((one as JsonObject)['$patch']) !== textOf(value),
  );
  return { directive, items };
}
