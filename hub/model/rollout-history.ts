/** What is kept of rollouts after they have ended, and while they go on: plain data that the rollout stage makes and the store keeps. */

/**
 * Waiting: it has not begun, since another environment has to prove it first. Progressing: waves go on. Paused: nothing new is assigned until somebody says so. RollingBack: touched clusters go back. Complete: every wave has
 * ended. RolledBack and Aborted: it ended otherwise.
 */
export type RolloutPhase =
  | 'Waiting'
  | 'Progressing'
  | 'Paused'
  | 'RollingBack'
  | 'Complete'
  | 'RolledBack'
  | 'Aborted';

/** The phase that it is in, or ended in. Superseded: a later release took its place. Reverted: one that takes back what it had done. */
export type RolloutResult = RolloutPhase | 'Superseded' | 'Reverted';

/** Who did something of their own will, and why. */
export interface HistorySaid {
  readonly actor: string;
  readonly reason: string;
  readonly atMs: number;
}

/** How many clusters stand where. */
export interface ClusterCounts {
  readonly clusters: number;
  /** Were healthy for long enough, and have not failed since. */
  readonly healthy: number;
  readonly failed: number;
  readonly excluded: number;
  readonly rolledBack: number;
  /** Never assigned: not its turn yet, or its agent was away. */
  readonly untouched: number;
}

export interface AnalysisRecord {
  readonly name: string;
  readonly successes: number;
  readonly failures: number;
  readonly inconclusive: number;
  /** What was measured last, or why nothing was; empty: it was not asked. */
  readonly last: string;
}

export interface WaveRecord extends ClusterCounts {
  readonly name: string;
  readonly startedAtMs: number | undefined;
  /** Every cluster that takes part was counted: the soak began. */
  readonly settledAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly approvedBefore: HistorySaid | undefined;
  readonly approvedAfter: HistorySaid | undefined;
  /** The rest of its soak was skipped. */
  readonly promoted: HistorySaid | undefined;
  readonly analyses: readonly AnalysisRecord[];
}

/** A rollout on a page. */
export interface RolloutRecord {
  /** That of its release. */
  readonly id: string;
  readonly application: string;
  readonly revisionId: string;
  /** Empty: one of the Application itself. */
  readonly strategy: string;
  readonly result: RolloutResult;
  /** Why it ended so, or stands: `rolled back by revision 3f2c1a0`; empty: nothing to say. */
  readonly message: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  /** Of what took its place. */
  readonly supersededBy: { readonly id: string; readonly revisionId: string } | undefined;
  readonly waves: readonly WaveRecord[];
}

/** What became of one cluster. Times are undefined for what did not happen. */
export interface ClusterRecord {
  readonly cluster: string;
  readonly wave: string;
  readonly result: 'Healthy' | 'Failed' | 'Excluded' | 'RolledBack' | 'Assigned' | 'Untouched';
  /** Why it failed or was excluded; otherwise empty. */
  readonly message: string;
  readonly assignedAtMs: number | undefined;
  readonly appliedAtMs: number | undefined;
  /** Since when it was healthy without a break. */
  readonly healthyAtMs: number | undefined;
  /** It was healthy for as long as its wave asks. */
  readonly countedAtMs: number | undefined;
  readonly rolledBackAtMs: number | undefined;
}

/**
 * Phase: the rollout begins, stops, goes on or ends. Gate: a wave opens, waits, settles or ends. Decision: clusters are assigned or taken back. Progress:
 * clusters are healthy. Failure: one has failed. Action: somebody did something. Analysis: an answer.
 */
export const timelineKinds = [
  'phase',
  'gate',
  'decision',
  'progress',
  'failure',
  'action',
  'analysis',
] as const;

export type TimelineKind = (typeof timelineKinds)[number];

export interface TimelineEntry {
  readonly timeMs: number;
  readonly kind: TimelineKind;
  /** `hub`, an API user, or the author of a commit. */
  readonly actor: string;
  /** Empty: of the whole rollout. */
  readonly wave: string;
  /** Those that it is about: how many, and the names of the first. */
  readonly clusters: { readonly count: number; readonly names: readonly string[] };
  readonly message: string;
}

export interface KeptTimelineEntry extends TimelineEntry {
  /** Grows by one within a rollout, from 1. */
  readonly sequence: number;
}

/** What one transaction adds to the history of one rollout. */
export interface HistoryWrite {
  /** Takes the place of the one before. */
  readonly record: RolloutRecord;
  /** Of a rollout that has ended: takes the place of those before. Undefined: it goes on, and its state tells them. */
  readonly clusters: readonly ClusterRecord[] | undefined;
  readonly entries: readonly TimelineEntry[];
}
