/**
 * Sets of field paths as structured-merge-diff keeps them, and their wire form FieldsV1: a trie whose edges are path elements
 * (`f:name`, `k:{"name":"web"}`, `v:"item"`), where a node may be a member of the set itself, have children, or both.
 */
import { isList, isObject, type Json, type Mutable } from '../schema/types.ts';

export interface FieldSet {
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

/** A set under construction. */
export interface FieldSetBuilder extends FieldSet {
  member: boolean;
  readonly children: Map<string, FieldSetBuilder>;
}

export const emptySet: FieldSet = { member: false, children: new Map() };

export function newBuilder(): FieldSetBuilder {
  return { member: false, children: new Map() };
}

/** The node under `element`, made when absent. */
export function childOf(node: FieldSetBuilder, element: string): FieldSetBuilder {
  const known = node.children.get(element);
  if (known) return known;
  const made = newBuilder();
  node.children.set(element, made);
  return made;
}

export function insertPath(node: FieldSetBuilder, path: readonly string[]): void {
  let at = node;
  for (const element of path) at = childOf(at, element);
  at.member = true;
}

export function isEmptySet(set: FieldSet): boolean {
  if (set.member) return false;
  for (const child of set.children.values()) if (!isEmptySet(child)) return false;
  return true;
}

/** Calls `combine` for each path element of either set and keeps what is not empty. */
function zip(
  a: FieldSet,
  b: FieldSet,
  member: boolean,
  combine: (x: FieldSet, y: FieldSet) => FieldSet,
): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const element of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(a.children.get(element) ?? emptySet, b.children.get(element) ?? emptySet);
    if (child.member || child.children.size > 0) children.set(element, child);
  }
  return { member, children };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  return zip(a, b, a.member || b.member, union);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return zip(a, b, a.member && b.member, intersection);
}

/** Members of `a` that are no members of `b`; a member of `b` leaves what is below it alone. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return zip(a, b, a.member && !b.member, difference);
}

/** As `difference`, but a member of `b` takes all below it out too. */
export function differenceBelow(a: FieldSet, b: FieldSet): FieldSet {
  return zip(a, b, a.member && !b.member, (x, y) => (y.member ? emptySet : differenceBelow(x, y)));
}

export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let at: FieldSet | undefined = set;
  for (const element of path) at = at?.children.get(element);
  return at?.member ?? false;
}

/** A set of the given paths. */
export function setOf(...paths: readonly (readonly string[])[]): FieldSet {
  const builder = newBuilder();
  for (const path of paths) insertPath(builder, path);
  return builder;
}

/** Every member's path. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): (readonly string[])[] {
  const paths: (readonly string[])[] = [];
  for (const [element, child] of set.children) {
    const path = [...prefix, element];
    if (child.member) paths.push(path);
    paths.push(...pathsOf(child, path));
  }
  return paths;
}

/** Writes a key or value with sorted keys and no spaces, so that equal elements are equal text. */
export function canonicalText(value: Json): string {
  if (isList(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (isObject(value))
    return `{${Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalText(value[key] ?? null)}`)
      .join(',')}}`;
  return JSON.stringify(value);
}

/** Names first, then keys, then values, then indexes, as structured-merge-diff orders them. */
function elementOrder(a: string, b: string): number {
  const rank = 'fkvi';
  const byKind = rank.indexOf(a.charAt(0)) - rank.indexOf(b.charAt(0));
  if (byKind !== 0) return byKind;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The FieldsV1 form. */
export function encodeSet(set: FieldSet): Json {
  const out: Mutable = {};
  for (const element of [...set.children.keys()].sort(elementOrder)) {
    const child = set.children.get(element);
    if (!child || isEmptySet(child)) continue;
    const below = encodeSet(child) as Mutable;
    out[element] = child.member && Object.keys(below).length > 0 ? { '.': {}, ...below } : below;
  }
  return out;
}

/** Reads FieldsV1; unknown element kinds are skipped as the API server does. `undefined` when it is no FieldsV1 at all. */
export function decodeSet(fields: Json | undefined): FieldSet | undefined {
  if (!isObject(fields)) return undefined;
  const builder = newBuilder();
  for (const [element, below] of Object.entries(fields)) {
    if (element === '.') continue;
    const match = /^([fkvi]):(.*)$/s.exec(element);
    if (!match || !isObject(below)) continue;
    const child = decodeSet(below);
    if (!child) continue;
    const canonical = canonicalElement(match[1] ?? '', match[2] ?? '');
    if (canonical === undefined) return undefined;
    const member = Object.keys(below).length === 0 || '.' in below;
    builder.children.set(canonical, {
      member,
      children: new Map(child.children as FieldSetBuilder['children']),
    });
  }
  return builder;
}

function canonicalElement(kind: string, text: string): string | undefined {
  if (kind === 'f' || kind === 'i') return `${kind}:${text}`;
  try {
    return `${kind}:${canonicalText(JSON.parse(text) as Json)}`;
  } catch {
    return undefined; // not JSON: the caller treats the whole entry as unreadable
  }
}
