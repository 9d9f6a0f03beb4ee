import type { Json, JsonObject } from '../../../shared/manifest/object.ts';

/** Whole numbers that a number would not hold exactly are bigints within the renderer, which the type of JSON does not tell. */
export function isBigInteger(value: unknown): value is bigint {
  return typeof value === 'bigint';
}

/** Go's JSON decoder makes every number a float64, so a JSON patch rounds the big whole numbers of the whole object. */
export function withRoundedIntegers(value: Json): Json {
  if (isBigInteger(value)) return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(withRoundedIntegers);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  let changed: Record<string, Json | undefined> | undefined;
  for (const [key, member] of Object.entries(value as JsonObject)) {
    const next = member === undefined ? member : withRoundedIntegers(member);
    if (next === member) continue;
    changed ??= { ...(value as JsonObject) };
    changed[key] = next;
  }
  return changed ?? value;
}

const clean = new WeakSet<object>();

/** Makes the values that were written as nothing (undefined within the renderer) null, as they are in JSON. */
export function withNulls(value: Json | undefined): Json {
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null || clean.has(value)) return value;
  const result = Array.isArray(value) ? listWithNulls(value) : mapWithNulls(value as JsonObject);
  clean.add(result);
  return result;
}

function listWithNulls(list: readonly Json[]): readonly Json[] {
  const items = list.map(withNulls);
  return items.every((item, index) => item === list[index]) ? list : items;
}

function mapWithNulls(map: JsonObject): JsonObject {
  let changed: Record<string, Json | undefined> | undefined;
  for (const key in map) {
    const next = withNulls(map[key]);
    if (next === map[key]) continue;
    changed ??= { ...map };
    changed[key] = next;
  }
  return changed ?? map;
}
