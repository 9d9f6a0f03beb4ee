/**
 * What the API server refuses to change in place: a Job's template, a Service's address, an immutable Secret. How that is told from a plain mistake, without a
 * look at its words (which differ by kind: FieldValueInvalid for some, FieldValueForbidden for others): the same object is offered as a new one in a dry
 * run. Validation comes before the look for its name, so `AlreadyExists` means that it is right in itself and only the change is not; and fields that are
 * refused either way are mistakes. It also means that it can be made again once it is deleted, so nothing is deleted for nothing.
 */
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { describeKey, type KubeObject, type ObjectKey } from '../../shared/manifest/object.ts';
import type { SyncOptions } from '../../shared/manifest/target.ts';
import type { KubeClient, LiveObject, ResourceRef } from '../kube/kube-client.ts';
import { statusOf } from '../kube/status-error.ts';
import { describeLeaving } from './describe-leaving.ts';
import { findLive } from './find-live.ts';

export interface RecreatePorts {
  readonly kube: KubeClient;
  readonly sync: SyncOptions;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

const recreateAnnotation = 'fairway.dev/recreate';
/** https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#force-sync */
const argoOptions = 'argocd.argoproj.io/sync-options';
/** Deleting one of these deletes what is in it or what it holds. */
const neverKinds: ReadonlySet<string> = new Set([
  '/Namespace',
  '/PersistentVolumeClaim',
  '/PersistentVolume',
  'apiextensions.k8s.io/CustomResourceDefinition',
]);
/** Their pods are to be gone before the new one makes its own. */
const podOwners: ReadonlySet<string> = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'apps/ReplicaSet',
  'batch/Job',
]);
const goneLimitMs = 300_000;

/** Fields that a refusal of validation names; undefined: it is a refusal of another sort. */
function invalidFields(error: FairwayError): readonly string[] | undefined {
  const status = statusOf(error);
  if (error.details?.['httpStatus'] !== 422 || status?.reason !== 'Invalid') return undefined;
  const fields = (status.details?.causes ?? []).map(({ field }) => field ?? '').filter((name) => name !== '');
  return fields.length === 0 ? undefined : [...new Set(fields)];
}

type ServiceSpec = {
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly healthCheckNodePort?: number;
  readonly ports?: readonly { readonly nodePort?: number }[];
};

/** A Service's own address and ports are taken by itself. */
function isHeldByItself(field: string, body: KubeObject, live: LiveObject): boolean {
  if (body.kind !== 'Service' || body.apiVersion !== 'v1') return false;
  const wanted = (body['spec'] ?? {}) as ServiceSpec;
  const held = (live['spec'] ?? {}) as ServiceSpec;
  const [, index] = /^spec\.ports\[(\d+)\]\.nodePort$/.exec(field) ?? [];
  if (index !== undefined) {
    const port = wanted.ports?.[Number(index)]?.nodePort;
    return (held.ports ?? []).some(({ nodePort }) => nodePort !== undefined && nodePort === port);
  }
  if (field === 'spec.healthCheckNodePort') return wanted.healthCheckNodePort === held.healthCheckNodePort;
  const addresses = [wanted.clusterIP ?? '', ...(wanted.clusterIPs ?? [])].filter((text) => text !== '');
  return (
    /^spec\.clusterIPs?(\[\d+\])?$/.test(field) && addresses.every((one) => held.clusterIPs?.includes(one))
  );
}

/** Whether the object would be taken if it were new. */
async function isRightInItself(
  refused: readonly string[],
  body: KubeObject,
  live: LiveObject,
  ref: ResourceRef,
  { kube, signal }: RecreatePorts,
): Promise<boolean> {
  try {
    await kube.create(ref, body, signal, { dryRun: true });
    return true;
  } catch (caught) {
    signal.throwIfAborted();
    const error = toFairwayError(caught);
    if (error.code === 'already_exists') return true;
    const fields = invalidFields(error);
    return fields?.every((field) => !refused.includes(field) && isHeldByItself(field, body, live)) ?? false;
  }
}

