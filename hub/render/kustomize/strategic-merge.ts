/**
 * Strategic merge as kustomize does it (kyaml yaml/merge2 and yaml/walk): lists that the schema says merge do so by key, patch items first; other
 * lists are replaced; null removes; `$patch: delete|replace|merge` in maps and list items. An undefined member is an empty value in the YAML
 * (`emptyDir:`), which a merge drops, while a written `null` or `~` stays.
 */
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import { ListMerge, type MergeItem, type Slot, textOf } from './list-merge.ts';
import { type FieldSchema, type SchemaTable, schemaOfField } from './schema.ts';

/** The two sides cannot be merged: one has a list or mapping where the other has something else. */
export class MergeError extends Error {}

const mergers = new WeakMap<SchemaTable, Merger>();

/** Merges `patch` into `object`. Undefined: the patch deletes the object. @throws MergeError. */
export function strategicMerge(
  object: JsonObject,
  patch: JsonObject,
  table: SchemaTable,
): JsonObject | undefined {
  // kustomize drops what a replacement of the whole object gives, and keeps the object.
  if (patch['$patch'] === 'replace') return object;
  let merger = mergers.get(table);
  if (merger === undefined) {
    merger = new Merger(table);
    mergers.set(table, merger);
  }
  return merger.walk(object, patch, undefined, []) as JsonObject | undefined;
}

type Kind = 'map' | 'list' | 'scalar' | 'none';

function kindOf(value: Slot): Kind {
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' ? 'map' : 'scalar';
}

type Directive = 'delete' | 'replace' | 'merge';

function directiveOf(value: Json | undefined): Directive | undefined {
  if (value === undefined) return undefined;
  if (value === 'delete' || value === 'replace' || value === 'merge') return value;
  throw new MergeError(`$patch is ${JSON.stringify(value)}; expected delete, replace or merge`);
}

function withoutField(map: JsonObject, field: string): JsonObject {
  const { [field]: _gone, ...rest } = map;
  return rest;
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

class Merger {
  readonly #table: SchemaTable;
  readonly #keptAsIs = new WeakSet<object>();
  readonly #mergeItem: MergeItem = (dest, src, schema, path) => this.walk(dest, src, schema, path);

  constructor(table: SchemaTable) {
    this.#table = table;
  }

  /** Merges one field or item. */
  walk(dest: Slot, src: Slot, schema: FieldSchema | undefined, path: readonly string[]): Slot {
    const kind = kindOf(dest) === 'none' ? kindOf(src) : kindOf(dest);
    for (const side of [dest, src])
      if (kindOf(side) !== 'none' && kindOf(side) !== kind)
        throw new MergeError(
          `${path.join('.') || 'the object'} is a ${kind} here and a ${kindOf(side)} there`,
        );
    const known = schema ?? this.#schemaOfMaps(dest, src);
    if (kind === 'list') return this.#walkList(dest, src, known, path);
    if (kind === 'scalar') return src === undefined ? dest : src;
    return this.#walkMap(dest, src, known, path);
  }

  /** An object within an object brings its own schema. */
  #schemaOfMaps(dest: Slot, src: Slot): FieldSchema | undefined {
    for (const side of [dest, src]) {
      if (kindOf(side) !== 'map') continue;
      const { apiVersion, kind } = side as JsonObject;
      const schema = this.#table.ofKind(apiVersion, kind);
      if (schema !== undefined) return schema;
    }
    return undefined;
  }

  #walkMap(dest: Slot, src: Slot, schema: FieldSchema | undefined, path: readonly string[]): Slot {
    const patch = kindOf(src) === 'map' ? (src as JsonObject) : undefined;
    const directive = patch === undefined ? undefined : directiveOf(patch['$patch']);
    if (directive === 'delete') return undefined;
    const cleaned = patch === undefined || directive === undefined ? patch : withoutField(patch, '$patch');
    if (kindOf(dest) === 'none') {
      if (src === undefined) return dest;
      return cleaned === undefined ? src : this.#mergeFields(cleaned, cleaned, schema, path);
    }
    if (src === null) return undefined;
    if (directive === 'replace' && cleaned !== undefined)
      return this.#mergeFields(cleaned, cleaned, schema, path);
    return cleaned === undefined ? dest : this.#mergeFields(dest as JsonObject, cleaned, schema, path);
  }

  #mergeFields(
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
          ? this.walk(value, self ? value : (src[field] ?? null), schemaOfField(schema, field), [
              ...path,
              field,
            ])
          : this.#keep(value, schemaOfField(schema, field));
        if (next !== undefined && (next !== null || (!inSrc && value === null))) result[field] = next;
      }
    }
    if (self) return result;
    for (const field of Object.keys(src)) {
      if (Object.hasOwn(dest, field)) continue;
      const next = this.walk(undefined, src[field] ?? null, schemaOfField(schema, field), [...path, field]);
      if (next !== undefined && next !== null) result[field] = next;
    }
    return result;
  }

  /** What a merge makes of a part that the patch does not mention: empty values go, and lists that merge lose items that are twice. */
  #keep(value: Slot, schema: FieldSchema | undefined): Slot {
    if (typeof value !== 'object' || value === null) return value;
    if (this.#keptAsIs.has(value)) return value;
    const kept = Array.isArray(value)
      ? schema?.mergeKeys === undefined
        ? value
        : this.#walkList(value, undefined, schema, [])
      : this.#keepMap(value as JsonObject, schema ?? this.#schemaOfMaps(value, undefined));
    if (kept === value) this.#keptAsIs.add(value);
    return kept;
  }

  #keepMap(map: JsonObject, schema: FieldSchema | undefined): JsonObject {
    let changed: Record<string, Json | undefined> | undefined;
    for (const field of Object.keys(map)) {
      const value = map[field];
      const kept = this.#keep(value, schemaOfField(schema, field));
      if (kept === value && value !== undefined) continue;
      changed ??= { ...map };
      if (kept === undefined) delete changed[field];
      else changed[field] = kept;
    }
    return changed ?? map;
  }

  #walkList(dest: Slot, src: Slot, schema: FieldSchema | undefined, path: readonly string[]): Slot {
    const keys = schema?.mergeKeys;
    if (keys === undefined) return src === undefined ? dest : src;
    if (kindOf(dest) !== 'none' && src === null) return undefined;
    const patch = kindOf(src) === 'list' ? (src as readonly Json[]) : undefined;
    const { directive, items } = listDirective(patch);
    if (kindOf(dest) === 'none' || directive === 'replace') {
      if (directive === 'delete' && kindOf(dest) !== 'none') return undefined;
      const list = (kindOf(dest) === 'none' ? patch : items) ?? [];
      return new ListMerge(keys, schema, path, this.#mergeItem).merge(list, list);
    }
    if (directive === 'delete') return undefined;
    return new ListMerge(keys, schema, path, this.#mergeItem).merge(dest as readonly Json[], items);
  }
}
