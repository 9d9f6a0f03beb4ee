import { isJsonObject, type Json, type JsonObject } from '../../shared/manifest/object.ts';

/** Members that are equal as they stand taken away on both sides: most of two objects is, and need not be looked at field by field. Lists stay whole. Pure. */
export function withoutEqual(left: JsonObject, right: JsonObject): readonly [JsonObject, JsonObject] {
  const mine: Record<string, Json> = {};
  const other: Record<string, Json> = {};
  for (const [name, value] of Object.entries(left)) {
    if (value === undefined) continue;
    const counterpart = Object.hasOwn(right, name) ? right[name] : undefined;
    if (counterpart !== undefined && isEqual(value, counterpart)) continue;
    if (isJsonObject(value) && isJsonObject(counterpart))
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

/** Walks most of what a hub compares: nothing is made on the way. */
function isEqual(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    const [a, b] = [left as readonly Json[], right as readonly Json[]];
    if (!Array.isArray(left) || !Array.isArray(right) || a.length !== b.length) return false;
    for (let at = 0; at < a.length; at += 1) if (!isEqual(a[at] ?? null, b[at] ?? null)) return false;
    return true;
  }
  const [a, b] = [left as JsonObject, right as JsonObject];
  let names = 0;
  for (const name of Object.keys(a)) {
    const value = a[name];
    if (value === undefined) continue;
    names += 1;
    const other = Object.hasOwn(b, name) ? b[name] : undefined;
    if (other === undefined || !isEqual(value, other)) return false;
  }
  for (const name of Object.keys(b)) if (b[name] !== undefined) names -= 1;
  return names === 0;
}
