/**
 * FieldsV1: which fields a manager owns, as a tree of `f:name`, `k:{keys}`, `v:value`, `i:index`; `.` is the node itself. It holds
 * paths, never values. https://kubernetes.io/docs/reference/using-api/server-side-apply/ and structured-merge-diff's fieldpath.
 */
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../../shared/manifest/object.ts';
import { fieldManager } from '../model/inventory.ts';

export interface FieldsNode {
  readonly [element: string]: FieldsNode;
}

export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: FieldsNode;
}

/** None where they were stripped. */
export function managedFieldsOf(object: KubeObject): readonly ManagedFieldsEntry[] {
  const entries = object.metadata['managedFields'];
  return Array.isArray(entries) ? (entries as readonly ManagedFieldsEntry[]) : [];
}

/** Whether the entry is that of our applies, of no subresource. */
export function isOwn(entry: ManagedFieldsEntry): boolean {
  return entry.manager === fieldManager && entry.operation === 'Apply' && !entry.subresource;
}

/** Our own entry's fields; an empty tree where there is none (stripped on purpose, or never applied). */
export function ownFields(object: KubeObject): FieldsNode {
  return managedFieldsOf(object).find(isOwn)?.fieldsV1 ?? {};
}

type ItemFinder = (value: readonly Json[]) => number;

/** An element of an array, read once. */
function itemFinder(element: string): ItemFinder {
  const body = JSON.parse(element.slice(2)) as Json;
  if (element.startsWith('v:')) {
    const text = canonicalJson(body);
    return (value) => value.findIndex((item) => canonicalJson(item) === text);
  }
  if (element.startsWith('i:')) return (value) => (Number(body) < value.length ? Number(body) : -1);
  const keys = Object.entries(body as JsonObject);
  const fits = (strict: boolean) => (item: Json) =>
    isJsonObject(item) &&
    keys.every(([name, key]) => item[name] === key || (!strict && item[name] === undefined)) &&
    keys.some(([name, key]) => item[name] === key);
  return (value) => {
    const exact = value.findIndex(fits(true));
    return exact >= 0 ? exact : value.findIndex(fits(false));
  };
}

/** Position of the element in its array; -1 when it is not there. A key that an item leaves to its default matches. */
export function findItem(value: readonly Json[], element: string): number {
  return itemFinder(element)(value);
}

function itemOf(value: Json | undefined, find: ItemFinder): Json | undefined {
  if (!Array.isArray(value)) return undefined;
  const index = find(value);
  return index < 0 ? undefined : value[index];
}

/** The value one element down; undefined when it is not there. */
export function childOf(value: Json | undefined, element: string): Json | undefined {
  if (element.startsWith('f:')) return isJsonObject(value) ? value[element.slice(2)] : undefined;
  return itemOf(value, itemFinder(element));
}

/** For people and machines: `/spec/containers/[name=web]/image`; names are escaped as in RFC 6901. */
export function describeElement(element: string): string {
  const body = element.slice(2);
  if (element.startsWith('f:'))
    return '/' + (/[~/]/.test(body) ? body.replaceAll('~', '~0').replaceAll('/', '~1') : body);
  if (element.startsWith('v:')) return `/[=${body}]`;
  if (element.startsWith('i:')) return '/' + body;
  const keys = Object.entries(JSON.parse(body) as JsonObject);
  return `/[${keys.map(([name, key]) => `${name}=${typeof key === 'string' ? key : JSON.stringify(key)}`).join(',')}]`;
}

/** A tree of fields with all that does not depend on the object: paths in words, keys of lists. Objects made alike have the same. */
export interface LeafPlan {
  readonly path: string;
  /** What is below: a member of that name, an item of a list, or (neither) the node itself. */
  readonly name: string | undefined;
  readonly find: ItemFinder | undefined;
  /** Empty: a leaf. */
  readonly below: readonly LeafPlan[];
}

export function planLeaves(fields: FieldsNode, path = ''): readonly LeafPlan[] {
  return Object.entries(fields).map(([element, node]) => {
    if (element === '.') return { path, name: undefined, find: undefined, below: [] };
    const name = element.startsWith('f:') ? element.slice(2) : undefined;
    const find = name === undefined ? itemFinder(element) : undefined;
    const childPath = path + describeElement(element);
    return { path: childPath, name, find, below: planLeaves(node, childPath) };
  });
}

type LeafVisitor = (path: string, value: Json | undefined) => void;

/** `visitLeaves` by a plan. */
export function visitPlanned(plans: readonly LeafPlan[], value: Json | undefined, visit: LeafVisitor): void {
  for (const { path, name, find, below } of plans) {
    let child: Json | undefined;
    if (name !== undefined) child = isJsonObject(value) ? value[name] : undefined;
    else if (find) child = itemOf(value, find);
    else child = value === undefined ? undefined : true;
    if (below.length === 0) visit(path, child);
    else visitPlanned(below, child, visit);
  }
}

/**
 * Calls for each owned leaf, in the tree's order, with the path and the value there. A list item or map that is owned itself beside its
 * members (`.`) is visited as its presence: `true` or undefined.
 */
export function visitLeaves(fields: FieldsNode, value: Json | undefined, visit: LeafVisitor): void {
  visitPlanned(planLeaves(fields), value, visit);
}

/** Whether the path, or one above it, is a leaf of the set: a leaf covers all beneath it. */
export function covers(leaves: ReadonlySet<string>, path: string): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
    if (leaves.has(path.slice(0, end))) return true;
  return false;
}

/** The paths of all leaves. */
export function leafPaths(fields: FieldsNode): Set<string> {
  const paths = new Set<string>();
  visitLeaves(fields, undefined, (path) => paths.add(path));
  return paths;
}

/** Whether the manager owns one of the paths, or something below it. */
export function ownsAny({ fieldsV1 = {} }: ManagedFieldsEntry, paths: readonly string[]): boolean {
  const leaves = leafPaths(fieldsV1);
  return paths.some(
    (path) => covers(leaves, path) || [...leaves].some((leaf) => leaf.startsWith(`${path}/`)),
  );
}
