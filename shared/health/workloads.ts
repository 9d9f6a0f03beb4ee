/**
 * Workloads, by the rules of kstatus (https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/status/core.go) except where a comment says why not.
 */
import type { Health } from '../manifest/health.ts';
import type { KubeObject } from '../manifest/object.ts';
import {
  count,
  current,
  findCondition,
  type Judge,
  member,
  progress,
  text,
  verdict,
  whenStatus,
} from './fields.ts';

function wanted(object: KubeObject): number {
  const replicas = member(object, 'spec', 'replicas');
  return typeof replicas === 'number' ? replicas : 1;
}

/** A status that was never written says nothing about the object's state. */
export function unobserved(object: KubeObject): Health | undefined {
  return member(object, 'status', 'observedGeneration') === undefined
    ? progress('no controller has looked at it yet', 'NotObserved')
    : undefined;
}

const deployment: Judge = (object) => {
  const early = unobserved(object);
  if (early) return early;
  const progressing = findCondition(object, 'Progressing');
  // https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#failed-deployment
  if (progressing?.status === 'False' && progressing.reason === 'ProgressDeadlineExceeded')
    return verdict('Failed', progressing.reason, progressing.message);
  const replicas = wanted(object);
  const updated = count(object, 'status', 'updatedReplicas');
  const total = count(object, 'status', 'replicas');
  const available = count(object, 'status', 'availableReplicas');
  // Pods that may not be made (a quota, an admission) are the reason, if anything is missing.
  const failure = whenStatus(object, 'ReplicaFailure', 'True', 'InProgress');
  if (updated < replicas) return failure ?? progress(`${updated} of ${replicas} updated`);
  if (total > updated) return progress(`${total - updated} old replicas are left`);
  if (available < replicas) return failure ?? progress(`${available} of ${replicas} available`);
  // Nobody asks for more progress while it is paused: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pausing-and-resuming-a-deployment
  return current;
};

/** `updateStrategy: OnDelete`: whoever chose it decides when pods are replaced. */
function isOnDelete(object: KubeObject): boolean {
  return text(object, 'spec', 'updateStrategy', 'type') === 'OnDelete';
}

const statefulSet: Judge = (object) => {
  // kstatus: current whatever the pods are.
  if (isOnDelete(object)) return current;
  const early = unobserved(object);
  if (early) return early;
  const replicas = wanted(object);
  const total = count(object, 'status', 'replicas');
  const ready = count(object, 'status', 'readyReplicas');
  const updated = count(object, 'status', 'updatedReplicas');
  const partition = count(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition');
  if (ready < replicas) return progress(`${ready} of ${replicas} ready`);
  if (total > replicas) return progress(`${total - replicas} replicas are being removed`);
  // Pods below the partition keep the old revision: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions
  const target = Math.max(0, replicas - partition);
  if (updated < target) return progress(`${updated} of ${target} updated`);
  const revision = text(object, 'status', 'currentRevision');
  if (partition === 0 && revision !== text(object, 'status', 'updateRevision'))
    return progress('the new revision is not current yet');
  return current;
};

const daemonSet: Judge = (object) => {
  const early = unobserved(object);
  if (early) return early;
  const desired = count(object, 'status', 'desiredNumberScheduled');
  const scheduled = count(object, 'status', 'currentNumberScheduled');
  const updated = count(object, 'status', 'updatedNumberScheduled');
  const available = count(object, 'status', 'numberAvailable');
  if (scheduled < desired) return progress(`${scheduled} of ${desired} scheduled`);
  if (!isOnDelete(object) && updated < desired) return progress(`${updated} of ${desired} updated`);
  if (available < desired) return progress(`${available} of ${desired} available`);
  return current;
};

const replicaSet: Judge = (object) => {
  const early = unobserved(object);
  if (early) return early;
  const replicas = wanted(object);
  const available = count(object, 'status', 'availableReplicas');
  if (count(object, 'status', 'replicas') > replicas) return progress('replicas are being removed');
  if (available >= replicas) return current;
  return (
    whenStatus(object, 'ReplicaFailure', 'True', 'InProgress') ??
    progress(`${available} of ${replicas} available`)
  );
};

/**
 * Conditions: https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions. A started Job is current by kstatus; here it is only
 * once it is complete, since that is what others wait for.
 */
const job: Judge = (object) => {
  const ended =
    whenStatus(object, 'Failed', 'True', 'Failed') ?? whenStatus(object, 'Complete', 'True', 'Current');
  if (ended) return ended;
  const failing = whenStatus(object, 'FailureTarget', 'True', 'InProgress');
  if (failing) return failing;
  const succeeded = count(object, 'status', 'succeeded');
  if (member(object, 'spec', 'suspend') === true || findCondition(object, 'Suspended')?.status === 'True')
    return progress('the job is suspended', 'Suspended');
  if (text(object, 'status', 'startTime') === '') return progress('not started yet', 'NotStarted');
  const failed = count(object, 'status', 'failed');
  const active = count(object, 'status', 'active');
  const counts = [`${active} active`, `${succeeded} succeeded`, ...(failed > 0 ? [`${failed} failed`] : [])];
  return progress(counts.join(', '), failed > 0 ? 'Retrying' : 'Running');
};

/** Its Jobs are its children's matter; suspended is what its manifest says. */
const cronJob: Judge = () => current;

export const workloadRules: Readonly<Record<string, Judge>> = {
  'apps/Deployment': deployment,
  'apps/StatefulSet': statefulSet,
  'apps/DaemonSet': daemonSet,
  'apps/ReplicaSet': replicaSet,
  '/ReplicationController': replicaSet,
  'batch/Job': job,
  'batch/CronJob': cronJob,
};
