/** Changing the fields that a path leads to, copying only what changes (kustomize api filters/fieldspec). */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import type { GvkSelector } from './ids.ts';

export interface FieldSpec extends GvkSelector {
  /** `spec/template/metadata/labels`; lists are gone through without a sign, `containers[]` says that only a list counts. */
  readonly path: string;
  /** Make what is missing of the path. */
  readonly create?: boolean;
}

/** What to make at the end of a path that is created. */
export type CreateKind = 'map' | 'scalar' | 'none';

/** Gets the value at the path (undefined: just created) and gives the new one. */
export type SetValue = (value: Json | undefined) => Json | undefined;

export interface PathChange {
  readonly path: readonly string[];
  readonly create: boolean;
  readonly createKind: CreateKind;
  readonly set: SetValue;
}

/** A path led to something that is neither map nor list. */
export class PathError extends Error {}

const splitPaths = new Map<string, readonly string[]>();

/** Splits at `/`, but not at `\/`. */
export function splitPath(path: string): readonly string[] {
  const known = splitPaths.get(path);
  if (known !== undefined) return known;
  const parts = path.split(/(?<!\\)\//).map((part) => part.replaceAll('\\/', '/'));
  splitPaths.set(path, parts);
  return parts;
}

/** @throws PathError. */
export function changeField(object: KubeObject, change: PathChange): KubeObject {
  return changeAt(object, 0, change) as KubeObject;
}

function changeAt(value: Json | undefined, depth: number, change: PathChange): Json | undefined {
  if (depth === change.path.length) return change.set(value);
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return changeItems(value, depth, change);
  if (typeof value !== 'object') throw new PathError('expected a list or a mapping on the way to the field');
  return changeMap(value as JsonObject, depth, change);
}

function changeItems(items: readonly Json[], depth: number, change: PathChange): readonly Json[] {
  let changed: Json[] | undefined;
  for (const [index, item] of items.entries()) {
    const next = changeAt(item, depth, change) as Json;
    if (next === item) continue;
    changed ??= [...items];
    changed[index] = next;
  }
  return changed ?? items;
}

function changeMap(map: JsonObject, depth: number, change: PathChange): JsonObject {
  const part = change.path[depth] ?? '';
  const mustBeList = part.endsWith('[]');
  const name = mustBeList ? part.slice(0, -2) : part;
  const creates = change.create && change.createKind !== 'none' && !mustBeList;
  const last = depth + 1 === change.path.length;
  let value: Json | undefined = Object.hasOwn(map, name) ? map[name] : undefined;
  if (!Object.hasOwn(map, name) && !creates) return map;
  if ((value === null || value === undefined) && creates)
    value = last && change.createKind === 'scalar' ? undefined : {};
  const next = changeAt(value, depth + 1, change);
  return next === map[name] && Object.hasOwn(map, name) ? map : { ...map, [name]: next };
}

/** Sets one entry of the map at the path. */
export function setEntry(key: string, text: Json): SetValue {
  return (value) => {
    if (value === null || value === undefined) return value;
    if (typeof value !== 'object' || Array.isArray(value)) throw new PathError('expected a mapping');
    const map = value as JsonObject;
    return Object.hasOwn(map, key) && map[key] === text ? map : { ...map, [key]: text };
  };
}

/** Replaces the scalar at the path. */
export function setScalar(scalar: Json): SetValue {
  return (value) => {
    if (typeof value === 'object' && value !== null) throw new PathError('expected a scalar');
    return scalar;
  };
}
