/**
 * Jobs that the hub runs to learn whether a release is good. The hub asks until one has ended, and remembers that it was begun; its name is the run's, so the
 * API server itself sees to it that a question which comes twice begins one. Nothing is kept here: an agent that is killed answers the next question.
 */
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { JsonObject, ObjectKey } from '../../../shared/manifest/object.ts';
import { findLive } from '../../apply/find-live.ts';
import { readHookLogs, readLastWords } from '../../apply/hook-logs.ts';
import type { ApiResource, KubeClient, LiveObject, ResourceRef } from '../../kube/kube-client.ts';
import type { DesiredState } from '../../model/desired.ts';
import { deleteRun } from '../hooks/hook-step.ts';
import { writerOf } from '../release/writer.ts';

export interface RunQuestion {
  readonly application: string;
  /** JSON of a batch/v1 Job. */
  readonly job: string;
  /** Not begun yet, as far as the hub knows. */
  readonly begin: boolean;
  readonly remove: boolean;
}

export interface RunStatus {
  /** Gone: it is not there, and was not to be begun. */
  readonly state: 'running' | 'succeeded' | 'failed' | 'gone';
  readonly message: string;
  readonly logTail: string;
}

export interface RunPorts {
  readonly kube: KubeClient;
  readonly desired: Pick<DesiredState, 'applications'>;
  /** The agent's own. */
  readonly namespace: string;
}

/** Names the analysis that a Job is a run of. */
const analysisAnnotation = 'fairway.dev/analysis';

const jobs: ApiResource = {
  ...{ group: 'batch', version: 'v1', kind: 'Job', resource: 'jobs', namespaced: true },
  verbs: ['get', 'create', 'delete'],
};

interface JobBody {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown; readonly annotations?: Readonly<Record<string, string>> };
}

/** @throws invalid_argument for anything but a named Job that says whose run it is. */
function readJob(text: string): { readonly body: JsonObject; readonly name: string; readonly run: string } {
  const refuse = (cause?: unknown) =>
    new FairwayError('invalid_argument', 'the question holds no batch/v1 Job with a name and a run', {
      cause,
    });
  let body: JobBody | null;
  try {
    body = JSON.parse(text) as JobBody | null;
  } catch (caught) {
    throw refuse(caught);
  }
  const name = body?.metadata?.name;
  const run = body?.metadata?.annotations?.[analysisAnnotation];
  if (body?.apiVersion !== 'batch/v1' || body.kind !== 'Job' || typeof name !== 'string' || !run)
    throw refuse();
  return { body: body as JsonObject, name, run };
}

interface JobStatus {
  readonly conditions?: readonly {
    readonly type?: string;
    readonly status?: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
  readonly active?: number;
}

/** https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup: one of the two conditions is there at the end, never both. */
function judgeJob(live: LiveObject): Omit<RunStatus, 'logTail'> {
  const { conditions = [], active = 0 } = (live['status'] ?? {}) as JobStatus;
  const holds = (type: string) => conditions.find((one) => one.type === type && one.status === 'True');
  if (holds('Complete')) return { state: 'succeeded', message: '' };
  const failed = holds('Failed');
  if (failed) {
    const message = [failed.reason, failed.message].filter((text) => text).join(': ');
    return { state: 'failed', message };
  }
  // Whoever deletes it ends it: nothing more will come of it.
  if (live.metadata['deletionTimestamp'] !== undefined)
    return { state: 'failed', message: 'it was deleted before it had ended' };
  return { state: 'running', message: `${active} active` };
}

/**
 * Begins it where it is to be begun, and says how it stands.
 * @throws permission_denied in the agent's own namespace; not_found where the application is not in this cluster; already_exists where another object has the name; whatever the API server refuses.
 */
export async function runJob(
  { application, job, begin, remove }: RunQuestion,
  { kube, desired, namespace }: RunPorts,
  signal: AbortSignal,
): Promise<RunStatus> {
  const wanted = desired.applications().get(application);
  if (wanted === undefined)
    throw new FairwayError('not_found', `the application ${application} is not in this cluster`);
  const { sync } = wanted.target;
  // A pod beside the agent could take the agent's own rights.
  if (sync.namespace === namespace)
    throw new FairwayError(
      'permission_denied',
      `${namespace} is the agent's own namespace: no Job is run there`,
    );
  const { body, name, run } = readJob(job);
  const ref: ResourceRef = { resource: jobs, namespace: sync.namespace, name };
  const writer = writerOf(kube, sync, namespace);
  const found = await findLive(kube, ref, signal);
  const live = found ?? (begin && !remove ? await create(writer, ref, body, signal) : undefined);
  if (live === undefined) return { state: 'gone', message: '', logTail: '' };
  if (live.metadata.annotations?.[analysisAnnotation] !== run)
    throw new FairwayError(
      'already_exists',
      `Job ${sync.namespace}/${name} is there already, and is no run of this`,
    );
  const verdict = judgeJob(live);
  if (remove) {
    await deleteRun(writer, ref, String(live.metadata['uid']), signal);
    return { ...verdict, logTail: '' };
  }
  const key: ObjectKey = { group: 'batch', kind: 'Job', namespace: sync.namespace, name };
  if (verdict.state === 'running') return { ...verdict, logTail: '' };
  const read = verdict.state === 'failed' ? readHookLogs : readLastWords;
  return { ...verdict, logTail: await read(kube, key, signal) };
}

async function create(
  writer: KubeClient,
  { resource, namespace, name }: ResourceRef,
  body: JsonObject,
  signal: AbortSignal,
): Promise<LiveObject> {
  const metadata = { ...(body['metadata'] as JsonObject), namespace };
  try {
    return await writer.create({ resource, namespace }, { ...body, metadata }, signal);
  } catch (caught) {
    // The question came twice, or another agent of this cluster was faster.
    if (toFairwayError(caught).code !== 'already_exists') throw caught;
    return writer.get({ resource, namespace, name }, signal);
  }
}
