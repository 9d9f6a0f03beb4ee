/**
 * One kind, listed and watched in all namespaces for the facts of the cluster. Of each object it keeps what `trim` leaves, and tells only when that has changed: a node's
 * heartbeat or a quota's status is no news.
 */
import { hash } from 'node:crypto';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import type { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, LiveObject, WatchEvent } from '../kube/kube-client.ts';
import { followKind } from './follow-kind.ts';

export interface FactWatch {
  /** Resolves after the first list, or its first failure. */
  readonly started: Promise<void>;
  /** A complete list has been seen, and it is watched from there. */
  readonly synced: boolean;
  objects(): readonly KubeObject[];
  stop(): void;
}

/** What of a kind is watched. */
export interface FactKind {
  readonly group: string;
  readonly kind: string;
  /** What is kept of an object; undefined: it does not count. */
  readonly trim: (object: KubeObject) => KubeObject | undefined;
  readonly metadataOnly?: boolean;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** Objects in one answer. Default 500; fewer of what is large. */
  readonly pageSize?: number;
}

export interface FactWatchPorts {
  readonly kube: Pick<KubeClient, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What is kept is another, of an object of that namespace; undefined: of the whole cluster, or of more than one. Not told of the first list. */
  readonly onChange: (namespace: string | undefined) => void;
}

/** Objects kept of one kind; a cluster with more is not watched, but asked. */
export const watchedMax = 20_000;
const pageSizeDefault = 500;

/** As it stands in the list of its kind, with what all of them have in common. */
export function withKind(object: LiveObject, { group, version, kind }: ApiResource): KubeObject {
  return { ...object, apiVersion: group === '' ? version : `${group}/${version}`, kind };
}

/** From bytes, not cut from the text of all: V8 would keep that whole. */
function shortDigest(object: KubeObject): string {
  return hash('sha256', JSON.stringify(object), 'buffer').toString('base64url', 0, 12);
}

export function createFactWatch(resource: ApiResource, kind: FactKind, ports: FactWatchPorts): FactWatch {
  const { clock, random } = ports;
  const log = ports.log.with({ resource: resource.resource, group: resource.group });
  const { metadataOnly = false, fieldSelector, labelSelector } = kind;
  const request = {
    ...{ resource, namespace: '', metadataOnly },
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(labelSelector !== undefined && { labelSelector }),
  };
  const kept = new Map<string, { readonly object: KubeObject; readonly digest: string }>();
  const abort = new AbortController();
  let known = false;
  let synced = false;
  let announce = () => {};
  const started = new Promise<void>((resolve) => {
    announce = resolve;
  });

  const put = (name: string, object: KubeObject | undefined): boolean => {
    const before = kept.get(name)?.digest;
    const digest = object && shortDigest(object);
    if (before === digest) return false;
    if (object && digest !== undefined && (before !== undefined || kept.size < watchedMax))
      kept.set(name, { object, digest });
    else kept.delete(name);
    return true;
  };
  const nameOf = ({ metadata }: LiveObject) => `${metadata.namespace ?? ''}/${metadata.name}`;

  const list = async (): Promise<string> => {
    const seen = new Set<string>();
    let changed = false;
    let next: string | undefined;
    for (;;) {
      const limit = kind.pageSize ?? pageSizeDefault;
      const page = await ports.kube.list(
        { ...request, limit, ...(next && { continue: next }) },
        abort.signal,
      );
      for (const item of page.items) {
        seen.add(nameOf(item));
        changed = put(nameOf(item), kind.trim(withKind(item, resource))) || changed;
      }
      next = page.continue === '' ? undefined : page.continue;
      if (next !== undefined) continue;
      for (const name of [...kept.keys()]) if (!seen.has(name)) changed = put(name, undefined) || changed;
      if (changed && known) ports.onChange(undefined);
      known = true;
      return page.resourceVersion;
    }
  };

  const onEvent = ({ type, object }: WatchEvent) => {
    const after = type === 'DELETED' ? undefined : kind.trim(withKind(object, resource));
    if (put(nameOf(object), after)) ports.onChange(object.metadata.namespace);
  };
  const onKnown = () => {
    synced = kept.size < watchedMax;
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
    started,
    get synced() {
      return synced;
    },
    objects: () => [...kept.values()].map(({ object }) => object),
    stop: () => abort.abort(),
  };
}
