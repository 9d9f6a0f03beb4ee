import type { Fleet } from '../model/fleet.ts';
import type { ApplicationObservation } from '../model/observation.ts';
import type { RegisteredCluster } from '../model/registry.ts';
import type { Confirmation, Pause } from '../model/release.ts';
import type { Resolution } from '../store/repositories/fleet-repository.ts';
import type { AssignmentState } from '../store/repositories/release-repository.ts';

export interface FoldViewsInput {
  readonly fleet: Fleet;
  /** The commit whose fleet files were read last: what was read in another is an earlier text that was kept. Undefined: not known. */
  readonly readCommit?: string | undefined;
  readonly resolutions: readonly Resolution[];
  readonly assignments: readonly AssignmentState[];
  readonly observations: readonly ApplicationObservation[];
  readonly registered: readonly RegisteredCluster[];
  readonly pauses: readonly Pause[];
  /** Open ones show in the placements that they hold. */
  readonly confirmations?: readonly Confirmation[] | undefined;
  readonly nowMs: number;
  /** A cluster whose agent is away for less than this is not called away yet. */
  readonly offlineAfterMs: number;
}
