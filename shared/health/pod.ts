import type { Health } from '../manifest/health.ts';
import type { JsonObject, KubeObject } from '../manifest/object.ts';
import { current, findCondition, items, type Judge, member, progress, text, verdict } from './fields.ts';

/**
 * A container that waits for one of these does not start by waiting. The kubelet's words, which no type lists: `CrashLoopBackOff`, `ImagePullBackOff`, `ErrImagePull`,
 * `ErrImageNeverPull`, `InvalidImageName`, `CreateContainerConfigError`, `RunContainerError`, ...
 * (https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go and pkg/kubelet/container/sync_result.go).
 */
function isStuckReason(reason: string): boolean {
  return reason.startsWith('Err') || /(?:BackOff|Error)$/.test(reason) || stuckReasons.has(reason);
}
const stuckReasons: ReadonlySet<string> = new Set([
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
]);

/** The first container that cannot start, with its image: init containers come first, as they run. */
function stuckContainer(pod: KubeObject): Health | undefined {
  const statuses = ['initContainerStatuses', 'containerStatuses'].flatMap((name) =>
    items(pod, 'status', name),
  );
  for (const status of statuses) {
    const reason = text(status, 'state', 'waiting', 'reason');
    if (isStuckReason(reason)) return verdict('Failed', reason, describeWaiting(status, reason));
  }
  return undefined;
}

function describeWaiting(status: JsonObject, reason: string): string {
  const name = text(status, 'name');
  const image = text(status, 'image');
  const said = text(status, 'state', 'waiting', 'message');
  const exit = member(status, 'lastState', 'terminated', 'exitCode');
  const ended = text(status, 'lastState', 'terminated', 'reason');
  const last =
    reason === 'CrashLoopBackOff' && typeof exit === 'number'
      ? `ended with ${exit}${ended === '' || ended === 'Error' ? '' : ` (${ended})`}`
      : '';
  const about = /image|pull/i.test(reason) && image !== '' ? `image ${image}` : '';
  return [`container ${name}`, about, last || said].filter((part) => part !== '').join(': ');
}

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/, and kstatus but for its 15 s of grace for scheduling: a verdict here knows no clock. */
export const judgePod: Judge = (pod) => {
  const phase = text(pod, 'status', 'phase');
  if (phase === 'Succeeded') return current;
  if (phase === 'Failed')
    return verdict(
      'Failed',
      text(pod, 'status', 'reason') || 'PodFailed',
      text(pod, 'status', 'message') || 'the pod failed',
    );
  const ready = findCondition(pod, 'Ready');
  if (ready?.status === 'True') return current;
  const stuck = stuckContainer(pod);
  if (stuck) return stuck;
  const scheduled = findCondition(pod, 'PodScheduled');
  if (scheduled?.status === 'False')
    return progress(scheduled.message || 'not scheduled', scheduled.reason || 'Unschedulable');
  if (items(pod, 'spec', 'schedulingGates').length > 0)
    return progress('waits for its scheduling gates', 'SchedulingGated');
  return progress(ready?.message || 'the pod is not ready', ready?.reason || 'NotReady');
};
