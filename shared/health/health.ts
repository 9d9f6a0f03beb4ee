/**
 * Health: an object in, a verdict with reason and message out, by the rules of kstatus (https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md)
 * and what the kinds' own projects say of their status. Pure, without a clock: that something has been on its way for too long is said by whoever watches it
 * (the agent). Rules of an application (CEL) come before those of this folder; evaluate-rules.ts.
 */
import type { Health, HealthStatus } from '../manifest/health.ts';
import { groupOf, type KubeObject } from '../manifest/object.ts';
import { builtInRules, isBuiltInGroup } from './built-in.ts';
import { judgeCustom } from './custom.ts';
import { current, findCondition, member, progress, verdict } from './fields.ts';

/** Deletion, a generation not seen yet, and the standard conditions; undefined when they say nothing. */
export function genericHealth(object: KubeObject): Health | undefined {
  if (object.metadata['deletionTimestamp'] !== undefined)
    return verdict('Terminating', 'Deleting', 'is being deleted');
  const generation = object.metadata['generation'];
  const observed = member(object, 'status', 'observedGeneration');
  if (typeof generation === 'number' && typeof observed === 'number' && observed < generation)
    return progress(`generation ${generation} is not observed yet`, 'GenerationNotObserved');
  const stalled = findCondition(object, 'Stalled');
  if (stalled?.status === 'True') return verdict('Failed', stalled.reason, stalled.message);
  const reconciling = findCondition(object, 'Reconciling');
  if (reconciling?.status === 'True') return progress(reconciling.message, reconciling.reason);
  return undefined;
}

/** kstatus: a condition `Ready` that is not True is progress; without one the object is current. */
function readyHealth(object: KubeObject): Health {
  const ready = findCondition(object, 'Ready');
  if (ready?.status === 'False' || ready?.status === 'Unknown') return progress(ready.message, ready.reason);
  return current;
}

/** The verdict by the rules that come with Fairway. */
export function judgeHealth(object: KubeObject): Health {
  const generic = genericHealth(object);
  if (generic) return generic;
  const rule = builtInRules[`${groupOf(object.apiVersion)}/${object.kind}`];
  if (rule) return rule(object);
  return judgeCustom(object) ?? readyHealth(object);
}

/** Whether a verdict needs more than metadata: kinds with a rule of their own, and everything that is not built in. */
export function needsFullObject(group: string, kind: string): boolean {
  return builtInRules[`${group}/${kind}`] !== undefined || !isBuiltInGroup(group);
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
