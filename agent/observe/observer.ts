/**
 * All watches together: what is known of every object that bears an inventory label. An event is only a suspicion, which facts.ts judges from metadata; the proof is a read of
 * the object, compared with what was applied (projection.ts, foreign.ts). Nothing is polled, but for a slow full check as a net. Health is health-judge.ts; what is told of the
 * cluster itself (`*-facts.ts`, fact-watch.ts) is for comparisons with other clusters.
 */
import { keyText } from '../../shared/manifest/object.ts';
import type { ApiResource } from '../kube/kube-client.ts';
import type { ObservedObject } from '../model/record.ts';
import { createKindWatch, type KindWatch } from './kind-watch.ts';
import type { WatcherPorts } from './watcher.ts';

export interface Observer {
  /**
   * Watches these kinds too; resolves when each has been listed or has failed to be. Where the agent may not watch a kind over all namespaces, it is
   * watched in these, besides those that were named before.
   */
  ensure(resources: readonly ApiResource[], namespaces: readonly string[]): Promise<void>;
  /** Whether everything of that kind in these namespaces is known; without `namespaces`: in all that it was asked for. */
  synced(group: string, kind: string, namespaces?: readonly string[]): boolean;
  /** Why not; undefined: it is, or nobody has asked for the kind. */
  failure(group: string, kind: string, namespaces?: readonly string[]): string | undefined;
  get(group: string, kind: string, keyText: string): ObservedObject | undefined;
  /** Kinds whose watch the API server does not know any more. */
  missing(): readonly ApiResource[];
  /** Ends the watch of a kind that is not served, or not as it was; `ensure` begins another. What it showed is told as gone. */
  drop(group: string, kind: string): void;
  /** Looks again at all objects of a kind, since verdicts on it have changed. */
  renew(group: string, kind: string): void;
  /** All objects that say they belong to that ApplySet. */
  members(partOf: string): readonly ObservedObject[];
  /** Why the API server cannot be reached, and has not been for a while; undefined: it can. */
  readonly unreachable: string | undefined;
  readonly objects: number;
  readonly watches: number;
  stop(): void;
}

export function createObserver(options: Omit<WatcherPorts, 'onReach'>): Observer {
  let unreachable: string | undefined;
  const ports: WatcherPorts = {
    ...options,
    onReach(failure) {
      const changed = (failure === undefined) !== (unreachable === undefined);
      unreachable = failure;
      if (changed) options.onState?.();
    },
  };
  const kinds = new Map<string, KindWatch>();
  const unwatchable = new Set<string>();
  const find = (group: string, kind: string) => kinds.get(`${group}/${kind}`);
  return {
    async ensure(resources, namespaces) {
      const covered = resources.map(async (resource) => {
        const id = `${resource.group}/${resource.kind}`;
        const { verbs } = resource;
        if (!verbs.includes('watch') || !verbs.includes('list')) {
          unwatchable.add(id);
          return;
        }
        const kind = kinds.get(id) ?? createKindWatch(resource, ports);
        kinds.set(id, kind);
        await kind.cover(namespaces);
      });
      await Promise.all(covered);
    },
    synced: (group, kind, namespaces) => find(group, kind)?.synced(namespaces) ?? false,
    failure(group, kind, namespaces) {
      if (unwatchable.has(`${group}/${kind}`)) return 'the API server does not list and watch this kind';
      return find(group, kind)?.failure(namespaces);
    },
    missing: () => [...kinds.values()].filter((kind) => kind.missing).map(({ resource }) => resource),
    drop(group, kind) {
      const watch = find(group, kind);
      if (!watch) return;
      const shown: ObservedObject[] = [];
      watch.eachObject((object) => shown.push(object));
      watch.stop();
      kinds.delete(`${group}/${kind}`);
      for (const before of shown)
        options.onChange({ keyText: keyText(before.key), before, after: undefined });
    },
    renew: (group, kind) => find(group, kind)?.renew(),
    get: (group, kind, text) => find(group, kind)?.get(text),
    members(partOf) {
      const found: ObservedObject[] = [];
      for (const kind of kinds.values())
        kind.eachObject((object) => {
          if (object.partOf === partOf) found.push(object);
        });
      return found;
    },
    get unreachable() {
      return unreachable;
    },
    get objects() {
      let total = 0;
      for (const { size } of kinds.values()) total += size;
      return total;
    },
    get watches() {
      let total = 0;
      for (const { watches } of kinds.values()) total += watches;
      return total;
    },
    stop() {
      for (const kind of kinds.values()) kind.stop();
    },
  };
}
