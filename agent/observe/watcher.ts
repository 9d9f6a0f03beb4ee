/** One list and watch for each kind, of what bears an inventory label; it keeps facts and health of each object, never the object. */
import { type Clock, sleep } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import { keyText } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, LiveObject } from '../kube/kube-client.ts';
import { hookRunAnnotation, partOfLabel, pruneAnnotation, waveAnnotations } from '../model/inventory.ts';
import type { ObservedObject } from '../model/record.ts';
import type { TextPool } from '../model/text-pool.ts';
import type { FactsReader } from './facts.ts';
import { isOwn, managedFieldsOf } from './fields-v1.ts';
import type { HealthJudge } from './health-judge.ts';

export interface ObservedChange {
  readonly keyText: string;
  readonly before: ObservedObject | undefined;
  /** Undefined: left the watch, which is to be confirmed by reading. */
  readonly after: ObservedObject | undefined;
}

export interface Watcher {
  readonly resource: ApiResource;
  /** Resolves after the first list, or its first failure. */
  readonly started: Promise<void>;
  /** A complete list has been seen and the watch goes on from it. */
  readonly synced: boolean;
  readonly failure: string | undefined;
  /** The last attempt was refused for lack of rights. */
  readonly denied: boolean;
  /** The API server does not know the kind: its definition is gone, or serves another version. */
  readonly missing: boolean;
  readonly objects: ReadonlyMap<string, ObservedObject>;
  /** Lists anew and watches on from there: verdicts, or how much of an object they need, have changed. */
  renew(): void;
  stop(): void;
}

export interface WatcherPorts {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** `application` is that of the object's inventory label. */
  readonly health: Pick<HealthJudge, 'judge' | 'needsFullObject'>;
  /** The application behind an inventory label; undefined: none of this agent. */
  readonly applicationOf: (partOf: string) => string | undefined;
  /** For what many objects have in common. */
  readonly pool: TextPool;
  readonly factsOf: FactsReader;
  readonly onChange: (change: ObservedChange) => void;
  /** `synced` or `denied` has changed. */
  readonly onState?: (() => void) | undefined;
  /** Undefined: the API server has answered. Else why it could not be reached, several times now. */
  readonly onReach?: ((failure: string | undefined) => void) | undefined;
}

const pageSize = 500;
/** A restart that is over at once is nothing to tell of. */
const unreachableFailures = 3;
const keepsPlace: ReadonlySet<string> = new Set(['unavailable', 'deadline_exceeded', 'resource_exhausted']);
const backoff = { baseMs: 200, maxMs: 30_000 };
/** A watch goes on for minutes; one that is over sooner was cut. */
const briefWatchMs = 5_000;
/** Rights change seldom, and by hand. */
const deniedBackoff = { baseMs: 1_000, maxMs: 600_000 };

const noFinalizers: readonly string[] = [];

function waveOf({ metadata: { annotations } }: LiveObject): number {
  for (const name of waveAnnotations) {
    const wave = Number(annotations?.[name]);
    if (annotations?.[name] !== undefined && Number.isSafeInteger(wave)) return wave;
  }
  return 0;
}

/** What is kept of an object as a list or watch gives it. */
export function observe(
  object: LiveObject,
  resource: ApiResource,
  {
    health,
    applicationOf,
    pool,
    factsOf,
  }: Pick<WatcherPorts, 'health' | 'applicationOf' | 'pool' | 'factsOf'>,
): ObservedObject {
  const { group, version, kind } = resource;
  const { metadata } = object;
  const owners = metadata['ownerReferences'];
  const apiVersion = group === '' ? version : pool(`${group}/${version}`);
  const partOf = pool(metadata.labels?.[partOfLabel] ?? '');
  // A list of typed objects names no kinds, metadata alone another.
  const typed =
    object.apiVersion === apiVersion && object.kind === kind ? object : { ...object, apiVersion, kind };
  const { status, reason, message } = health.judge(typed, applicationOf(partOf));
  return {
    key: { group, kind, namespace: pool(metadata.namespace ?? ''), name: metadata.name },
    apiVersion,
    facts: factsOf(object),
    partOf,
    health: { status, reason: pool(reason), message: pool(message) },
    pruneAnnotation: metadata.annotations?.[pruneAnnotation],
    hookRun: metadata.annotations?.[hookRunAnnotation],
    wave: waveOf(object),
    finalizers: Array.isArray(metadata['finalizers']) ? metadata['finalizers'].map(String) : noFinalizers,
    deletedAtMs: metadata['deletionTimestamp']
      ? Date.parse(String(metadata['deletionTimestamp']))
      : undefined,
    controlled:
      Array.isArray(owners) &&
      owners.some((owner) => (owner as { controller?: boolean }).controller === true),
    applied: managedFieldsOf(object).some(isOwn),
  };
}

function sameObserved(a: ObservedObject | undefined, b: ObservedObject): boolean {
  return (
    a?.facts.resourceVersion === b.facts.resourceVersion &&
    a.facts.uid === b.facts.uid &&
    a.health.status === b.health.status &&
    a.health.message === b.health.message
  );
}

