/** All watches together: what is known of every object that bears an inventory label. */

import type { ApiResource } from '../kube/kube-client.ts';
import type { ObservedObject } from '../model/record.ts';
import { createWatcher, type Watcher, type WatcherPorts } from './watcher.ts';

export interface Observer {
  /** Watches these kinds too; resolves when each has been listed or has failed to be. */
  ensure(resources: readonly ApiResource[]): Promise<void>;
  /** Whether everything of that kind is known. */
  synced(group: string, kind: string): boolean;
  failure(group: string, kind: string): string | undefined;
  get(group: string, kind: string, keyText: string): ObservedObject | undefined;
  /** All objects that say they belong to that ApplySet. */
  members(partOf: string): readonly ObservedObject[];
  readonly objects: number;
  readonly watches: number;
  stop(): void;
}

export function createObserver(ports: WatcherPorts): Observer {
  const watchers = new Map<string, Watcher>();
  const find = (group: string, kind: string) => watchers.get(`${group}/${kind}`);
  return {
    async ensure(resources) {
      const wanted = resources.filter(({ verbs }) => verbs.includes('watch') && verbs.includes('list'));
      for (const resource of wanted) {
        const id = `${resource.group}/${resource.kind}`;
        if (!watchers.has(id)) watchers.set(id, createWatcher(resource, ports));
      }
      await Promise.all(wanted.map(({ group, kind }) => find(group, kind)?.started));
    },
    synced: (group, kind) => find(group, kind)?.synced ?? false,
    failure: (group, kind) => find(group, kind)?.failure,
    get: (group, kind, text) => find(group, kind)?.objects.get(text),
    members(partOf) {
      const found: ObservedObject[] = [];
      for (const { objects } of watchers.values())
        for (const object of objects.values()) if (object.partOf === partOf) found.push(object);
      return found;
    },
    get objects() {
      let total = 0;
      for (const { objects } of watchers.values()) total += objects.size;
      return total;
    },
    get watches() {
      return watchers.size;
    },
    stop() {
      for (const watcher of watchers.values()) watcher.stop();
    },
  };
}
