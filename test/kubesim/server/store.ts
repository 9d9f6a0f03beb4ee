/** The objects of one cluster with their history: what etcd and the watch cache are to the API server. */

import { at } from '../kinds/access.ts';
import { type Kind, resourceKey } from '../kinds/kind.ts';
import type { Mutable } from '../schema/types.ts';

export interface StoreEvent {
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** `group/resource`. */
  readonly resource: string;
  /** `namespace/name`, or the name. */
  readonly key: string;
  /** What was written, or for a deletion the last state under the deletion's revision. */
  readonly object: Mutable;
  readonly previous: Mutable | undefined;
}

export interface Store {
  revision(): number;
  get(resource: string, key: string): Mutable | undefined;
  /** All objects of a resource now, by key. Read only. */
  collection(resource: string): ReadonlyMap<string, Mutable>;
  /** As `collection`, but as it was at a revision that the history still holds; undefined when it no longer does. */
  snapshot(resource: string, revision: number): ReadonlyMap<string, Mutable> | undefined;
  /** Every resource that has had objects. */
  resources(): readonly string[];
  /** Writes the object under the next revision and returns it as stored. The caller gives it away. */
  put(kind: Kind, key: string, object: Mutable): Mutable;
  /** Takes the object away and returns its last state under the deletion's revision. */
  remove(kind: Kind, key: string): Mutable | undefined;
  /** Events of a resource after a revision; undefined when the history no longer reaches back. */
  since(resource: string, revision: number): readonly StoreEvent[] | undefined;
  /** Called for each event of that resource, at once and in order. The result ends it. */
  subscribe(resource: string, listener: (event: StoreEvent) => void): () => void;
  /** Forgets the history, so that older revisions are gone. */
  compact(): void;
}

const nothing: ReadonlyMap<string, Mutable> = new Map();

/** @param historyMax how many events are kept over all resources. */
export function createStore(historyMax: number): Store {
  let revision = 1;
  let compacted = 0;
  const collections = new Map<string, Map<string, Mutable>>();
  const listeners = new Map<string, Set<(event: StoreEvent) => void>>();
  let history: StoreEvent[] = [];

  const record = (event: StoreEvent) => {
    history.push(event);
    if (history.length > historyMax * 2) {
      compacted = history[history.length - historyMax - 1]?.revision ?? compacted;
      history = history.slice(-historyMax);
    }
    for (const listener of [...(listeners.get(event.resource) ?? [])]) listener(event);
  };
  const stamp = (object: Mutable): Mutable => {
    revision++;
    const metadata = at(object, 'metadata') as Mutable;
    return { ...object, metadata: { ...metadata, resourceVersion: String(revision) } };
  };

  return {
    revision: () => revision,
    get: (resource, key) => collections.get(resource)?.get(key),
    collection: (resource) => collections.get(resource) ?? nothing,
    resources: () => [...collections.keys()],
    snapshot(resource, at) {
      if (at < compacted) return undefined;
      const objects = new Map(collections.get(resource) ?? nothing);
      for (let i = history.length - 1; i >= 0; i--) {
        const event = history[i];
        if (!event || event.revision <= at) break;
        if (event.resource !== resource) continue;
        if (event.previous) objects.set(event.key, event.previous);
        else objects.delete(event.key);
      }
      return objects;
    },
    put(kind, key, object) {
      const resource = resourceKey(kind);
      const stored = stamp(object);
      let collection = collections.get(resource);
      if (!collection) {
        collection = new Map();
        collections.set(resource, collection);
      }
      const previous = collection.get(key);
      collection.set(key, stored);
      record({ revision, type: previous ? 'MODIFIED' : 'ADDED', resource, key, object: stored, previous });
      return stored;
    },
    remove(kind, key) {
      const resource = resourceKey(kind);
      const previous = collections.get(resource)?.get(key);
      if (!previous) return undefined;
      const last = stamp(previous);
      collections.get(resource)?.delete(key);
      record({ revision, type: 'DELETED', resource, key, object: last, previous });
      return last;
    },
    since(resource, after) {
      if (after < compacted) return undefined;
      return history.filter((event) => event.revision > after && event.resource === resource);
    },
    subscribe(resource, listener) {
      const known = listeners.get(resource) ?? new Set();
      listeners.set(resource, known);
      known.add(listener);
      return () => known.delete(listener);
    },
    compact() {
      compacted = revision;
      history = [];
    },
  };
}
