/**
 * FieldsV1: which fields a manager owns, as a tree of `f:name`, `k:{keys}`, `v:value`, `i:index`; `.` is the node itself. It holds
 * paths, never values. https://kubernetes.io/docs/reference/using-api/server-side-apply/ and structured-merge-diff's fieldpath.
 */
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
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

export function managedFieldsOf(object: KubeObject): readonly ManagedFieldsEntry[] {
  const entries = object.metadata['managedFields'];
  return Array.isArray(entries) ? (entries as readonly ManagedFieldsEntry[]) : [];
}

export function isOwn(entry: ManagedFieldsEntry): boolean {
  return entry.manager === fieldManager && entry.operation === 'Apply' && !entry.subresource;
}

/** Our own entry's fields; an empty tree where there is none (stripped on purpose, or never applied). */
export function ownFields(object: KubeObject): FieldsNode {
  return managedFieldsOf(object).find(isOwn)?.fieldsV1 ?? {};
}

export function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Position of the element in its array; -1 when it is not there. A key that an item leaves to its default matches. */
export function findItem(value: readonly Json[], element: string): number {
  const body = JSON.parse(element.slice(2)) as Json;
  if (element.startsWith('v:')) {
    const text = canonicalJson(body);
    return value.findIndex((item) => canonicalJson(item) === text);
  }
  if (element.startsWith('i:')) return Number(body) < value.length ? Number(body) : -1;
  const keys = Object.entries(body as JsonObject);
  const fits = (strict: boolean) => (item: Json) =>
    isObject(item) &&
    keys.every(([name, key]) => item[name] === key || (!strict && item[name] === undefined)) &&
    keys.some(([name, key]) => item[name] === key);
  const exact = value.findIndex(fits(true));
  return exact >= 0 ? exact : value.findIndex(fits(false));
}

/** The value one element down; undefined when it is not there. */
export function childOf(value: Json | undefined, element: string): Json | undefined {
  if (element.startsWith('f:')) return isObject(value) ? value[element.slice(2)] : undefined;
  if (!Array.isArray(value)) return undefined;
  const index = findItem(value, element);
  return index < 0 ? undefined : value[index];
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

/**
 * Calls for each owned leaf, in the tree's order, with the path and the value there. A list item or map that is owned itself beside its
 * members (`.`) is visited as its presence: `true` or undefined.
 */
export function visitLeaves(
  fields: FieldsNode,
  value: Json | undefined,
  visit: (path: string, value: Json | undefined) => void,
  path = '',
): void {
  for (const [element, node] of Object.entries(fields)) {
    if (element === '.') {
      visit(path, value === undefined ? undefined : true);
      continue;
    }
    const childPath = path + describeElement(element);
    const child = childOf(value, element);
    if (Object.keys(node).length === 0) visit(childPath, child);
    else visitLeaves(node, child, visit, childPath);
  }
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
