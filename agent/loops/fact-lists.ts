/**
 * What the facts of a cluster are worked out from: kinds that are watched, for whoever wants to know of changes, and lists of everything else. What is not watched is listed
 * anew every four minutes at most, and kept as what was worked out of it.
 */
import { toFairwayError } from '../../shared/error/error.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, ListRequest } from '../kube/kube-client.ts';
import { partOfLabel } from '../model/inventory.ts';
import { watchedKinds } from '../observe/fact-shapes.ts';
import {
  createFactWatch,
  type FactKind,
  type FactWatch,
  type FactWatchPorts,
  withKind,
} from '../observe/fact-watch.ts';

export interface FactListsPorts extends Omit<FactWatchPorts, 'kube' | 'onChange'> {
  /** Something that is told is another. */
  readonly onChange: () => void;
  readonly kube: Pick<KubeClient, 'discover' | 'get' | 'list' | 'version' | 'watch'>;
  /** Those that hold objects of the agent's applications, sorted. */
  readonly namespaces: () => readonly string[];
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
  /** What is kept of a watched kind's objects, of managed namespaces where it has any; empty where it is not served. */
  list(kind: FactKind, signal: AbortSignal): Promise<readonly KubeObject[]>;
  /** Objects of managed namespaces (velero.io: of all), one after the other, as they are listed. */
  each(kind: Omit<FactKind, 'trim'>, visit: (object: KubeObject) => void, signal: AbortSignal): Promise<void>;
  /** The watch of a kind; undefined: it is not watched, or not complete. */
  watched(kind: FactKind, signal: AbortSignal): Promise<FactWatch | undefined>;
  /** What was worked out may be other by now: half a minute later it is worked out anew, and that is told. */
  hasten(name: string): void;
  /** Works it out again where it is older than four minutes, or nobody watches. */
  slowly<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Velero's objects lie in a namespace of its own. */
const everywhere: ReadonlySet<string> = new Set(['velero.io']);
const pageSizeDefault = 500;
const objectsMax = 20_000;
/** More are listed as one, where only metadata is wanted. */
const namespacesEachMax = 4;
const slowlyMs = 240_000;
/** What was begun by a release is over by then, as a rule; and no more often than this. */
const hastenMs = 30_000;
/** After a definition has changed the API server may take a while to serve it. */
const settlesMs = 5_000;

const idOf = ({ group, kind }: Pick<FactKind, 'group' | 'kind'>) => `${group}/${kind}`;

export function createFactLists(ports: FactListsPorts): FactLists {
  const { kube, clock } = ports;
  const watches = new Map<string, FactWatch>();
  const worked = new Map<string, { readonly atMs: number; readonly result: Promise<unknown> }>();
  let watching = false;
  let servedStaleUntilMs = 0;
  let cancelSettled = () => {};
  let cancelHasten: (() => void) | undefined;
  let namespacesText = '';

  const slowly: FactLists['slowly'] = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (!watching) return work();
    const text = ports.namespaces().join(' ');
    if (text !== namespacesText) worked.clear();
    namespacesText = text;
    const known = worked.get(name);
    if (known && clock.monotonic() - known.atMs < slowlyMs) return known.result as Promise<T>;
    const result = work();
    worked.set(name, { atMs: clock.monotonic(), result });
    // What failed is tried again with the next question; whoever asked is told.
    result.catch(() => {
      if (worked.get(name)?.result === result) worked.delete(name);
    });
    return result;
  };

  const refreshed = () => clock.monotonic() < servedStaleUntilMs;
  const served: FactLists['served'] = async (signal) => {
    if (refreshed()) return kube.discover({ refresh: true, signal });
    await slowly('served', () => kube.discover({ refresh: true, signal }).then(() => true));
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

  /** What other namespaces hold is nobody's business. */
  const objectChanged = (namespace: string | undefined) => {
    if (namespace === undefined || ports.namespaces().includes(namespace)) ports.onChange();
  };

  const ensure = async (signal: AbortSignal): Promise<void> => {
    for (const kind of watchedKinds) {
      if (watches.has(idOf(kind))) continue;
      const resource = await find(kind.group, kind.kind, signal);
      // It may have ended meanwhile, or another question may have begun it.
      if (!watching || watches.has(idOf(kind)) || !resource?.verbs.includes('watch')) continue;
      const onChange = kind.kind === 'CustomResourceDefinition' ? definitionsChanged : objectChanged;
      watches.set(idOf(kind), createFactWatch(resource, kind, { ...ports, onChange }));
    }
  };

  const pages = async (
    request: ListRequest,
    visit: (object: KubeObject) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    let next: string | undefined;
    let count = 0;
    do {
      const page = await kube.list({ ...request, ...(next !== undefined && { continue: next }) }, signal);
      for (const item of page.items) visit(withKind(item, request.resource));
      count += page.items.length;
      next = page.continue === '' ? undefined : page.continue;
    } while (next !== undefined && count < objectsMax);
  };

  const each: FactLists['each'] = async (kind, visit, signal) => {
    const resource = await find(kind.group, kind.kind, signal);
    // Not served: nothing of it can be there.
    if (!resource) return;
    const { metadataOnly = false, fieldSelector, labelSelector, pageSize = pageSizeDefault } = kind;
    const request = {
      ...{ resource, metadataOnly, limit: pageSize },
      ...(fieldSelector !== undefined && { fieldSelector }),
      ...(labelSelector !== undefined && { labelSelector }),
    };
    const namespaces = ports.namespaces();
    if (!resource.namespaced || everywhere.has(kind.group))
      return pages({ ...request, namespace: '' }, visit, signal);
    if (metadataOnly && namespaces.length > namespacesEachMax) {
      const wanted = new Set(namespaces);
      const ofWanted = (object: KubeObject) => {
        if (wanted.has(object.metadata.namespace ?? '')) visit(object);
      };
      try {
        return await pages({ ...request, namespace: '' }, ofWanted, signal);
      } catch (caught) {
        if (toFairwayError(caught).code !== 'permission_denied') throw caught;
      }
    }
    for (const namespace of namespaces) await pages({ ...request, namespace }, visit, signal);
  };

  const watched: FactLists['watched'] = async (kind, signal) => {
    if (!watching) return undefined;
    await ensure(signal);
    const watch = watches.get(idOf(kind));
    if (!watch) return undefined;
    await Promise.race([watch.started, aborted(signal)]);
    signal.throwIfAborted();
    return watch.synced ? watch : undefined;
  };

  return {
    begin() {
      watching = true;
    },
    end() {
      watching = false;
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
    served,
    find,
    each,
    watched,
    async list(kind, signal) {
      const watch = await watched(kind, signal);
      if (!watch) {
        const found: KubeObject[] = [];
        const keep = (object: KubeObject) => {
          const trimmed = kind.trim(object);
          if (trimmed) found.push(trimmed);
        };
        await each(kind, keep, signal);
        return found;
      }
      const namespaces = new Set(ports.namespaces());
      return watch
        .objects()
        .filter(({ metadata: { namespace } }) => namespace === undefined || namespaces.has(namespace));
    },
    slowly,
    hasten(name) {
      if (!watching) return;
      cancelHasten ??= clock.after(hastenMs, () => {
        cancelHasten = undefined;
        worked.delete(name);
        ports.onChange();
      });
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Of objects that the agent has applied. */
export const managedSelector = partOfLabel;
/** Of all others. */
export const unmanagedSelector = `!${partOfLabel}`;
