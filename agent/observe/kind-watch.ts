/**
 * The watch of one kind: over all namespaces where that is allowed, else one for each namespace in question. The wide one goes on trying, seldom,
 * and takes over once it may.
 */
import type { ApiResource } from '../kube/kube-client.ts';
import type { ObservedObject } from '../model/record.ts';
import { createWatcher, type Watcher, type WatcherPorts } from './watcher.ts';

export interface KindWatch {
  /** Namespaces to be known. Resolves when each has been listed or has failed to be. */
  cover(namespaces: readonly string[]): Promise<void>;
  /** Everything of the kind in these namespaces (undefined: in all that were asked for) is known. */
  synced(namespaces?: readonly string[]): boolean;
  /** Why it is not, in the API server's words. */
  failure(namespaces?: readonly string[]): string | undefined;
  get(keyText: string): ObservedObject | undefined;
  eachObject(visit: (object: ObservedObject) => void): void;
  readonly size: number;
  readonly watches: number;
  /** As it was when the watch began. */
  readonly resource: ApiResource;
  /** The API server does not know it any more. */
  readonly missing: boolean;
  /** Lists anew: verdicts, or what they need, have changed. */
  renew(): void;
  stop(): void;
}

/** A connection each: an agent with so many namespaces and no right to watch them as one is told so. */
const namespacesMax = 100;

export function createKindWatch(resource: ApiResource, ports: WatcherPorts): KindWatch {
  const scoped = new Map<string, Watcher>();
  const asked = new Set<string>();
  let told = false;
  const log = ports.log.with({ resource: resource.resource, group: resource.group });
  const watchers = (): Iterable<Watcher> => (narrow() ? scoped.values() : [wide]);
  const narrow = () => wide.denied && resource.namespaced && scoped.size > 0;

  const split = () => {
    for (const namespace of asked) {
      if (scoped.has(namespace) || scoped.size >= namespacesMax) continue;
      log.info('watching by namespace, since all namespaces are forbidden', { namespace });
      scoped.set(namespace, createWatcher(resource, ports, namespace));
    }
    if (asked.size <= scoped.size || told) return;
    told = true;
    log.warn('too many namespaces to watch each', { asked: asked.size, namespacesMax });
  };
  const onState = () => {
    if (wide.denied && resource.namespaced) split();
    else if (wide.synced) {
      for (const watcher of scoped.values()) watcher.stop();
      scoped.clear();
    }
    ports.onState?.();
  };
  const wide: Watcher = createWatcher(resource, { ...ports, onState });

  const failureIn = (namespace: string): string | undefined => {
    const watcher = scoped.get(namespace);
    if (watcher) return watcher.synced ? undefined : (watcher.failure ?? 'not listed yet');
    return scoped.size >= namespacesMax
      ? `more than ${namespacesMax} namespaces would have to be watched one by one`
      : 'not listed yet';
  };
  const failure = (namespaces: readonly string[] = [...asked]): string | undefined => {
    if (!narrow()) return wide.synced ? undefined : (wide.failure ?? 'not listed yet');
    return namespaces.map(failureIn).find((text) => text !== undefined);
  };

  return {
    async cover(namespaces) {
      if (resource.namespaced) for (const namespace of namespaces) asked.add(namespace);
      await wide.started;
      if (wide.denied && resource.namespaced) split();
      await Promise.all([...scoped.values()].map(({ started }) => started));
    },
    synced: (namespaces) => failure(namespaces) === undefined,
    failure,
    get(text) {
      for (const { objects } of watchers()) {
        const found = objects.get(text);
        if (found) return found;
      }
      return undefined;
    },
    // Not as an iterable: a generator over thousands costs more than what is done with them.
    eachObject(visit) {
      for (const { objects } of watchers()) for (const object of objects.values()) visit(object);
    },
    get size() {
      let total = 0;
      for (const { objects } of watchers()) total += objects.size;
      return total;
    },
    resource,
    get missing() {
      return [...watchers()].some((watcher) => watcher.missing);
    },
    get watches() {
      return narrow() ? scoped.size : 1;
    },
    renew() {
      wide.renew();
      for (const watcher of scoped.values()) watcher.renew();
    },
    stop() {
      wide.stop();
      for (const watcher of scoped.values()) watcher.stop();
    },
  };
}
