/**
 * kustomize writes a label to metadata, selector and template as one YAML node in several places (filtersutil.SetEntry). A later layer that
 * sets the label in one of them changes the node, and so all of them. Kept because the result must be kustomize's.
 */
import type { JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import type { Resource, SharedEntry } from '../resource.ts';
import { applySpecs } from './apply-specs.ts';
import { changeField, type FieldSpec, setEntry, splitPath } from './field-spec.ts';
import { isSelected, withObject } from './ids.ts';

/** The value of an entry at the first place that the path leads to. */
function entryAt(object: KubeObject, path: string, key: string): unknown {
  let found: unknown;
  changeField(object, {
    path: splitPath(path),
    create: false,
    createKind: 'none',
    set: (value) => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        found ??= (value as JsonObject)[key];
      return value;
    },
  });
  return found;
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

/** Sets one entry in the maps that the specs lead to, and wherever it shares a node with one of those. @throws PathError. */
export function setSharedEntry(
  resource: Resource,
  key: string,
  text: string,
  specs: readonly FieldSpec[],
): Resource {
  const { object, history } = resource;
  const paths = specs
    .filter((spec) => isSelected(object.apiVersion, object.kind, spec))
    .map(({ path }) => path);
  const there = new Set(paths.filter((path) => entryAt(object, path, key) !== undefined));
  let next = applySpecs(object, specs, 'map', setEntry(key, text));
  for (const group of history.shared)
    if (group.key === key && group.paths.some((path) => there.has(path)))
      next = setWhereThere(next, group.paths, key, text);
  const fresh = [...new Set(paths)].filter(
    (path) => !there.has(path) && entryAt(next, path, key) !== undefined,
  );
  const shared: readonly SharedEntry[] =
    fresh.length > 1 ? [...history.shared, { key, paths: fresh }] : history.shared;
  const changed = withObject(resource, next);
  return shared === history.shared ? changed : { ...changed, history: { ...changed.history, shared } };
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

/** Sets entries, in the order of their keys, in the maps that the specs lead to. @throws PathError. */
export function setEntries(
  resources: readonly Resource[],
  entries: Readonly<Record<string, string>>,
  specs: readonly FieldSpec[],
): readonly Resource[] {
  const keys = Object.keys(entries).sort();
  if (keys.length === 0) return resources;
  return resources.map((resource) =>
    keys.reduce((changed, key) => setSharedEntry(changed, key, entries[key] ?? '', specs), resource),
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
