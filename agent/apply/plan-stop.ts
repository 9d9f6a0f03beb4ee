/**
 * How a workload is stopped so that its pods end, and taken up again. What it was before is written on the object itself, in the same request: whoever looks at it sees
 * why it stands still, and an agent that starts anew finds all that it needs. Pure.
 */
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import { groupOf } from '../../shared/manifest/object.ts';

/** JSON of what the fence has changed, as it was before. */
const fencedAnnotation = 'fairway.dev/fenced';
/** A label that no node has: pods of a DaemonSet that want it are not placed, and those that are there end. */
const nodeSelectorKey = 'fairway.dev/fenced';
/** https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling */
const kedaPaused = 'autoscaling.keda.sh/paused-replicas';
/** https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination */
const defaultGraceSeconds = 30;

type Way = 'replicas' | 'suspend' | 'nodeSelector' | 'keda' | 'pod';

/** An autoscaler of Kubernetes leaves what has no replicas alone: https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#implicit-maintenance-mode-deactivation */
const ways: Readonly<Record<string, Way>> = {
  'apps/Deployment': 'replicas',
  'apps/StatefulSet': 'replicas',
  'apps/ReplicaSet': 'replicas',
  '/ReplicationController': 'replicas',
  'argoproj.io/Rollout': 'replicas',
  'batch/CronJob': 'suspend',
  'batch/Job': 'suspend',
  'apps/DaemonSet': 'nodeSelector',
  'keda.sh/ScaledObject': 'keda',
  '/Pod': 'pod',
};

/** Whether objects of the kind run pods, or make others do so, and can be told not to. */
export function runsPods(group: string, kind: string): boolean {
  return ways[`${group}/${kind}`] !== undefined;
}

/** Autoscalers before what they scale. */
export function stopRank(group: string, kind: string): number {
  return ways[`${group}/${kind}`] === 'keda' ? 0 : 1;
}

export interface StopPlan {
  /** A merge patch; undefined: it stands still already. */
  readonly patch: JsonObject | undefined;
  /** Runs of it that go: names of Jobs in its namespace. */
  readonly runs: readonly string[];
  /** Why it is not over yet; empty: nothing runs any more, but for pods that are ending. */
  readonly waits: string;
  readonly graceMs: number;
}

function wayOf({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): Way | undefined {
  return ways[`${groupOf(apiVersion)}/${kind}`];
}

function at(object: unknown, ...path: readonly string[]): Json | undefined {
  let found = object as Json | undefined;
  for (const part of path) {
    if (found === null || typeof found !== 'object' || Array.isArray(found)) return undefined;
    found = (found as JsonObject)[part];
  }
  return found;
}

function count(object: KubeObject, ...path: readonly string[]): number {
  const found = at(object, ...path);
  return typeof found === 'number' ? found : 0;
}

/** How long its pods may take to end, of an object live or in Git. */
export function graceOf(object: Pick<KubeObject, 'apiVersion' | 'kind'>): number {
  const pod = object.kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template'] : ['spec', 'template'];
  const seconds = at(object, ...pod, 'spec', 'terminationGracePeriodSeconds');
  return (typeof seconds === 'number' ? seconds : defaultGraceSeconds) * 1_000;
}

function fieldOf(way: Way, value: Json): JsonObject {
  if (way === 'keda') return { metadata: { annotations: { [kedaPaused]: value } } };
  if (way === 'nodeSelector')
    return { spec: { template: { spec: { nodeSelector: { [nodeSelectorKey]: value } } } } };
  return { spec: { [way]: value } };
}

const stoppedValue: Readonly<Record<Exclude<Way, 'pod'>, Json>> = {
  replicas: 0,
  suspend: true,
  nodeSelector: 'true',
  keda: '0',
};

function currentOf(way: Way, object: KubeObject | undefined): Json | undefined {
  if (way === 'keda') return object?.metadata.annotations?.[kedaPaused];
  if (way === 'nodeSelector') return at(object, 'spec', 'template', 'spec', 'nodeSelector', nodeSelectorKey);
  return at(object, 'spec', way);
}

function withAnnotation(patch: JsonObject, value: string | null): JsonObject {
  const metadata = (patch['metadata'] ?? {}) as JsonObject;
  const annotations = { ...((metadata['annotations'] ?? {}) as JsonObject), [fencedAnnotation]: value };
  return { ...patch, metadata: { ...metadata, annotations } };
}

function isOver(object: KubeObject): boolean {
  const conditions = at(object, 'status', 'conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some((one) => {
      const type = at(one, 'type');
      return (type === 'Complete' || type === 'Failed') && at(one, 'status') === 'True';
    })
  );
}

/** Controllers count what runs; where they have never looked there is nothing that runs. */
function waitsOf(way: Way, object: KubeObject): string {
  const left =
    way === 'replicas'
      ? count(object, 'status', 'replicas')
      : way === 'nodeSelector'
        ? count(object, 'status', 'currentNumberScheduled') + count(object, 'status', 'numberMisscheduled')
        : object.kind === 'Job'
          ? count(object, 'status', 'active')
          : 0;
  return left === 0 ? '' : `${left} pods have not ended yet`;
}

/** What has to be done so that nothing of it runs. Undefined: it runs no pods, as far as is known. */
export function planStop(object: KubeObject): StopPlan | undefined {
  const way = wayOf(object);
  if (way === undefined) return undefined;
  const nothing = { patch: undefined, runs: [], waits: '', graceMs: 0 };
  if (way === 'pod') {
    const phase = at(object, 'status', 'phase');
    const over = phase === 'Succeeded' || phase === 'Failed';
    return over ? nothing : { ...nothing, waits: 'a Pod of its own cannot be stopped without deleting it' };
  }
  if (object.kind === 'Job' && isOver(object)) return nothing;
  const value = currentOf(way, object);
  const active = object.kind === 'CronJob' ? at(object, 'status', 'active') : undefined;
  const runs = (Array.isArray(active) ? active : []).flatMap((one) => {
    const name = at(one, 'name');
    return typeof name === 'string' ? [name] : [];
  });
  const graceMs = way === 'keda' ? 0 : graceOf(object);
  const waits = waitsOf(way, object) || (runs.length > 0 ? `${runs.length} runs have not ended yet` : '');
  if (value === stoppedValue[way]) return { patch: undefined, runs, waits, graceMs };
  const patch = fieldOf(way, stoppedValue[way]);
  const known = object.metadata.annotations?.[fencedAnnotation] !== undefined;
  const before = JSON.stringify({ [way]: value ?? null });
  return { patch: known ? patch : withAnnotation(patch, before), runs, waits, graceMs };
}

function savedOf(way: Way, text: string): Json {
  try {
    return at(JSON.parse(text), way) ?? null;
  } catch {
    // Somebody has written over it: the API server's default is all that is known.
    return null;
  }
}

/**
 * The merge patch that takes a stopped object up again. Undefined: the fence has not stopped it.
 * @param wanted its manifest by the Target of now; undefined: it is not in there, and stays as it is under a new one.
 * @param same the Target is the one that it was stopped under: all is as it was, whatever the manifest says.
 */
export function planResume(
  object: KubeObject,
  wanted: KubeObject | undefined,
  same: boolean,
): JsonObject | undefined {
  const way = wayOf(object);
  const text = object.metadata.annotations?.[fencedAnnotation];
  if (way === undefined || text === undefined) return undefined;
  if (wanted === undefined && !same) return withAnnotation({}, null);
  const stated = currentOf(way, wanted);
  return withAnnotation(fieldOf(way, same || stated === undefined ? savedOf(way, text) : stated), null);
}
