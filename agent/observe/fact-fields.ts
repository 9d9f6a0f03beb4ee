import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { isObject } from './fields-v1.ts';

/** Named values of one section. */
export type NamedFacts = readonly (readonly [name: string, value: Json])[];

/** Undefined: it is not there. */
export function memberOf(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let at = value;
  for (const part of path) at = isObject(at) ? at[part] : undefined;
  return at;
}

export function itemsOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function placeOf({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