/** @param namespace empty: all namespaces. */
export function createWatcher(resource: ApiResource, ports: WatcherPorts, namespace = ''): Watcher {
  const { kube, clock, random, onChange } = ports;
  const log = ports.log.with({ resource: resource.resource, group: resource.group, namespace });
  const base = { resource, namespace, labelSelector: partOfLabel };
  let metadataOnly = false;
  const objects = new Map<string, ObservedObject>();
  const abort = new AbortController();
  let renewal = new AbortController();
  let synced = false;
  let denied = false;
  let missing = false;
  let failure: string | undefined;
  let announce = () => {};
  const become = (nowSynced: boolean, nowDenied: boolean) => {
    const changed = synced !== nowSynced || denied !== nowDenied;
    synced = nowSynced;
    denied = nowDenied;
    if (changed) ports.onState?.();
  };
  const started = new Promise<void>((resolve) => {
    announce = resolve;
  });

  const put = (after: ObservedObject) => {
    const text = keyText(after.key);
    const before = objects.get(text);
    if (sameObserved(before, after)) return;
    objects.set(text, after);
    onChange({ keyText: text, before, after });
  };
  const drop = (text: string) => {
    const before = objects.get(text);
    if (!before) return;
    objects.delete(text);
    onChange({ keyText: text, before, after: undefined });
  };

  const relist = async (): Promise<string> => {
    metadataOnly = !ports.health.needsFullObject(resource.group, resource.kind);
    const seen = new Set<string>();
    let next: string | undefined;
    for (;;) {
      const page = await kube.list(
        { ...base, metadataOnly, limit: pageSize, ...(next !== undefined && { continue: next }) },
        abort.signal,
      );
      for (const item of page.items) {
        const found = observe(item, resource, ports);
        seen.add(keyText(found.key));
        put(found);
      }
      next = page.continue;
      if (next !== undefined) continue;
      for (const text of [...objects.keys()]) if (!seen.has(text)) drop(text);
      return page.resourceVersion;
    }
  };

  const follow = async (from: string): Promise<string> => {
    let resourceVersion = from;
    const onEvent = (event: { readonly type: string; readonly object: LiveObject }) => {
      const version = event.object.metadata['resourceVersion'];
      if (typeof version === 'string' && version !== '') resourceVersion = version;
      if (event.type === 'BOOKMARK') return;
      const found = observe(event.object, resource, ports);
      if (event.type === 'DELETED') drop(keyText(found.key));
      else put(found);
    };
    try {
      await kube.watch(
        { ...base, metadataOnly, resourceVersion, onOpen: () => ports.onReach?.(undefined) },
        onEvent,
        AbortSignal.any([abort.signal, renewal.signal]),
      );
    } catch (caught) {
      if (renewal.signal.aborted) return resourceVersion;
      const error = toFairwayError(caught);
      // A connection that broke is no reason to list anew: the watch goes on where it was.
      if (error.code !== 'unavailable' && error.code !== 'deadline_exceeded') throw error;
      if (resourceVersion === from) throw error;
      log.debug('watch broke', { code: error.code, error: error.message });
    }
    return resourceVersion;
  };

  const run = async () => {
    let resourceVersion = '';
    let failures = 0;
    let briefs = 0;
    while (!abort.signal.aborted) {
      try {
        if (renewal.signal.aborted) {
          renewal = new AbortController();
          resourceVersion = '';
        }
        const relisted = resourceVersion === '';
        if (relisted) resourceVersion = await relist();
        failure = undefined;
        missing = false;
        if (relisted) ports.onReach?.(undefined);
        become(true, false);
        announce();
        const openedAtMs = clock.monotonic();
        resourceVersion = await follow(resourceVersion);
        failures = 0;
        if (renewal.signal.aborted) continue;
        const brief = clock.monotonic() - openedAtMs < briefWatchMs;
        briefs = brief ? briefs + 1 : 0;
        // Once is a server that starts anew; again and again, something in between that ends each watch at once.
        if (briefs > 1) await sleep(clock, planBackoffMs(briefs - 2, random, backoff), abort.signal);
      } catch (caught) {
        if (abort.signal.aborted) break;
        const error = toFairwayError(caught);
        // An API server that is in trouble is not asked for everything again on top.
        if (!keepsPlace.has(error.code)) resourceVersion = '';
        if (error.code !== 'gone') {
          failure = error.message;
          missing = error.code === 'not_found';
          become(synced && resourceVersion !== '', error.code === 'permission_denied');
          log.warn('watch failed', { code: error.code, error: error.message, failures });
        }
        announce();
        if (failures >= unreachableFailures && error.details?.['unreachable'] === true)
          ports.onReach?.(error.message);
        const waitMs = planBackoffMs(failures, random, denied ? deniedBackoff : backoff);
        failures += 1;
        await sleep(clock, Math.max(waitMs, error.retryAfterMs ?? 0), abort.signal);
      }
    }
    announce();
  };
  void run();

  return {
    resource,
    started,
    get synced() {
      return synced;
    },
    get failure() {
      return failure;
    },
    get denied() {
      return denied;
    },
    get missing() {
      return missing;
    },
    objects,
    renew: () => renewal.abort(),
    stop: () => abort.abort(),
  };
}
