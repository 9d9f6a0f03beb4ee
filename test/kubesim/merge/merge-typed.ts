/** Merging an applied configuration into a live value, and taking fields out of one. Rules from structured-merge-diff v6. */
import {
  isList,
  isObject,
  type Json,
  type ListType,
  type MapType,
  type Mutable,
  type StructType,
  type Type,
} from '../schema/types.ts';
import { emptySet, type FieldSet, isEmptySet } from './field-set.ts';
import { asList, asMap, elementOf, fieldType, shapeOf } from './typed.ts';

/** The live value with the applied one laid over it; `undefined` when nothing is left. */
export function mergeTyped(type: Type, left: Json | undefined, right: Json | undefined): Json | undefined {
  const shape = right === undefined ? shapeOf(type, left) : shapeOf(type, right);
  if (shape === 'list') {
    const list = asList(type);
    const l = isList(left) ? left : [];
    const r = isList(right) ? right : [];
    if (list.relation !== 'atomic' && (l.length > 0 || r.length > 0)) {
      const merged = mergeItems(list, l, r);
      return merged.length > 0 ? merged : undefined;
    }
  } else if (shape === 'map') {
    const map = asMap(type);
    const l = isObject(left) ? left : {};
    const r = isObject(right) ? right : {};
    if (!map.atomic && (Object.keys(l).length > 0 || Object.keys(r).length > 0))
      return mergeFields(map, l, r);
  }
  return right === undefined ? left : right;
}

function mergeFields(
  type: MapType | StructType,
  left: { readonly [key: string]: Json },
  right: { readonly [key: string]: Json },
): Json | undefined {
  const out: Mutable = {};
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const merged = mergeTyped(fieldType(type, key), left[key], right[key]);
    if (merged !== undefined) out[key] = merged;
  }
  return Object.keys(out).length > 0 ? out : undefined;
}

interface Indexed {
  readonly order: readonly string[];
  readonly items: ReadonlyMap<string, Json | undefined>;
}

/** Doubled items of the live list are kept but not merged with: their entry is undefined. */
function index(type: ListType, list: readonly Json[]): Indexed {
  const items = new Map<string, Json | undefined>();
  const order: string[] = [];
  for (const item of list) {
    const element = elementOf(type, item) ?? '';
    items.set(element, items.has(element) ? undefined : item);
    order.push(element);
  }
  return { order, items };
}

/**
 * Items of both lists: those they share in the order of the applied list, live ones that it lacks where they stood.
 */
function mergeItems(type: ListType, left: readonly Json[], right: readonly Json[]): Json[] {
  const l = index(type, left);
  const r = index(type, right);
  const shared = r.order.filter((element) => l.items.has(element));
  const merged = new Set<string>();
  const out: Json[] = [];
  const put = (value: Json | undefined) => {
    if (value !== undefined) out.push(value);
  };
  const putBoth = (element: string) => {
    merged.add(element);
    put(mergeTyped(type.element, l.items.get(element), r.items.get(element)));
    if (shared[0] === element) shared.shift();
  };
  let li = 0;
  let ri = 0;
  while (li < left.length || ri < right.length) {
    const onLeft = li < left.length ? l.order[li] : undefined;
    const onRight = ri < right.length ? r.order[ri] : undefined;
    if (onLeft !== undefined && onLeft === onRight) {
      putBoth(onLeft);
      li++;
      ri++;
      continue;
    }
    if (onLeft !== undefined && onRight !== undefined) {
      if (r.items.has(onLeft) && shared[0] !== undefined && shared[0] !== onLeft) {
        li++; // shared, but its turn comes later in the applied order
        continue;
      }
    }
    if (onLeft !== undefined) {
      if (!r.items.has(onLeft)) {
        put(left[li]);
        li++;
        continue;
      }
      if (merged.has(onLeft)) li++;
    }
    if (onRight !== undefined) {
      putBoth(onRight);
      ri++;
    }
  }
  return out;
}

/** The value without the members of the set. Atomic lists and maps below a removed prefix go as a whole. */
export function removeFields(type: Type, value: Json, remove: FieldSet): Json | undefined {
  const shape = shapeOf(type, value);
  if (shape === 'scalar') return value;
  if (shape === 'list') return removeItems(asList(type), value, remove);
  const map = asMap(type);
  if (!isObject(value) || Object.keys(value).length === 0 || map.atomic) return undefined;
  const out: Mutable = {};
  for (const [key, item] of Object.entries(value)) {
    const below = remove.children.get(`f:${key}`) ?? emptySet;
    if (below.member) continue;
    // A value that loses everything stays as null, which the typed form reads as absent.
    out[key] = isEmptySet(below) ? item : (removeFields(fieldType(map, key), item, below) ?? null);
  }
  return Object.keys(out).length > 0 ? out : undefined;
}

function removeItems(type: ListType, value: Json, remove: FieldSet): Json | undefined {
  if (!isList(value) || value.length === 0 || type.relation === 'atomic') return undefined;
  const out: Json[] = [];
  for (const item of value) {
    const below = remove.children.get(elementOf(type, item) ?? '') ?? emptySet;
    if (below.member) continue;
    out.push(isEmptySet(below) ? item : (removeFields(type.element, item, below) ?? null));
  }
  return out.length > 0 ? out : undefined;
}

/** Adds the named fields of structs that have members below them, as removal of a whole struct needs. */
export function withNamedFields(type: Type, set: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of set.children) {
    const isField = element.startsWith('f:');
    const key = element.slice(2);
    const named = isField && type.kind === 'struct' && type.fields.has(key);
    const below: Type =
      type.kind === 'struct' && isField
        ? fieldType(type, key)
        : type.kind === 'map' || type.kind === 'list'
          ? type.element
          : { kind: 'any' };
    const inner = withNamedFields(below, child);
    const member = child.member || (named && child.children.size > 0);
    children.set(element, { member, children: inner.children });
  }
  return { member: set.member, children };
}
