/**
 * Values read with their schema: which fields they have, how two differ, and what merging one into the other gives.
 * Rules from KEP-555 and structured-merge-diff v6 (`typed` package): granular maps, associative lists by key, sets, atomic values.
 */
import {
  anyType,
  deepEqual,
  isList,
  isObject,
  type Json,
  type ListType,
  type MapType,
  type Mutable,
  type StructType,
  type Type,
} from '../schema/types.ts';
import {
  canonicalText,
  childOf,
  type FieldSet,
  type FieldSetBuilder,
  insertPath,
  newBuilder,
} from './field-set.ts';

export type Shape = 'scalar' | 'list' | 'map';
const deducedList: ListType = { kind: 'list', element: anyType, relation: 'atomic', keys: [] };
const deducedMap: MapType = { kind: 'map', element: anyType, atomic: false };

/** How a value of that type is walked; untyped values show it by themselves, null as a map. */
export function shapeOf(type: Type, value: Json | undefined): Shape {
  if (type.kind === 'scalar') return 'scalar';
  if (type.kind === 'list') return 'list';
  if (type.kind !== 'any') return 'map';
  if (isList(value)) return 'list';
  return isObject(value) || value === null || value === undefined ? 'map' : 'scalar';
}

export function asList(type: Type): ListType {
  return type.kind === 'list' ? type : deducedList;
}

export function asMap(type: Type): MapType | StructType {
  return type.kind === 'map' || type.kind === 'struct' ? type : deducedMap;
}

/** The type of a key of a map or struct; an undeclared field of a struct without schema is deduced. */
export function fieldType(type: MapType | StructType, key: string): Type {
  if (type.kind === 'map') return type.element;
  return type.fields.get(key)?.type ?? anyType;
}

/** `k:{...}` or `v:...`; undefined for an item that cannot be one of such a list. */
export function elementOf(type: ListType, item: Json): string | undefined {
  if (type.relation === 'set')
    return isObject(item) || isList(item) || item === null ? undefined : `v:${canonicalText(item)}`;
  if (!isObject(item)) return undefined;
  const keys: Mutable = {};
  for (const key of type.keys) {
    const fallback = type.element.kind === 'struct' ? type.element.fields.get(key)?.default : undefined;
    const value = item[key] ?? fallback;
    if (value !== undefined) keys[key] = value;
  }
  return Object.keys(keys).length === 0 ? undefined : `k:${canonicalText(keys)}`;
}

/** The paths of all fields of a value. */
export function fieldSetOf(type: Type, value: Json): FieldSet {
  const builder = newBuilder();
  collect(type, value, builder);
  return builder;
}

function collect(type: Type, value: Json, node: FieldSetBuilder): void {
  const shape = shapeOf(type, value);
  if (shape === 'scalar') node.member = true;
  else if (shape === 'list') collectList(asList(type), value, node);
  else {
    const map = asMap(type);
    if (map.atomic) node.member = true;
    else if (isObject(value))
      for (const [key, item] of Object.entries(value)) {
        const child = childOf(node, `f:${key}`);
        collect(fieldType(map, key), item, child);
        const empty = item === null || (isObject(item) && Object.keys(item).length === 0);
        if (empty || map.kind !== 'struct' || !map.fields.has(key)) child.member = true;
      }
  }
}

function collectList(type: ListType, value: Json, node: FieldSetBuilder): void {
  if (type.relation === 'atomic') {
    node.member = true;
    return;
  }
  if (!isList(value)) return;
  const counts = new Map<string, number>();
  for (const item of value) {
    const element = elementOf(type, item);
    if (element) counts.set(element, (counts.get(element) ?? 0) + 1);
  }
  for (const item of value) {
    const element = elementOf(type, item);
    if (!element) continue;
    const child = childOf(node, element);
    child.member = true;
    if (counts.get(element) === 1) collect(type.element, item, child); // doubled items are owned as a whole
  }
}

