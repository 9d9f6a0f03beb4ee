import { toFairwayError } from '../../shared/error/error.ts';
import type { KubeClient, LiveObject, ResourceRef } from '../kube/kube-client.ts';

/** The object as it is now; undefined when there is none. @throws what the API server refuses or cannot answer. */
export async function findLive(
  kube: Pick<KubeClient, 'get'>,
  ref: ResourceRef,
  signal: AbortSignal,
): Promise<LiveObject | undefined> {
  try {
    return await kube.get(ref, signal);
  } catch (caught) {
    const error = toFairwayError(caught);
    if (error.code === 'not_found') return undefined;
    throw error;
  }
}
