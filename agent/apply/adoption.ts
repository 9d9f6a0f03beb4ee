/** Whether an object that is there already, and not ours, may be taken over: as the object says, else as its application does. */
import { FairwayError } from '../../shared/error/error.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { SyncOptions } from '../../shared/manifest/target.ts';
import type { KubeClient, LiveObject, ResourceRef } from '../kube/kube-client.ts';
import { partOfLabel } from '../model/inventory.ts';
import { findLive } from './find-live.ts';

/** `always`, `ifNoDiff` or `never`, in place of the application's `sync.adoption`. */
const adoptionAnnotation = 'fairway.dev/adoption';
const modes = ['always', 'ifNoDiff', 'never'] as const;

export type AdoptionMode = SyncOptions['adoption'];

/** @throws invalid_manifest for an annotation that is none of the three. */
export function adoptionModeOf(body: KubeObject, sync: Pick<SyncOptions, 'adoption'>): AdoptionMode {
  const wanted = body.metadata.annotations?.[adoptionAnnotation];
  if (wanted === undefined) return sync.adoption;
  const mode = modes.find((known) => known === wanted);
  if (mode === undefined)
    throw new FairwayError(
      'invalid_manifest',
      `${adoptionAnnotation} is "${wanted.slice(0, 64)}": expected ${modes.join(', ')}`,
    );
  return mode;
}

/** Without our label, managers and versions: what adoption would have to leave as it is. */
function comparable(object: LiveObject): string {
  const { managedFields: _m, resourceVersion: _r, generation: _g, labels, ...metadata } = object.metadata;
  const { [partOfLabel]: _label, ...rest } = labels ?? {};
  return JSON.stringify({ ...object, metadata: { ...metadata, labels: rest } });
}

/** Why the object may not be taken over; undefined: it may. @param after what a dry run of our apply gives. */
export async function adoptionRefusal(
  mode: AdoptionMode,
  live: LiveObject,
  after: () => Promise<LiveObject>,
): Promise<string | undefined> {
  if (mode === 'never') return 'it exists already, and adoption is never';
  if (mode === 'ifNoDiff' && comparable(await after()) !== comparable(live))
    return 'it exists already and differs, and adoption is ifNoDiff';
  return undefined;
}

/** @throws failed_precondition when the object is there already and may not be taken over. */
export async function checkAdoption(
  body: KubeObject,
  ref: ResourceRef,
  ports: {
    readonly kube: Pick<KubeClient, 'get' | 'apply'>;
    readonly sync: Pick<SyncOptions, 'adoption'>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { kube, sync, signal } = ports;
  const mode = adoptionModeOf(body, sync);
  if (mode === 'always') return;
  const live = await findLive(kube, ref, signal);
  const refusal =
    live && (await adoptionRefusal(mode, live, () => kube.apply(ref, body, { dryRun: true, signal })));
  if (refusal !== undefined) throw new FairwayError('failed_precondition', refusal);
}
