import type { Health } from '../../shared/manifest/health.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { conditionsOf, count, current, findStatus, member, verdict } from './status.ts';

type Rule = (object: KubeObject) => Health;

function progress(message: string, reason = 'Progressing'): Health {
  return verdict('InProgress', reason, message);
}

function wanted(object: KubeObject): number {
  const replicas = member(object, 'spec', 'replicas');
  return typeof replicas === 'number' ? replicas : 1;
}

/** A status that was never written says nothing about the object's state. */
function unobserved(object: KubeObject): Health | undefined {
  return member(object, 'status', 'observedGeneration') === undefined
    ? progress('no controller has looked at it yet', 'NotObserved')
    : undefined;
}

function deployment(object: KubeObject): Health {
  const early = unobserved(object);
  if (early) return early;
  const progressing = findStatus(object, 'Progressing');
  if (progressing?.status === 'False' && progressing.reason === 'ProgressDeadlineExceeded')
    return verdict('Failed', progressing.reason, progressing.message);
  const failure = findStatus(object, 'ReplicaFailure');
  if (failure?.status === 'True') return verdict('Failed', failure.reason, failure.message);
  const replicas = wanted(object);
  const updated = count(object, 'status', 'updatedReplicas');
  const total = count(object, 'status', 'replicas');
  const available = count(object, 'status', 'availableReplicas');
  if (updated < replicas) return progress(`${updated} of ${replicas} updated`);
  if (total > updated) return progress(`${total - updated} old replicas are left`);
  if (available < replicas) return progress(`${available} of ${replicas} available`);
  return current;
}

function statefulSet(object: KubeObject): Health {
  if (member(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') return current;
  const early = unobserved(object);
  if (early) return early;
  const replicas = wanted(object);
  const ready = count(object, 'status', 'readyReplicas');
  const updated = count(object, 'status', 'updatedReplicas');
  const partition = count(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition');
  if (ready < replicas) return progress(`${ready} of ${replicas} ready`);
  const target = Math.max(0, replicas - partition);
  if (updated < target) return progress(`${updated} of ${target} updated`);
  const revision = member(object, 'status', 'currentRevision');
  if (partition === 0 && revision !== member(object, 'status', 'updateRevision'))
    return progress('the new revision is not current yet');
  return current;
}

function daemonSet(object: KubeObject): Health {
  const early = unobserved(object);
  if (early) return early;
  const desired = count(object, 'status', 'desiredNumberScheduled');
  const updated = count(object, 'status', 'updatedNumberScheduled');
  const available = count(object, 'status', 'numberAvailable');
  const onDelete = member(object, 'spec', 'updateStrategy', 'type') === 'OnDelete';
  if (!onDelete && updated < desired) return progress(`${updated} of ${desired} updated`);
  if (available < desired) return progress(`${available} of ${desired} available`);
  return current;
}

function replicaSet(object: KubeObject): Health {
  const early = unobserved(object);
  if (early) return early;
  const failure = findStatus(object, 'ReplicaFailure');
  if (failure?.status === 'True') return verdict('Failed', failure.reason, failure.message);
  const replicas = wanted(object);
  const available = count(object, 'status', 'availableReplicas');
  if (count(object, 'status', 'replicas') > replicas) return progress('replicas are being removed');
  return available < replicas ? progress(`${available} of ${replicas} available`) : current;
}

/** A started Job is current by kstatus; one that is to finish counts as done only then: it is what others wait for. */
function job(object: KubeObject): Health {
  const failed = findStatus(object, 'Failed');
  if (failed?.status === 'True') return verdict('Failed', failed.reason, failed.message);
  if (findStatus(object, 'Complete')?.status === 'True') return current;
  if (member(object, 'spec', 'suspend') === true)
    return verdict('InProgress', 'Suspended', 'the job is suspended');
  const active = count(object, 'status', 'active');
  return progress(`${active} active, ${count(object, 'status', 'succeeded')} succeeded`, 'Running');
}

function waitingReason(object: KubeObject): Health | undefined {
  const containers = ['initContainerStatuses', 'containerStatuses'].flatMap((name) => {
    const list = member(object, 'status', name);
    return Array.isArray(list) ? list : [];
  });
  for (const container of containers) {
    const reason = member(container, 'state', 'waiting', 'reason');
    if (reason === 'CrashLoopBackOff' || reason === 'ErrImagePull' || reason === 'ImagePullBackOff')
      return verdict('Failed', reason, String(member(container, 'state', 'waiting', 'message') ?? ''));
  }
  return undefined;
}

function pod(object: KubeObject): Health {
  const phase = member(object, 'status', 'phase');
  if (phase === 'Succeeded') return current;
  if (phase === 'Failed')
    return verdict('Failed', 'PodFailed', String(member(object, 'status', 'message') ?? 'the pod failed'));
  const ready = findStatus(object, 'Ready');
  if (ready?.status === 'True') return current;
  const waiting = waitingReason(object);
  if (waiting) return waiting;
  const scheduled = findStatus(object, 'PodScheduled');
  if (scheduled?.status === 'False') return progress(scheduled.message, scheduled.reason);
  return progress(ready?.message || 'the pod is not ready', ready?.reason || 'NotReady');
}

function claim(object: KubeObject): Health {
  const phase = member(object, 'status', 'phase');
  if (phase === 'Bound') return current;
  if (phase === 'Lost') return verdict('Failed', 'Lost', 'its volume is gone');
  return progress('not bound yet', 'NotBound');
}

function service(object: KubeObject): Health {
  if (member(object, 'spec', 'type') !== 'LoadBalancer') return current;
  const ingress = member(object, 'status', 'loadBalancer', 'ingress');
  return Array.isArray(ingress) && ingress.length > 0 ? current : progress('no address yet', 'NoAddress');
}

function customResourceDefinition(object: KubeObject): Health {
  const refused = findStatus(object, 'NamesAccepted');
  if (refused?.status === 'False') return verdict('Failed', refused.reason, refused.message);
  if (findStatus(object, 'Established')?.status === 'True') return current;
  return progress('not established yet', 'NotEstablished');
}

function autoscaler(object: KubeObject): Health {
  const able = findStatus(object, 'AbleToScale');
  if (able?.status === 'False') return verdict('InProgress', able.reason, able.message);
  return current;
}

function disruptionBudget(object: KubeObject): Health {
  const early = unobserved(object);
  if (early) return early;
  const healthy = count(object, 'status', 'currentHealthy');
  const desired = count(object, 'status', 'desiredHealthy');
  return healthy < desired ? progress(`${healthy} of ${desired} healthy`, 'BudgetNotMet') : current;
}

function apiService(object: KubeObject): Health {
  const available = conditionsOf(object).find(({ type }) => type === 'Available');
  if (available?.status === 'True') return current;
  return progress(available?.message ?? 'not available yet', available?.reason ?? 'NotAvailable');
}

/** Keys are `group/kind`. A PodDisruptionBudget that is not met is progress, not failure: pods come and go. */
export const healthRules: Readonly<Record<string, Rule>> = {
  'apps/Deployment': deployment,
  'apps/StatefulSet': statefulSet,
  'apps/DaemonSet': daemonSet,
  'apps/ReplicaSet': replicaSet,
  'batch/Job': job,
  '/Pod': pod,
  '/PersistentVolumeClaim': claim,
  '/Service': service,
  'apiextensions.k8s.io/CustomResourceDefinition': customResourceDefinition,
  'autoscaling/HorizontalPodAutoscaler': autoscaler,
  'policy/PodDisruptionBudget': disruptionBudget,
  'apiregistration.k8s.io/APIService': apiService,
};
