/** Reading objects that are plain JSON. */
import { isList, isObject, type Json, type Mutable } from '../schema/types.ts';

/** The value at a path of keys, or undefined. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current: Json | undefined = value;
  for (const key of path) current = isObject(current) ? current[key] : undefined;
  return current;
}

export function textAt(value: Json | undefined, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}

export function numberAt(value: Json | undefined, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === 'number' ? found : undefined;
}

export function listAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = at(value, ...path);
  return isList(found) ? found : [];
}

/** The object at a key of a value under construction, made when absent. Callers own `value` and all below it. */
export function objectOf(value: Mutable, key: string): Mutable {
  const found = value[key];
  if (isObject(found)) return found as Mutable;
  const made: Mutable = {};
  value[key] = made;
  return made;
}

/** Sets the key to a value, or takes it away for undefined. */
export function setOrDelete(value: Mutable, key: string, to: Json | undefined): void {
  if (to === undefined) delete value[key];
  else value[key] = to;
}

export function metadataOf(value: Mutable): Mutable {
  return objectOf(value, 'metadata');
}
