/** Lists that merge by key (kyaml yaml/walk/associative_sequence.go, with patch items put first). */
import { isJsonObject, type Json, type JsonObject } from '../../../shared/manifest/object.ts';
import { type FieldSchema, schemaOfItems } from './schema.ts';

/** A value that may be missing. */
export type Slot = Json | undefined;

/** Merges one item with its patch. */
export type MergeItem = (
  dest: Slot,
  src: Slot,
  schema: FieldSchema | undefined,
  path: readonly string[],
) => Slot;

/** A scalar as it is compared: by its text. */
export function textOf(value: Slot): string {
  if (value === undefined) return '';
  if (value === null) return 'null';
  return typeof value === 'object' ? '' : String(value);
}

type Values = readonly string[];

export class ListMerge {
  readonly #keys: readonly string[];
  readonly #schema: FieldSchema | undefined;
  readonly #path: readonly string[];
  readonly #mergeItem: MergeItem;

  constructor(
    keys: readonly string[],
    schema: FieldSchema | undefined,
    path: readonly string[],
    mergeItem: MergeItem,
  ) {
    this.#mergeItem = mergeItem;
    this.#keys = keys;
    this.#schema = schema;
    this.#path = path;
  }

  merge(destination: readonly Json[], source: readonly Json[] | undefined): Json[] {
    const primitive = this.#keys.length === 0;
    const keys = primitive ? [''] : this.#keys;
    let valuesList = primitive
      ? primitiveValues([source, destination])
      : keyValues([source, destination], keys);
    if (keys.length > 1) valuesList = unifyValues(valuesList);
    let dest: Json[] = [...destination];
    let added: Json[] = [];
    const inPlace = new Map<Json, Json>();
    let validKeys: Values = keys;
    const isUsed = keys.map((_key, index) => valuesList.some((one) => (one[index] ?? '') !== ''));
    for (const values of valuesList) {
      const [usedKeys, usedValues] = usable(isUsed, values, keys);
      validKeys = usedKeys;
      const isGiven = usedKeys.map((_key, index) => (usedValues[index] ?? '') !== '');
      const [matchKeys, matchValues] = usable(isGiven, usedValues, usedKeys);
      const old = findItem(dest, matchKeys, matchValues);
      const patch = findItem(source, matchKeys, matchValues);
      let item = this.#mergeItem(old, patch, schemaOfItems(this.#schema), this.#path);
      if (isNothing(item)) {
        dest = setItem(dest, undefined, usedKeys, usedValues);
        continue;
      }
      if (!primitive) item = withKeys(item as JsonObject, usedKeys, usedValues);
      added = setItem(added, item as Json, usedKeys, usedValues);
      // kustomize changes items in place, but puts a replacing one beside, and then the old one over it.
      if (old !== undefined)
        inPlace.set(old, isJsonObject(patch) && patch['$patch'] === 'replace' ? old : (item as Json));
    }
    return valuesList.length === 0
      ? dest
      : appendList(
          added,
          dest.map((item) => inPlace.get(item) ?? item),
          validKeys,
        );
  }
}

function isNothing(value: Slot): boolean {
  return value === undefined || value === null || (isJsonObject(value) && Object.keys(value).length === 0);
}

function keyValues(sides: readonly (readonly Json[] | undefined)[], keys: Values): Values[] {
  const seen = new Set<string>();
  const result: Values[] = [];
  for (const side of sides)
    for (const item of side ?? []) {
      const values = keys.map((key) =>
        isJsonObject(item) && !isNothing(item[key]) ? textOf(item[key]) : '',
      );
      const text = values.length === 1 ? (values[0] ?? '') : JSON.stringify(values);
      if (seen.has(text)) continue;
      seen.add(text);
      result.push(values);
    }
  return result;
}

function primitiveValues(sides: readonly (readonly Json[] | undefined)[]): Values[] {
  const seen = new Set(sides.flatMap((side) => (side ?? []).map(textOf)));
  return [...seen].map((text) => [text]);
}

/** Items that name fewer keys are the same as those that name more, where the keys that both name agree. */
function unifyValues(list: readonly Values[]): Values[] {
  const result = [...list];
  for (let i = 0; i < result.length; i += 1)
    for (let j = 0; j < result.length; j += 1) {
      const both = unify(result[i] ?? [], result[j] ?? []);
      if (both === undefined) continue;
      result[i] = both;
      result[j] = both;
    }
  return result;
}

function unify(a: Values, b: Values): Values | undefined {
  let common = false;
  const result: string[] = [];
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? '';
    if (value === other) common = true;
    else if (value !== '' && other !== '') return undefined;
    result.push(value === '' ? other : value);
  }
  return common ? result : undefined;
}

/** Leaves out keys that no item has. */
function usable(isUsed: readonly boolean[], values: Values, keys: Values): readonly [Values, Values] {
  if (isUsed.every((used) => used) || !isUsed.includes(true)) return [keys, values];
  return [
    keys.filter((_key, index) => isUsed[index]),
    values.filter((value, index) => value !== '' || isUsed[index]),
  ];
}

function findItem(list: readonly Json[] | undefined, keys: Values, values: Values): Slot {
  if (list === undefined) return undefined;
  if (keys[0] === '') return list.find((item) => textOf(item) === values[0]);
  return list.find(
    (item) => isJsonObject(item) && keys.every((key, index) => hasText(item, key, values[index] ?? '')),
  );
}

function hasText(item: JsonObject, key: string, text: string): boolean {
  return Object.hasOwn(item, key) && textOf(item[key]) === text;
}

function withKeys(item: JsonObject, keys: Values, values: Values): JsonObject {
  let result = item;
  for (const [index, key] of keys.entries()) {
    const text = values[index] ?? '';
    if (isJsonObject(result) && !Object.hasOwn(result, key) && text !== '')
      result = { ...result, [key]: /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text };
  }
  return result;
}

/** Replaces, removes (no element) or appends, by key (kyaml yaml/fns.go ElementSetter, oddities included). */
function setItem(list: readonly Json[], element: Json | undefined, keys: Values, values: Values): Json[] {
  const result: Json[] = [];
  let found = false;
  for (const item of list) {
    if (isNothing(item)) continue;
    const byKey = keys[0] !== '';
    if (byKey && !isJsonObject(item)) {
      result.push(item);
      continue;
    }
    if (!matches(item, keys, values)) {
      if (values.length > 0) result.push(item);
      continue;
    }
    found = true;
    if (element !== undefined) result.push(element);
  }
  if (element !== undefined && !found) result.push(element);
  return result;
}

function matches(item: Json, keys: Values, values: Values): boolean {
  if (keys[0] === '') return textOf(item) === values[0];
  if (!isJsonObject(item) || values.length === 0) return false;
  return keys.every((key, index) => {
    if (index >= values.length) return true;
    const text = values[index] ?? '';
    return text === '' ? Object.hasOwn(item, key) : hasText(item, key, text);
  });
}

function appendList(start: readonly Json[], rest: readonly Json[], keys: Values): Json[] {
  let list: Json[] = [...start];
  for (const item of rest) {
    if (keys[0] === '') {
      list = setItem(list, item, [''], [textOf(item)]);
      continue;
    }
    const values: string[] = [];
    for (const key of keys) {
      if (isJsonObject(item) && Object.hasOwn(item, key)) values.push(textOf(item[key]));
      else list.push(item);
    }
    if (keys.length > 1) list = setItem(list, undefined, keys, values);
    list = setItem(list, item, keys, values);
  }
  return list;
}
