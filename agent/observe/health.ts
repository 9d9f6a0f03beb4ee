/**
 * Health by the kstatus rules: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md. Pure: an object in, a verdict out.
 */
import type { Health, HealthStatus } from '../../shared/manifest/health.ts';
import { groupOf, type KubeObject } from '../../shared/manifest/object.ts';
import { healthRules } from './health-rules.ts';
import { current, findStatus, member, verdict } from './status.ts';

/** Deletion, a generation not seen yet, and the standard conditions; undefined when they say nothing. */
function genericHealth(object: KubeObject): Health | undefined {
  if (object.metadata['deletionTimestamp'] !== undefined)
    return verdict('Terminating', 'Deleting', 'is being deleted');
  const generation = object.metadata['generation'];
  const observed = member(object, 'status', 'observedGeneration');
  if (typeof generation === 'number' && typeof observed === 'number' && observed < generation)
    return verdict('InProgress', 'GenerationNotObserved', `generation ${generation} is not observed yet`);
  const stalled = findStatus(object, 'Stalled');
  if (stalled?.status === 'True') return verdict('Failed', stalled.reason, stalled.message);
  const reconciling = findStatus(object, 'Reconciling');
  if (reconciling?.status === 'True') return verdict('InProgress', reconciling.reason, reconciling.message);
  return undefined;
}

function readyHealth(object: KubeObject): Health {
  const ready = findStatus(object, 'Ready');
  if (ready?.status === 'False' || ready?.status === 'Unknown')
    return verdict('InProgress', ready.reason, ready.message);
  return current;
}

export function healthOf(object: KubeObject): Health {
  const generic = genericHealth(object);
  if (generic) return generic;
  const rule = healthRules[`${groupOf(object.apiVersion)}/${object.kind}`];
  return rule ? rule(object) : readyHealth(object);
}

const builtInGroups = new Set([
  '',
  'apps',
  'batch',
  'autoscaling',
  'policy',
  'networking.k8s.io',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'scheduling.k8s.io',
  'admissionregistration.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
]);

/** Whether health needs more than metadata: kinds with a rule of their own, and everything that is not built in. */
export function needsFullObject(group: string, kind: string): boolean {
  return healthRules[`${group}/${kind}`] !== undefined || !builtInGroups.has(group);
}

const severity: readonly HealthStatus[] = [
  'Failed',
  'NotFound',
  'Terminating',
  'InProgress',
  'Unknown',
  'Current',
];

/** The worst of all; none at all is Current. NotFound and Terminating count as InProgress for the whole. */
export function sumHealth(statuses: Iterable<HealthStatus>): HealthStatus {
  let worst = severity.length - 1;
  for (const status of statuses) worst = Math.min(worst, severity.indexOf(status));
  const status = severity[worst] ?? 'Unknown';
  return status === 'NotFound' || status === 'Terminating' ? 'InProgress' : status;
}