/** Why it must not be deleted, whoever agreed; undefined: it may. */
function guardOf({ group, kind }: ObjectKey, live: LiveObject): string | undefined {
  if (neverKinds.has(`${group}/${kind}`)) return `a ${kind} is never deleted to be made anew`;
  const spec = live['spec'] as
    | { persistentVolumeClaimRetentionPolicy?: { whenDeleted?: string } }
    | undefined;
  if (kind === 'StatefulSet' && spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete')
    return 'its PersistentVolumeClaims would be deleted with it (persistentVolumeClaimRetentionPolicy.whenDeleted is Delete)';
  return undefined;
}

/** Whether object or application have agreed; the object has the last word. */
function isAgreed({ metadata: { annotations } }: KubeObject, sync: SyncOptions): boolean {
  const own = annotations?.[recreateAnnotation];
  if (own !== undefined) return own === 'true';
  const options = (annotations?.[argoOptions] ?? '').split(',').map((option) => option.trim());
  return options.includes('Force=true') || sync.recreate === true;
}

function cannot(error: FairwayError, fields: readonly string[], because: string): FairwayError {
  return new FairwayError(
    'failed_precondition',
    `cannot be changed in place: ${fields.join(', ')}; ${because}. The API server says: ${error.message}`,
    { subject: error.subject, cause: error, details: { ...error.details, fields } },
  );
}

async function deleteIt(
  key: ObjectKey,
  ref: ResourceRef,
  live: LiveObject,
  ports: RecreatePorts,
): Promise<void> {
  const uid = String(live.metadata['uid']);
  const propagation = podOwners.has(`${key.group}/${key.kind}`) ? 'Foreground' : 'Background';
  try {
    await ports.kube.delete(ref, { uid, propagation, signal: ports.signal });
  } catch (caught) {
    const { code } = toFairwayError(caught);
    if (code !== 'not_found' && code !== 'conflict') throw caught;
  }
}

/**
 * After a refusal to change an object: deletes it where that is agreed. Gives undefined once it is gone (make it anew), or what it waits for.
 * @throws the refusal where it is none of immutable fields; failed_precondition, naming the fields, where nobody agreed or a guard forbids it;
 * deadline_exceeded when it is still there after five minutes.
 */
export async function makeWay(
  error: FairwayError,
  key: ObjectKey,
  body: KubeObject,
  ref: ResourceRef,
  ports: RecreatePorts,
): Promise<string | undefined> {
  const fields = invalidFields(error);
  const live = fields && (await findLive(ports.kube, ref, ports.signal));
  if (!live || !(await isRightInItself(fields, body, live, ref, ports))) throw error;
  const guard = guardOf(key, live);
  if (guard !== undefined) throw cannot(error, fields, guard);
  if (!isAgreed(body, ports.sync))
    throw cannot(error, fields, `with ${recreateAnnotation}: "true" it is deleted and made anew`);
  if (live.metadata['deletionTimestamp'] === undefined) await deleteIt(key, ref, live, ports);
  const left = await findLive(ports.kube, ref, ports.signal);
  if (!left || left.metadata['uid'] !== live.metadata['uid']) return undefined;
  const { deletionTimestamp } = left.metadata;
  const sinceMs = deletionTimestamp ? Date.parse(String(deletionTimestamp)) : ports.nowMs;
  const finalizers = (left.metadata['finalizers'] ?? []) as readonly string[];
  const leaving = { key, finalizers, sinceMs };
  if (ports.nowMs - sinceMs > goneLimitMs)
    throw new FairwayError('deadline_exceeded', `is to be made anew, but ${describeLeaving(leaving)}`, {
      subject: describeKey(key),
    });
  return `is made anew: ${describeLeaving(leaving)}`;
}
