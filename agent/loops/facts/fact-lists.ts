/**
 * What the facts of a cluster are worked out from: kinds that are watched, for whoever wants to know of changes, and lists of everything else. What is not watched is listed
 * anew every four minutes at most, and kept as what was worked out of it.
 */
import { orAborted } from '../../../shared/loop/or-aborted.ts';
import type { ApiResource, KubeClient } from '../../kube/kube-client.ts';
import { partOfLabel } from '../../model/inventory.ts';
import { watchedKinds } from '../../observe/fact-shapes.ts';
import {
  createFactWatch,
  type FactKind,
  type FactWatch,
  type FactWatchPorts,
  objectsMaxDefault,
} from '../../observe/fact-watch.ts';
import { tooMany } from './fact-gaps.ts';
import { type Listed, listObjects, nothingListed } from './list-objects.ts';

export interface FactListsPorts extends Omit<FactWatchPorts, 'kube'> {
  /** Pods are others: they come and go, and what is told of them must not hold up what is told of the rest. Default `onChange`. */
  readonly onPods?: () => void;
  readonly kube: Pick<KubeClient, 'discover' | 'get' | 'list' | 'staleGroups' | 'version' | 'watch'>;
}

export interface FactLists {
  /** Watches from now on, until `end`. */
  begin(): void;
  end(): void;
  readonly watching: boolean;
  /** Watches that are open. */
  readonly watches: number;
  /** All that is served, as of four minutes ago at most, and at once where a definition has changed. */
  served(signal: AbortSignal): Promise<readonly ApiResource[]>;
  /** @throws what the API server says. Not served: undefined. */
  find(group: string, kind: string, signal: AbortSignal): Promise<ApiResource | undefined>;
  /** What is kept of a kind's objects; nothing where it is not served. @throws permission_denied where it may not be listed. */
  list(kind: FactKind, signal: AbortSignal): Promise<Listed>;
  /** The watch of a kind; undefined: it is not watched, or not complete. */
  watched(kind: FactKind, signal: AbortSignal): Promise<FactWatch | undefined>;
  /** What was worked out may be other by now: half a minute later it is worked out anew, and that is told. */
  hasten(kind: Pick<FactKind, 'group' | 'kind'>): void;
  /** Works it out again where it was done four minutes ago, or nobody watches; whoever leaves before it is done finds it done, or under way, when it asks again. */
  slowly<T>(name: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** What ends work that others profit from: while it is watched not a question's own end. */
  lifetime(signal: AbortSignal): AbortSignal;
}

const slowlyMs = 240_000;
/** What was begun by a release is over by then, as a rule; and no more often than this. */
const hastenMs = 30_000;
/** After a definition has changed the API server may take a while to serve it. */
const settlesMs = 5_000;

const idOf = ({ group, kind }: Pick<FactKind, 'group' | 'kind'>) => `${group}/${kind}`;
const watchedIds: ReadonlySet<string> = new Set(watchedKinds.map(idOf));
const isSame = (names: readonly string[], set: ReadonlySet<string>) =>
  names.length === set.size && names.every((name) => set.has(name));
const listName = (kind: Pick<FactKind, 'group' | 'kind'>) => `list ${idOf(kind)}`;

interface Worked {
  readonly result: Promise<unknown>;
  /** Undefined: it is being worked out. */
  doneAtMs?: number;
}

export function createFactLists(ports: FactListsPorts): FactLists {
  const { kube, clock } = ports;
  const watches = new Map<string, FactWatch>();
  const worked = new Map<string, Worked>();
  let watching = false;
  let life = new AbortController();
  let servedStaleUntilMs = 0;
  let cancelSettled = () => {};
  let cancelHasten: (() => void) | undefined;
  let namespacesText = '';

  const lifetime: FactLists['lifetime'] = (signal) => (watching ? life.signal : signal);
  const slowly: FactLists['slowly'] = <T>(
    name: string,
    work: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    if (!watching) return work(signal);
    const text = ports.namespaces().join(' ');
    if (text !== namespacesText) worked.clear();
    namespacesText = text;
    // Also what nobody asks for any more, since it is watched now.
    for (const [other, { doneAtMs }] of worked)
      if (doneAtMs !== undefined && clock.monotonic() - doneAtMs >= slowlyMs) worked.delete(other);
    const known = worked.get(name);
    if (known) return orAborted(known.result as Promise<T>, signal);
    const result = work(life.signal);
    const one: Worked = { result };
    worked.set(name, one);
    result.then(
      () => {
        one.doneAtMs = clock.monotonic();
      },
      // What failed is tried again with the next question; whoever asked is told.
      () => {
        if (worked.get(name) === one) worked.delete(name);
      },
    );
    return orAborted(result, signal);
  };

  const refreshed = () => clock.monotonic() < servedStaleUntilMs;
  const served: FactLists['served'] = async (signal) => {
    // An API server that was away may be back.
    if (refreshed() || kube.staleGroups().size > 0) return kube.discover({ refresh: true, signal });
    const refresh = (until: AbortSignal) => kube.discover({ refresh: true, signal: until }).then(() => true);
    await slowly('served', refresh, signal);
    return kube.discover({ signal });
  };
  const find: FactLists['find'] = async (group, kind, signal) =>
    (await kube.discover({ refresh: refreshed(), signal })).find(
      (one) => one.group === group && one.kind === kind,
    );

  const definitionsChanged = () => {
    servedStaleUntilMs = clock.monotonic() + 2 * settlesMs;
    cancelSettled();
    cancelSettled = clock.after(settlesMs, ports.onChange);
    ports.onChange();
  };
  const { onChange, onPods = onChange } = ports;
  const tellers: Readonly<Record<string, () => void>> = {
    CustomResourceDefinition: definitionsChanged,
    Pod: onPods,
  };

  /** Whether it is what would be begun now: of the version that is served, of all namespaces that are managed, and as complete as it may be. */
  const isCurrent = (watch: FactWatch, resource: ApiResource): boolean =>
    watch.resource.version === resource.version &&
    !watch.hasRoom &&
    (!resource.namespaced || isSame(ports.namespaces(), watch.namespaces));

  const ensure = async (kind: FactKind, signal: AbortSignal): Promise<void> => {
    const resource = await find(kind.group, kind.kind, signal);
    // It may have ended meanwhile.
    if (!watching) return;
    const before = watches.get(idOf(kind));
    const can = resource?.verbs.includes('watch') === true;
    if (before && can && isCurrent(before, resource)) return;
    before?.stop();
    watches.delete(idOf(kind));
    if (!can) return;
    watches.set(
      idOf(kind),
      createFactWatch(resource, kind, { ...ports, onChange: tellers[kind.kind] ?? onChange }),
    );
  };

  const watched: FactLists['watched'] = async (kind, signal) => {
    if (!watching || !watchedIds.has(idOf(kind))) return undefined;
    // All at once: each takes a list of its own first.
    for (const one of watchedKinds) if (!watches.has(idOf(one))) await ensure(one, signal);
    await ensure(kind, signal);
    const watch = watches.get(idOf(kind));
    if (!watch) return undefined;
    await orAborted(watch.started, signal);
    return watch.synced ? watch : undefined;
  };

  const list: FactLists['list'] = async (kind, signal) => {
    const watch = await watched(kind, signal);
    if (watch) {
      const gaps = watch.cut ? [tooMany(kind.kind, kind.objectsMax ?? objectsMaxDefault)] : [];
      return { counted: watch.counted(), gaps };
    }
    const listAll = async (until: AbortSignal) => {
      const resource = await find(kind.group, kind.kind, until);
      return resource ? listObjects(kube, resource, kind, ports.namespaces(), until) : nothingListed;
    };
    return slowly(listName(kind), listAll, signal);
  };

  return {
    begin() {
      if (!watching) life = new AbortController();
      watching = true;
    },
    end() {
      watching = false;
      life.abort();
      cancelSettled();
      cancelHasten?.();
      cancelHasten = undefined;
      for (const watch of watches.values()) watch.stop();
      watches.clear();
      worked.clear();
    },
    get watching() {
      return watching;
    },
    get watches() {
      return [...watches.values()].filter(({ synced }) => synced).length;
    },
    ...{ served, find, list, watched, slowly, lifetime },
    hasten(kind) {
      if (!watching || watches.get(idOf(kind))?.synced === true) return;
      cancelHasten ??= clock.after(hastenMs, () => {
        cancelHasten = undefined;
        worked.delete(listName(kind));
        ports.onChange();
      });
    },
  };
}

/** Of objects that the agent has applied. */
export const managedSelector = partOfLabel;
/** Of all others. */
export const unmanagedSelector = `!${partOfLabel}`;
