/**
 * kustomize writes a label to metadata, selector and template as one YAML node in several places (filtersutil.SetEntry). A later layer that
 * sets the label in one of them changes the node, and so all of them. Kept because the result must be kustomize's.
 */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import type { Resource, SharedEntry } from '../resource.ts';
import { applySpecs, specsFor } from './apply-specs.ts';
import { changeField, type FieldSpec, PathError, setEntry, splitPath } from './field-spec.ts';
import { withObject } from './ids.ts';

/** The value of an entry at the first place that the path leads to. @throws PathError. */
function entryAt(object: KubeObject, path: string, key: string): unknown {
  return findEntry(object, splitPath(path), 0, key) ?? undefined;
}

function findEntry(value: Json | undefined, path: readonly string[], depth: number, key: string): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    if (depth === path.length) return undefined;
    let found: unknown;
    // Each item is looked at, since a path that does not fit one of them is an error.
    for (const item of value as readonly Json[]) found ??= findEntry(item, path, depth, key);
    return found;
  }
  if (depth === path.length) return typeof value === 'object' ? (value as JsonObject)[key] : undefined;
  if (typeof value !== 'object') throw new PathError('expected a list or a mapping on the way to the field');
  const part = path[depth] ?? '';
  const name = part.endsWith('[]') ? part.slice(0, -2) : part;
  return Object.hasOwn(value, name)
    ? findEntry((value as JsonObject)[name], path, depth + 1, key)
    : undefined;
}

function setWhereThere(object: KubeObject, paths: readonly string[], key: string, text: string): KubeObject {
  let result = object;
  for (const path of paths)
    result = changeField(result, {
      path: splitPath(path),
      create: false,
      createKind: 'none',
      set: (value) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? setEntry(key, text)(value)
          : value,
    });
  return result;
}

const ownAnnotations = 'metadata/annotations';

/** Whether an entry of the object's own annotations is one node with others. */
export function sharesAnnotations({ history: { shared } }: Resource): boolean {
  return shared.some(({ paths }) => paths.includes(ownAnnotations));
}

/**
 * Sets one entry in the maps that the specs lead to, and wherever it shares a node with one of those. @param rewritten the object's own annotations are written
 * anew after the transformer, as kustomize does wherever there is `buildMetadata` to note in them: their entries are nodes of their own then. @throws PathError.
 */
function setSharedEntry(
  resource: Resource,
  key: string,
  text: string,
  specs: readonly FieldSpec[],
  rewritten: boolean,
): Resource {
  const { object, history } = resource;
  const own = specsFor(specs, object.apiVersion, object.kind);
  if (own.length === 0) return resource;
  const there = new Set<string>();
  for (const { path } of own) if (entryAt(object, path, key) !== undefined) there.add(path);
  let next = applySpecs(object, own, 'map', setEntry(key, text));
  for (const group of history.shared)
    if (group.key === key && group.paths.some((path) => there.has(path)))
      next = setWhereThere(next, group.paths, key, text);
  const fresh: string[] = [];
  for (const { path } of own) {
    if (rewritten && path === ownAnnotations) continue;
    if (!there.has(path) && !fresh.includes(path) && entryAt(next, path, key) !== undefined) fresh.push(path);
  }
  const shared: readonly SharedEntry[] =
    fresh.length > 1 ? [...history.shared, { key, paths: fresh }] : history.shared;
  if (shared === history.shared) return withObject(resource, next);
  return { ...resource, object: next, history: { ...history, shared } };
}

/** After a strategic merge: what it changed of a shared entry changes everywhere. */
export function spreadShared(
  before: KubeObject,
  after: KubeObject,
  shared: readonly SharedEntry[],
): KubeObject {
  let result = after;
  for (const { key, paths } of shared)
    for (const path of [...paths].sort()) {
      const value = entryAt(after, path, key);
      if (typeof value === 'string' && value !== entryAt(before, path, key))
        result = setWhereThere(result, paths, key, value);
    }
  return result;
}

/** The resource with a changed object, in which what changed of shared entries changes everywhere. */
export function withShared(resource: Resource, object: KubeObject): Resource {
  const { shared } = resource.history;
  if (object === resource.object || shared.length === 0) return withObject(resource, object);
  return withObject(resource, spreadShared(resource.object, object, shared));
}

/** Sets entries, in the order of their keys, in the maps that the specs lead to. @param rewritten as in setSharedEntry. @throws PathError. */
export function setEntries(
  resources: readonly Resource[],
  entries: Readonly<Record<string, string>>,
  specs: readonly FieldSpec[],
  rewritten = false,
): readonly Resource[] {
  const keys = Object.keys(entries).sort();
  if (keys.length === 0) return resources;
  return resources.map((resource) =>
    keys.reduce(
      (changed, key) => setSharedEntry(changed, key, entries[key] ?? '', specs, rewritten),
      resource,
    ),
  );
}

/** Without the places that no longer hold their entry: what is put there later is a node of its own. */
export function stillShared(object: KubeObject, shared: readonly SharedEntry[]): readonly SharedEntry[] {
  if (shared.length === 0) return shared;
  return shared.map(({ key, paths }) => ({
    key,
    paths: paths.filter((path) => entryAt(object, path, key) !== undefined),
  }));
}
