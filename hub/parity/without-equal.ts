import type { Json, JsonObject } from '../../shared/manifest/object.ts';
import { isObject } from './field-path.ts';

/** Members that are equal as they stand taken away on both sides: most of two objects is, and need not be looked at field by field. Lists stay whole. Pure. */
export function withoutEqual(left: JsonObject, right: JsonObject): readonly [JsonObject, JsonObject] {
  const mine: Record<string, Json> = {};
  const other: Record<string, Json> = {};
  for (const [name, value] of Object.entries(left)) {
    if (value === undefined) continue;
    const counterpart = Object.hasOwn(right, name) ? right[name] : undefined;
    if (counterpart !== undefined && isEqual(value, counterpart)) continue;
    if (isObject(value) && isObject(counterpart))
      [mine[name], other[name]] = withoutEqual(value, counterpart);
    else {
      mine[name] = value;
      if (counterpart !== undefined) other[name] = counterpart;
    }
  }
  for (const [name, value] of Object.entries(right))
    if (value !== undefined && (!Object.hasOwn(left, name) || left[name] === undefined)) other[name] = value;
  return [mine, other];
}

function isEqual(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    const [a, b] = [left as readonly Json[], right as readonly Json[]];
    if (!Array.isArray(left) || !Array.isArray(right) || a.length !== b.length) return false;
    return a.every((item, at) => isEqual(item, b[at] ?? null));
  }
  const [a, b] = [left as JsonObject, right as JsonObject];
  const names = Object.keys(a).filter((name) => a[name] !== undefined);
  if (names.length !== Object.keys(b).filter((name) => b[name] !== undefined).length) return false;
  return names.every((name) => {
    const value = Object.hasOwn(b, name) ? b[name] : undefined;
    return value !== undefined && isEqual(a[name] ?? null, value);
  });
}
