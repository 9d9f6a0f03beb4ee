/**
 * The autoscalers of the cluster, whoever made them: one list and watch for each kind of them that is served, over all namespaces. Their status changes every few seconds, so
 * the watch is of metadata; one whose other writers have changed is read. Kept is what each scales, never the object.
 */
import { type Clock, sleep } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { type FairwayError, toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import { keyOf, keyText } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, LiveObject, WatchEvent } from '../kube/kube-client.ts';
import type { ObjectFacts } from '../model/record.ts';
import { factsOf } from './facts.ts';
import { followKind } from './follow-kind.ts';
import { findScaleTargets, type ScaleTarget } from './scale-targets.ts';

export interface ScalerWatch {
  /** Resolves after the first list, or its first failure. */
  readonly started: Promise<void>;
  /** Why autoscalers are not known yet, in the API server's words; undefined: they are, or may not be listed, which is all that can be known. */
  readonly failure: string | undefined;
  /** They have been listed, and are watched from there. */
  readonly synced: boolean;
  targets(): Iterable<ScaleTarget>;
  /** Reads those of one namespace now. */
  look(namespace: string, signal: AbortSignal): Promise<void>;
  stop(): void;
}

export interface ScalerWatchPorts {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What is scaled has changed. */
  readonly onChange: (targets: readonly ScaleTarget[]) => void;
}

interface Scaler {
  readonly facts: ObjectFacts;
  readonly targets: readonly ScaleTarget[];
}

const pageSize = 500;
/** An autoscaler that is replaced is away for a moment, in which nobody's replicas should fall. */
const lingerMs = 30_000;

/** Status updates apart, nothing has been written. HorizontalPodAutoscalers have no generation, so it says nothing here. */
function isSame(a: ObjectFacts, b: ObjectFacts): boolean {
  return a.uid === b.uid && a.own === b.own && a.foreign === b.foreign && a.generation === b.generation;
}

export function createScalerWatch(resource: ApiResource, ports: ScalerWatchPorts): ScalerWatch {
  const { kube, clock, random } = ports;
  const log = ports.log.with({ resource: resource.resource, group: resource.group });
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  const scalers = new Map<string, Scaler>();
  const lingering = new Map<string, () => void>();
  /** Those that are being read. True: anew after that. */
  const reading = new Map<string, boolean>();
  const abort = new AbortController();
  let failure: string | undefined;
  let known = false;
  let announce = () => {};
  const started = new Promise<void>((resolve) => {
    announce = resolve;
  });
  const textOf = (object: LiveObject) => keyText(keyOf({ ...object, apiVersion, kind: resource.kind }));

  const put = (object: LiveObject) => {
    const text = textOf(object);
    lingering.get(text)?.();
    lingering.delete(text);
    const before = scalers.get(text)?.targets ?? [];
    const targets = findScaleTargets({ ...object, apiVersion, kind: resource.kind });
    scalers.set(text, { facts: factsOf(object), targets });
    if (JSON.stringify(before) !== JSON.stringify(targets)) ports.onChange([...before, ...targets]);
  };
  const drop = (text: string) => {
    if (!scalers.has(text) || lingering.has(text)) return;
    const cancel = clock.after(lingerMs, () => {
      lingering.delete(text);
      const { targets = [] } = scalers.get(text) ?? {};
      scalers.delete(text);
      ports.onChange(targets);
    });
    lingering.set(text, cancel);
  };

  const list = async (namespace: string, signal: AbortSignal): Promise<string> => {
    const seen = new Set<string>();
    let next: string | undefined;
    for (;;) {
      const page = await kube.list(
        { resource, namespace, limit: pageSize, ...(next && { continue: next }) },
        signal,
      );
      for (const item of page.items) {
        seen.add(textOf(item));
        put(item);
      }
      next = page.continue;
      if (next !== undefined) continue;
      if (namespace === '') for (const text of [...scalers.keys()]) if (!seen.has(text)) drop(text);
      return page.resourceVersion;
    }
  };

  /** Until it was read as it is: the watch says nothing more of it, and lists seldom. Once at a time, and again where it has changed meanwhile. */
  const read = async (object: LiveObject) => {
    const text = textOf(object);
    const { namespace = '', name } = object.metadata;
    const isRead = reading.has(text);
    reading.set(text, true);
    if (isRead) return;
    let failures = 0;
    while (reading.get(text) && !abort.signal.aborted) {
      reading.set(text, false);
      try {
        put(await kube.get({ resource, namespace, name }, abort.signal));
      } catch (caught) {
        const error = toFairwayError(caught);
        // Gone again: the watch tells of it.
        if (error.code === 'not_found' || abort.signal.aborted) continue;
        log.warn('an autoscaler cannot be read', { name, code: error.code, error: error.message });
        if (!error.retry) continue;
        reading.set(text, true);
        const waitMs = planBackoffMs(failures, random);
        await sleep(clock, Math.max(waitMs, error.retryAfterMs ?? 0), abort.signal);
        failures += 1;
      }
    }
    reading.delete(text);
  };

  const onEvent = ({ type, object }: WatchEvent) => {
    const text = textOf(object);
    const before = scalers.get(text);
    if (type === 'DELETED') drop(text);
    else if (!before || lingering.has(text) || !isSame(before.facts, factsOf(object))) void read(object);
  };
  const onKnown = () => {
    failure = undefined;
    known = true;
    announce();
  };
  const onFailure = (error: FairwayError, denied: boolean) => {
    if (!known && !denied) failure = error.message;
    announce();
    if (error.code !== 'gone')
      log.warn('autoscalers cannot be watched', { code: error.code, error: error.message });
  };
  const followed = {
    ...{ kube, clock, random, onKnown, onEvent, onFailure },
    request: { resource, namespace: '', metadataOnly: true },
    list: () => list('', abort.signal),
  };
  void followKind(followed, abort.signal).finally(announce);

  return {
    started,
    get failure() {
      return failure;
    },
    get synced() {
      return known;
    },
    *targets() {
      for (const scaler of scalers.values()) yield* scaler.targets;
    },
    async look(namespace, signal) {
      await list(namespace, signal);
    },
    stop() {
      abort.abort();
      for (const cancel of lingering.values()) cancel();
    },
  };
}
