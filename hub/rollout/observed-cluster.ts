import type { ApplicationObservation } from '../model/observation.ts';
import type { AssignmentState } from '../store/repositories/release-repository.ts';
import type { ObservedCluster } from './rollout-state.ts';

/** Whether a cluster can be asked now. */
export interface Presence {
  readonly connected: boolean;
  readonly expectedUntilMs?: number | undefined;
  readonly paused?: string | undefined;
}

/** What is known of a cluster's part of an application, as the rollout looks at it. A report counts only for the very assignment it was made of. */
export function observedCluster(
  assignment: AssignmentState | undefined,
  observation: ApplicationObservation | undefined,
  presence: boolean | Presence,
): ObservedCluster {
  const { connected, expectedUntilMs, paused }: Presence =
    typeof presence === 'boolean' ? { connected: presence } : presence;
  const current =
    observation !== undefined &&
    observation.generation === assignment?.generation &&
    observation.targetDigest === assignment.targetDigest;
  return {
    targetDigest: assignment?.targetDigest,
    releaseId: assignment?.releaseId ?? '',
    revisionId: assignment?.revisionId,
    removed: assignment?.removed ?? false,
    acknowledgements: assignment?.acknowledgements,
    connected: connected && paused === undefined,
    ...(expectedUntilMs !== undefined && { expectedUntilMs }),
    ...(paused !== undefined && { paused }),
    report: current
      ? {
          sync: observation.syncStatus,
          health: observation.healthStatus,
          message: observation.message,
          waitsFor: observation.waitsFor,
          ...(observation.hookUntilMs !== undefined && {
            hook: { untilMs: observation.hookUntilMs, leftMs: observation.hookUntilMs - observation.timeMs },
          }),
        }
      : undefined,
    lastHealthyDigest: assignment?.healthyTargetDigest,
  };
}
