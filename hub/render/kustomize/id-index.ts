import type { Resource } from '../resource.ts';
import { currentId } from './ids.ts';

/** Finds the object that kustomize holds for the same as another one. */
export interface IdIndex {
  /** Adds the resource, unless there is one of its identity already, which is returned. */
  add(resource: Resource): Resource | undefined;
}

type Ids = ReadonlyMap<string, Resource>;

function createIndex(known: Ids): IdIndex {
  const own = new Map<string, Resource>();
  return {
    add: (resource) => {
      const id = currentId(resource);
      const earlier = own.get(id) ?? known.get(id);
      if (earlier === undefined) own.set(id, resource);
      return earlier;
    },
  };
}

const idsOf = (resources: readonly Resource[]): Ids =>
  new Map(resources.map((resource) => [currentId(resource), resource]));

/** An index of a list, for additions to it. */
export function indexOf(resources: readonly Resource[]): IdIndex {
  return createIndex(idsOf(resources));
}

const bases = new WeakMap<readonly Resource[], Ids>();

/** An index of a base, whose identities are looked at once for all that stand on it. Undefined where two are the same. */
export function indexOfBase(base: readonly Resource[]): IdIndex | undefined {
  let ids = bases.get(base);
  if (ids === undefined) {
    ids = idsOf(base);
    bases.set(base, ids);
  }
  return ids.size === base.length ? createIndex(ids) : undefined;
}