/** What differs between two values. A path is in at most one of the three. */
export interface Comparison {
  readonly added: FieldSetBuilder;
  readonly removed: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
}

/** Compares two values of one type. */
export function compareTyped(type: Type, left: Json, right: Json): Comparison {
  const comparison = { added: newBuilder(), removed: newBuilder(), modified: newBuilder() };
  walk({ comparison, path: [] }, type, left, right);
  return comparison;
}

interface Walk {
  readonly comparison: Comparison;
  readonly path: string[];
}

function walk(at: Walk, type: Type, left: Json | undefined, right: Json | undefined): void {
  const shapes =
    right === undefined
      ? [shapeOf(type, left)]
      : left === undefined || shapeOf(type, left) === shapeOf(type, right)
        ? [shapeOf(type, right)]
        : [shapeOf(type, left), shapeOf(type, right)];
  let leaf = false;
  for (const shape of shapes) leaf = walkShape(at, type, shape, left, right);
  if (leaf) return;
  if (left === undefined) insertPath(at.comparison.added, at.path);
  else if (right === undefined) insertPath(at.comparison.removed, at.path);
}

/** True when the value was compared as one leaf. */
function walkShape(
  at: Walk,
  type: Type,
  shape: Shape,
  left: Json | undefined,
  right: Json | undefined,
): boolean {
  if (shape === 'list') {
    const list = asList(type);
    if (list.relation !== 'atomic' && (sizeOf(left, 'list') > 0 || sizeOf(right, 'list') > 0)) {
      walkItems(at, list, isList(left) ? left : [], isList(right) ? right : []);
      return false;
    }
  } else if (shape === 'map') {
    const map = asMap(type);
    if (!map.atomic && (sizeOf(left, 'map') > 0 || sizeOf(right, 'map') > 0)) {
      walkFields(at, map, isObject(left) ? left : {}, isObject(right) ? right : {});
      return false;
    }
  }
  if (left === undefined) insertPath(at.comparison.added, at.path);
  else if (right === undefined) insertPath(at.comparison.removed, at.path);
  else if (!deepEqual(left, right)) insertPath(at.comparison.modified, at.path);
  return true;
}

function sizeOf(value: Json | undefined, shape: 'list' | 'map'): number {
  if (shape === 'list') return isList(value) ? value.length : 0;
  return isObject(value) ? Object.keys(value).length : 0;
}

function walkFields(
  at: Walk,
  type: MapType | StructType,
  left: { readonly [key: string]: Json },
  right: { readonly [key: string]: Json },
): void {
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    at.path.push(`f:${key}`);
    walk(at, fieldType(type, key), left[key], right[key]);
    at.path.pop();
  }
}

function byElement(type: ListType, items: readonly Json[]): Map<string, Json[]> {
  const found = new Map<string, Json[]>();
  for (const item of items) {
    const element = elementOf(type, item);
    if (element === undefined) continue;
    const known = found.get(element);
    if (known) known.push(item);
    else found.set(element, [item]);
  }
  return found;
}

function walkItems(at: Walk, type: ListType, left: readonly Json[], right: readonly Json[]): void {
  const lefts = byElement(type, left);
  const rights = byElement(type, right);
  for (const element of new Set([...lefts.keys(), ...rights.keys()])) {
    const l = lefts.get(element) ?? [];
    const r = rights.get(element) ?? [];
    at.path.push(element);
    if (l.length <= 1 && r.length <= 1) walk(at, type.element, l[0], r[0]);
    else if (l.length >= 2 && r.length >= 2) {
      if (!deepEqual(l, r)) insertPath(at.comparison.modified, at.path);
    } else if (l.length >= 2) {
      if (r.length > 0) walk(at, type.element, undefined, r[0]);
      insertPath(at.comparison.removed, at.path);
    } else {
      if (l.length > 0) walk(at, type.element, l[0], undefined);
      insertPath(at.comparison.added, at.path);
    }
    at.path.pop();
  }
}
