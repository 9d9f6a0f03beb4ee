/**
 * One kind, listed and watched in all namespaces for the facts of the cluster. Of each object it keeps what `trim` leaves, of objects that are alike one, and tells only when that has
 * changed: a node's heartbeat, a quota's status or a pod's restart is no news.
 */
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import type { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, LiveObject, WatchEvent } from '../kube/kube-client.ts';
import { followKind } from './follow-kind.ts';
import { type Counted, createObjectTally } from './object-tally.ts';

export interface FactWatch {
  readonly resource: ApiResource;
  /** Namespaces whose objects count as managed. */
  readonly namespaces: ReadonlySet<string>;
  /** Resolves after the first list, or its first failure. */
  readonly started: Promise<void>;
  /** A list has been seen, and it is watched from there. */
  readonly synced: boolean;
  /** There are more than it keeps. */
  readonly cut: boolean;
  /** There were, and there is room for some of them now: it should be begun anew. */
  readonly hasRoom: boolean;
  counted(): readonly Counted[];
  stop(): void;
}

/** What of a kind is watched, or listed. */
export interface FactKind {
  readonly group: string;
  readonly kind: string;
  /** What is kept of an object; undefined: it does not count. @param managed it is in a namespace that holds objects of the agent's applications, or in none. */
  readonly trim: (object: KubeObject, managed: boolean) => KubeObject | undefined;
  /** Objects of other namespaces count as well, and that they change is told, or not. Default: they do not. */
  readonly elsewhere?: 'told' | 'quiet';
  readonly metadataOnly?: boolean;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** Objects in one answer. Default 500; fewer of what is large. */
  readonly pageSize?: number;
  /** Objects kept. Default `objectsMaxDefault`. */
  readonly objectsMax?: number;
}

export interface FactWatchPorts {
  readonly kube: Pick<KubeClient, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Those that hold objects of the agent's applications. */
  readonly namespaces: () => readonly string[];
  /** What is kept is another. Not told of the first list. */
  readonly onChange: () => void;
}

/** Objects kept of one kind, where they are not alike. */
export const objectsMaxDefault = 20_000;
export const pageSizeDefault = 500;
/** Of a watch that has left some out so much has to be free before it is begun anew: that lists all. */
const roomShare = 0.1;

/** As it stands in the list of its kind, with what all of them have in common. */
export function withKind(object: LiveObject, { group, version, kind }: ApiResource): KubeObject {
  return { ...object, apiVersion: group === '' ? version : `${group}/${version}`, kind };
}

/** What is kept of an object, by where it is. */
export function trimBy(
  { trim, elsewhere }: Pick<FactKind, 'trim' | 'elsewhere'>,
  namespaces: ReadonlySet<string>,
): (object: KubeObject) => KubeObject | undefined {
  return (object) => {
    const { namespace } = object.metadata;
    const managed = namespace === undefined || namespaces.has(namespace);
    return managed || elsewhere ? trim(object, managed) : undefined;
  };
}

/** What of the kind is asked for. */
export function selectOf({ metadataOnly = false, fieldSelector, labelSelector }: Omit<FactKind, 'trim'>) {
  return {
    metadataOnly,
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(labelSelector !== undefined && { labelSelector }),
  };
}

export function createFactWatch(resource: ApiResource, kind: FactKind, ports: FactWatchPorts): FactWatch {
  const { clock, random } = ports;
  const log = ports.log.with({ resource: resource.resource, group: resource.group });
  const request = { resource, namespace: '', ...selectOf(kind) };
  const namespaces = new Set(ports.namespaces());
  const trim = trimBy(kind, namespaces);
  const objectsMax = kind.objectsMax ?? objectsMaxDefault;
  const tally = createObjectTally(objectsMax);
  const abort = new AbortController();
  let known = false;
  /** What is kept is another since that was told last: a list may fail half-way. */
  let changed = false;
  let synced = false;
  let announce = () => {};
  const started = new Promise<void>((resolve) => {
    announce = resolve;
  });
  const nameOf = ({ metadata }: LiveObject) => `${metadata.namespace ?? ''}/${metadata.name}`;

  const list = async (): Promise<string> => {
    const seen = new Set<string>();
    let next: string | undefined;
    tally.begin();
    for (;;) {
      const limit = kind.pageSize ?? pageSizeDefault;
      const page = await ports.kube.list(
        { ...request, limit, ...(next && { continue: next }) },
        abort.signal,
      );
      for (const item of page.items) {
        const object = trim(withKind(item, resource));
        if (object) seen.add(nameOf(item));
        changed = tally.put(nameOf(item), object) || changed;
      }
      next = page.continue === '' ? undefined : page.continue;
      // The rest would not be kept.
      if (next !== undefined && seen.size <= objectsMax) continue;
      changed = tally.retain(seen) || changed;
      if (changed && known) ports.onChange();
      changed = false;
      known = true;
      return page.resourceVersion;
    }
  };

  const onEvent = ({ type, object }: WatchEvent) => {
    const after = type === 'DELETED' ? undefined : trim(withKind(object, resource));
    const { namespace } = object.metadata;
    const isTold = namespace === undefined || namespaces.has(namespace) || kind.elsewhere === 'told';
    if (tally.put(nameOf(object), after) && isTold) ports.onChange();
  };
  const onKnown = () => {
    synced = true;
    announce();
  };
  const onFailure = (error: FairwayError, denied: boolean) => {
    synced = synced && !denied;
    announce();
    if (error.code !== 'gone')
      log.debug('facts cannot be watched', { code: error.code, error: error.message });
  };
  const followed = { kube: ports.kube, clock, random, request, list, onKnown, onEvent, onFailure };
  void followKind(followed, abort.signal).finally(announce);

  return {
    ...{ resource, namespaces, started },
    get synced() {
      return synced;
    },
    get cut() {
      return tally.cut;
    },
    get hasRoom() {
      return tally.cut && tally.size < objectsMax * (1 - roomShare);
    },
    counted: tally.counted,
    stop: () => abort.abort(),
  };
}
