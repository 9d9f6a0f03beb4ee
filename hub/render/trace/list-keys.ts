/** By which keys the items of an object's lists are told apart. */
import {
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
} from '../../../shared/manifest/object.ts';
import type { FieldPath, ObjectTrace } from '../../model/trace.ts';
import { itemPartOf, listPathText } from '../../model/trace-path.ts';
import { type FieldSchema, type SchemaTable, schemaOfField } from '../kustomize/schema.ts';

type MergeKeys = ObjectTrace['mergeKeys'];

/**
 * The merge keys of the schema, for lists whose items can be told apart by them in every one of the states; for lists that the schema does not know, `name`
 * where every item has one of its own, as in most custom kinds.
 */
export function mergeKeysOf(states: readonly KubeObject[], table: SchemaTable): MergeKeys {
  const found = new Map<string, readonly string[] | undefined>();
  for (const state of new Set(states)) {
    const schema = table.ofKind(state.apiVersion, state.kind);
    visit(state as unknown as Json, schema, [], found);
  }
  return Object.fromEntries(
    [...found].filter((entry): entry is [string, readonly string[]] => entry[1] !== undefined),
  );
}

type Found = Map<string, readonly string[] | undefined>;

function visit(
  value: Json | undefined,
  schema: FieldSchema | undefined,
  path: FieldPath,
  found: Found,
): void {
  if (Array.isArray(value)) {
    noteList(value, schema, path, found);
    for (const [index, item] of value.entries()) visit(item as Json, schema?.items, [...path, index], found);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const key of Object.keys(value)) visit(value[key], fieldOf(schema, key), [...path, key], found);
}

function fieldOf(schema: FieldSchema | undefined, key: string): FieldSchema | undefined {
  return schemaOfField(schema, key);
}

function noteList(
  list: readonly Json[],
  schema: FieldSchema | undefined,
  path: FieldPath,
  found: Found,
): void {
  const text = listPathText(path);
  if (found.has(text) && found.get(text) === undefined) return;
  const keys =
    schema?.mergeKeys ??
    (schema === undefined && list.every(hasName) && list.length > 0 ? ['name'] : undefined);
  const before = found.get(text);
  const agreed = before === undefined || keys === undefined || before.join() === keys.join();
  // An empty list says nothing of what its items are told apart by.
  if (list.length === 0 && keys === undefined) return;
  found.set(text, keys !== undefined && agreed && areDistinct(list, keys) ? keys : undefined);
}

function hasName(item: Json): boolean {
  return isJsonObject(item) && typeof (item as JsonObject)['name'] === 'string';
}

function areDistinct(list: readonly Json[], keys: readonly string[]): boolean {
  const names = list.map((item) => itemPartOf(item, keys));
  const texts = names.map((name) => (name === undefined ? undefined : JSON.stringify(name.item)));
  return !texts.includes(undefined) && new Set(texts).size === list.length;
}
