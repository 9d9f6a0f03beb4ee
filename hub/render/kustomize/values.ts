import type { Json, JsonObject } from '../../../shared/manifest/object.ts';

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
