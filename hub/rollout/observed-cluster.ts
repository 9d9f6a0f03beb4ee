import type { ApplicationObservation } from '../model/observation.ts';
import type { AssignmentState } from '../store/store.ts';
import type { ObservedCluster } from './rollout-state.ts';

/** What is known of a cluster's part of an application, as the rollout looks at it. A report counts only for the very assignment it was made of. */
export function observedCluster(
  assignment: AssignmentState | undefined,
  observation: ApplicationObservation | undefined,
  connected: boolean,
): ObservedCluster {
  const current =
    observation !== undefined &&
    observation.generation === assignment?.generation &&
    observation.targetDigest === assignment.targetDigest;
  return {
    targetDigest: assignment?.targetDigest,
    releaseId: assignment?.releaseId ?? '',
    removed: assignment?.removed ?? false,
    acknowledgements: assignment?.acknowledgements,
    connected,
    report: current
      ? {
          sync: observation.syncStatus,
          health: observation.healthStatus,
          message: observation.message,
          waitsFor: observation.waitsFor,
        }
      : undefined,
    lastHealthyDigest: assignment?.healthyTargetDigest,
  };
}
