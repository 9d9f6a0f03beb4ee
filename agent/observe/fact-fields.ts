import { isJsonObject, type Json, type KubeObject } from '../../shared/manifest/object.ts';

/** Named values of one section. */
export type NamedFacts = readonly (readonly [name: string, value: Json])[];

/** Undefined: it is not there. */
export function memberOf(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let at = value;
  for (const part of path) at = isJsonObject(at) ? at[part] : undefined;
  return at;
}

export function itemsOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function placeOf({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
