/** Kubernetes' own kinds that are no workloads. A kind that is not named here, in a built-in group, is current as soon as it is there. */
import { current, findCondition, items, type Judge, progress, text, verdict, whenStatus } from './fields.ts';
import { judgePod } from './pod.ts';
import { unobserved, workloadRules } from './workloads.ts';

/** kstatus; a lost claim is not found again by waiting. */
const claim: Judge = (object) => {
  const phase = text(object, 'status', 'phase');
  if (phase === 'Bound') return current;
  if (phase === 'Lost') return verdict('Failed', 'Lost', 'its volume is gone');
  return progress('not bound yet', 'NotBound');
};

const volume: Judge = (object) => {
  const phase = text(object, 'status', 'phase');
  const words = [text(object, 'status', 'reason') || phase, text(object, 'status', 'message')] as const;
  if (phase === 'Failed') return verdict('Failed', ...words);
  return phase === 'Pending' || phase === '' ? progress('not available yet', 'Pending') : current;
};

/** kstatus waits for the cluster IP only; a load balancer is of use once it has an address. */
const service: Judge = (object) => {
  if (text(object, 'spec', 'type') !== 'LoadBalancer') return current;
  return items(object, 'status', 'loadBalancer', 'ingress').length > 0
    ? current
    : progress('no address yet', 'NoAddress');
};

/** kstatus; `Established` is false for good unless it says that it is being installed. */
const customResourceDefinition: Judge = (object) => {
  const refused = whenStatus(object, 'NamesAccepted', 'False', 'Failed');
  if (refused) return refused;
  const established = findCondition(object, 'Established');
  if (established?.status === 'True') return current;
  if (
    established?.status === 'False' &&
    established.reason !== 'Installing' &&
    established.reason !== 'NotAccepted'
  )
    return verdict('Failed', established.reason, established.message);
  return progress(established?.message || 'not established yet', established?.reason || 'NotEstablished');
};

/** https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#autoscaler-conditions; switched off by `replicas: 0` is no fault. */
const autoscaler: Judge = (object) => {
  const unable = whenStatus(object, 'AbleToScale', 'False', 'InProgress');
  if (unable) return unable;
  const active = findCondition(object, 'ScalingActive');
  if (active?.status === 'False' && active.reason !== 'ScalingDisabled')
    return progress(active.message, active.reason);
  return current;
};

/** That its pods are not healthy is told by their owner; what it can do wrong itself is `SyncFailed`. kstatus: always current. */
const disruptionBudget: Judge = (object) => {
  const early = unobserved(object);
  if (early) return early;
  const allowed = findCondition(object, 'DisruptionAllowed');
  return allowed?.status === 'False' && allowed.reason === 'SyncFailed'
    ? progress(allowed.message, allowed.reason)
    : current;
};

/** https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/ */
const apiService: Judge = (object) => {
  const available = findCondition(object, 'Available');
  if (available?.status === 'True') return current;
  return progress(available?.message || 'not available yet', available?.reason || 'NotAvailable');
};

const namespace: Judge = (object) =>
  text(object, 'status', 'phase') === 'Terminating'
    ? verdict('Terminating', 'Terminating', 'is being deleted')
    : current;

const node: Judge = (object) => {
  const ready = findCondition(object, 'Ready');
  if (ready?.status === 'True') return current;
  return progress(ready?.message || 'the node is not ready', ready?.reason || 'NotReady');
};

const signingRequest: Judge = (object) => {
  const refused =
    whenStatus(object, 'Denied', 'True', 'Failed') ?? whenStatus(object, 'Failed', 'True', 'Failed');
  if (refused) return refused;
  return text(object, 'status', 'certificate') === '' ? progress('no certificate yet', 'NotIssued') : current;
};

/** A flow schema whose priority level is missing does nothing. */
const flowSchema: Judge = (object) => whenStatus(object, 'Dangling', 'True', 'InProgress') ?? current;

/** Expressions that the API server cannot type-check may fail as they run: told, but the policy is in force. */
const admissionPolicy: Judge = (object) => {
  const warnings = items(object, 'status', 'typeChecking', 'expressionWarnings');
  const [first] = warnings;
  return first ? verdict('Current', 'TypeCheckWarning', text(first, 'warning').slice(0, 300)) : current;
};

const attachment: Judge = (object) => {
  const failed = text(object, 'status', 'attachError', 'message');
  return failed === '' ? current : progress(failed, 'AttachError');
};

/** By `group/kind`. Ingress is current without an address, as by kstatus: many controllers never publish one. */
export const builtInRules: Readonly<Record<string, Judge>> = {
  ...workloadRules,
  '/Pod': judgePod,
  '/PersistentVolumeClaim': claim,
  '/PersistentVolume': volume,
  '/Service': service,
  '/Namespace': namespace,
  '/Node': node,
  'apiextensions.k8s.io/CustomResourceDefinition': customResourceDefinition,
  'autoscaling/HorizontalPodAutoscaler': autoscaler,
  'policy/PodDisruptionBudget': disruptionBudget,
  'apiregistration.k8s.io/APIService': apiService,
  'certificates.k8s.io/CertificateSigningRequest': signingRequest,
  'flowcontrol.apiserver.k8s.io/FlowSchema': flowSchema,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': admissionPolicy,
  'storage.k8s.io/VolumeAttachment': attachment,
};

const builtInGroups: ReadonlySet<string> = new Set([
  '',
  'admissionregistration.k8s.io',
  'apps',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
  'storagemigration.k8s.io',
]);

/** Of Kubernetes itself: without a rule, metadata is enough to know that it is there. */
export function isBuiltInGroup(group: string): boolean {
  return builtInGroups.has(group);
}
