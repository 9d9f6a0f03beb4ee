import { toFairwayError } from '../../shared/error/error.ts';
import type { ApiResource, KubeClient } from '../kube/kube-client.ts';
import { partOfLabel, pruneAnnotation } from '../model/inventory.ts';
import type { ObservedObject } from '../model/record.ts';
import { findLive } from './find-live.ts';
import { pruneGuard } from './plan-prune.ts';

export interface PrunePorts {
  readonly kube: KubeClient;
  readonly signal: AbortSignal;
  readonly applySetId: string;
  readonly resolve: (apiVersion: string, kind: string) => ApiResource | undefined;
}

export interface PruneOutcome {
  readonly object: ObservedObject;
  /** deleted: the API server has accepted it. gone: it was not there any more, or being deleted already. released: it is not ours any more. retained: a guard that the watch had not shown yet. */
  readonly result: 'deleted' | 'gone' | 'released' | 'retained' | 'failed';
  readonly message: string;
}

const attemptsMax = 3;

async function pruneOnce(
  object: ObservedObject,
  resource: ApiResource,
  ports: PrunePorts,
): Promise<PruneOutcome> {
  const { kube, signal } = ports;
  const ref = { resource, namespace: object.key.namespace, name: object.key.name };
  const live = await findLive(kube, ref, signal);
  // The watch may not have told yet of a deletion that was asked for a step ago.
  if (!live || live.metadata['deletionTimestamp'] !== undefined)
    return { object, result: 'gone', message: '' };
  if (live.metadata.labels?.[partOfLabel] !== ports.applySetId)
    return { object, result: 'released', message: 'its inventory label names another owner' };
  const guard = pruneGuard(object.key, live.metadata.annotations?.[pruneAnnotation]);
  if (guard !== undefined) return { object, result: 'retained', message: guard };
  await kube.delete(ref, {
    uid: String(live.metadata['uid']),
    resourceVersion: String(live.metadata['resourceVersion']),
    signal,
  });
  return { object, result: 'deleted', message: '' };
}

/**
 * Reads, checks label and guards on what is there now, then deletes exactly that (uid and resourceVersion). A status update that comes
 * between is no reason to fail: it reads again, three times at most.
 */
export async function pruneObject(object: ObservedObject, ports: PrunePorts): Promise<PruneOutcome> {
  const resource = ports.resolve(object.apiVersion, object.key.kind);
  if (!resource) return { object, result: 'failed', message: 'its kind is not served' };
  for (let tried = 1; ; tried += 1)
    try {
      return await pruneOnce(object, resource, ports);
    } catch (caught) {
      ports.signal.throwIfAborted();
      const error = toFairwayError(caught);
      if (error.code === 'not_found') return { object, result: 'deleted', message: '' };
      if (error.code === 'conflict' && tried < attemptsMax) continue;
      return { object, result: 'failed', message: error.message };
    }
}

/** Takes the inventory label off and leaves the object. True when it is off. */
export async function releaseObject(object: ObservedObject, ports: PrunePorts): Promise<PruneOutcome> {
  const { kube, signal } = ports;
  const resource = ports.resolve(object.apiVersion, object.key.kind);
  if (!resource) return { object, result: 'failed', message: 'its kind is not served' };
  const ref = { resource, namespace: object.key.namespace, name: object.key.name };
  try {
    const live = await kube.get(ref, signal);
    if (live.metadata.labels?.[partOfLabel] === ports.applySetId) {
      const resourceVersion = String(live.metadata['resourceVersion']);
      await kube.patch(
        ref,
        { metadata: { resourceVersion, labels: { [partOfLabel]: null } } },
        'merge',
        signal,
      );
    }
    return { object, result: 'released', message: '' };
  } catch (caught) {
    signal.throwIfAborted();
    const error = toFairwayError(caught);
    if (error.code === 'not_found') return { object, result: 'released', message: '' };
    return { object, result: 'failed', message: error.message };
  }
}
