/** What a rollout remembers between two looks, kept in the transaction that keeps the assignments it decided. */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { AssignmentReason } from '../../shared/manifest/target.ts';
import type { Acknowledgements, AssignmentDecision, Release } from '../model/release.ts';
import type { RolloutPhase } from '../model/rollout-history.ts';
import type { RolloutStrategy } from '../model/strategy.ts';
import { type ClusterStates, clusterStates, memoOfParts, packClusters } from './cluster-states.ts';
import type { JobRun } from './job-runs.ts';
import type { HandOver } from './plan/plan-hand-overs.ts';
import type { RevertState } from './plan-revert.ts';
import type { PlannedWave } from './plan-waves.ts';
import type { PromotionWatch } from './promotion.ts';

/** Who did what of their own will, and why. */
export interface Said {
  readonly actor: string;
  readonly reason: string;
  readonly atMs: number;
}

export type Verdict = 'success' | 'failure' | 'inconclusive';

export interface AnalysisAnswer {
  readonly atMs: number;
  readonly verdict: Verdict;
  /** The value that was measured, or why there is none. */
  readonly detail: string;
  /** The run of a Job that it is the answer of. */
  readonly attempt?: number | undefined;
}

export interface WaveState extends PlannedWave {
  readonly startedAtMs?: number | undefined;
  /** Every cluster that takes part has been counted: the soak begins. */
  readonly settledAtMs?: number | undefined;
  readonly endedAtMs?: number | undefined;
  /** Nobody may be assigned since then, because as many as it bears are not healthy. */
  readonly heldUpSinceMs?: number | undefined;
  /** It has ended, every cluster was counted and none has failed since: there is nothing more to do in it. */
  readonly whole?: boolean | undefined;
  /** An approval before it was asked for. */
  readonly approvalAskedAtMs?: number | undefined;
  readonly approvedBefore?: Said | undefined;
  readonly approvedAfter?: Said | undefined;
  /** The rest of its soak was skipped. */
  readonly promoted?: Said | undefined;
  /** Its analyses stopped it, and somebody goes on all the same. */
  readonly overruled?: Said | undefined;
  /** By name of the analysis. */
  readonly analyses?: Readonly<Record<string, readonly AnalysisAnswer[]>> | undefined;
  /** Jobs under way, by name of the analysis. */
  readonly runs?: Readonly<Record<string, JobRun>> | undefined;
}

export interface ClusterFailure {
  readonly reason: 'Refused' | 'ApplyFailed' | 'Unhealthy' | 'TimedOut';
  /** The object and the words of who refused it. */
  readonly message: string;
  readonly atMs: number;
}

/** Of a cluster that was assigned, or that somebody excluded. */
export interface ClusterState {
  readonly assignedAtMs?: number | undefined;
  /** Since when its agent has been there without a break, since the assignment, with no hook at work. */
  readonly presentSinceMs?: number | undefined;
  /** A hook is at work there: as its agent said, and when it is waited for no more by the hub's clock. Clocks differ. */
  readonly hook?: { readonly untilMs: number; readonly endsAtMs: number } | undefined;
  /** As its agent said; only known once more is. */
  readonly appliedAtMs?: number | undefined;
  readonly healthySinceMs?: number | undefined;
  /** When its health broke last after it had been healthy. Its agent says only once that it is healthy: how it does since is in its reports. */
  readonly brokenAtMs?: number | undefined;
  /** It was healthy for long enough. */
  readonly countedAtMs?: number | undefined;
  readonly failure?: ClusterFailure | undefined;
  readonly excluded?: Said | undefined;
  /** What it had before this release, for going back: its last healthy Target; undefined: none. */
  readonly previous?: Digest | undefined;
  readonly rolledBackAtMs?: number | undefined;
  /** It joined before its wave began, and was given what was released before. */
  readonly givenLastAtMs?: number | undefined;
  /** Its agent was away when it was assigned, and has not come since. */
  readonly assignedAway?: boolean | undefined;
}

/**
 * What a wave waits for. Before: an earlier wave; on the way back a later one. Clusters: that are not healthy. Unavailable: as many as it bears are not healthy, so that nobody else may go. Away: clusters
 * whose agent is. None: nothing any more.
 */
export type Gate =
  | 'before'
  | 'approval'
  | 'window'
  | 'clusters'
  | 'unavailable'
  | 'away'
  | 'soak'
  | 'analysis'
  | 'none';

export interface RolloutState {
  readonly version: 2;
  readonly application: string;
  readonly releaseId: string;
  readonly revisionId: string;
  readonly strategy: RolloutStrategy;
  readonly phase: RolloutPhase;
  readonly startedAtMs: number;
  readonly endedAtMs?: number | undefined;
  /** Why it is paused, rolls back or was aborted. */
  readonly stopped?: (Said & { readonly by: 'operator' | 'failure' }) | undefined;
  /** The gate that holds it, and since when; undefined: none does, or something goes on in it. */
  readonly waits?:
    | {
        readonly wave: string;
        readonly gate: Gate;
        readonly sinceMs: number;
        /** When a window opens; undefined: nobody knows. */
        readonly untilMs?: number | undefined;
      }
    | undefined;
  /** Its gates and bounds were lifted. */
  readonly lifted?: Said | undefined;
  readonly waves: readonly WaveState[];
  readonly clusters: ClusterStates;
  /** Targets that failed: no release takes a cluster to one of them again until somebody retries. */
  readonly held: readonly Digest[];
  /** Clusters that take no part, since they would get what is held; sorted. */
  readonly withheld?: readonly string[] | undefined;
  /** Clusters that the application leaves. */
  readonly removes?: readonly string[] | undefined;
  /** What has changed since of the release's Targets: clusters that have joined or leave; null: that take no part any more. */
  readonly amended?: Readonly<Record<string, Digest | null>> | undefined;
  /** The revision that did so last. */
  readonly amendedBy?: string | undefined;
  /** By cluster: whom it exchanges objects with there, so that both go together. */
  readonly handOvers?: Readonly<Record<string, readonly HandOver[]>> | undefined;
  /** What became of the revert in Git; undefined: none was tried. */
  readonly revert?: RevertState | undefined;
  /** How the environment does that goes first; undefined: none does. */
  readonly promotion?: PromotionWatch | undefined;
}

/** What one cluster has of the application and how it does; clusters without an assignment have no `targetDigest`. */
export interface ObservedCluster {
  readonly targetDigest: Digest | undefined;
  readonly releaseId: string;
  /** Of the assignment; undefined: there is none. */
  readonly revisionId?: string | undefined;
  readonly removed: boolean;
  readonly acknowledgements: Acknowledgements | undefined;
  /** Its agent is connected, and it is not paused. */
  readonly connected: boolean;
  /** Its agent has gone a moment ago, or the hub has only begun to listen: until then it is expected back rather than away. */
  readonly expectedUntilMs?: number | undefined;
  /** Why it is paused, and by whom: nothing is applied there meanwhile. */
  readonly paused?: string | undefined;
  /** As its agent last reported of this very Target; undefined: it has not yet. */
  readonly report:
    | {
        readonly sync: string;
        readonly health: string;
        readonly message: string;
        /** What it waits for before it applies; empty: nothing. */
        readonly waitsFor: string;
        /** A hook is at work: until when at the latest by the agent's clock, and how long that was when it said so. */
        readonly hook?: { readonly untilMs: number; readonly leftMs: number } | undefined;
      }
    | undefined;
  /** The Target with which it was last healthy. */
  readonly lastHealthyDigest: Digest | undefined;
}

/** What the reducer is told of one release: the clusters that it takes out of the application are named apart. */
export interface RolloutRelease extends Release {
  readonly removes: ReadonlySet<string>;
  readonly reason: AssignmentReason;
}

/** Something that happened, for events. */
export interface RolloutChange {
  readonly type:
    | 'rollout.wave.started'
    | 'rollout.wave.completed'
    | 'rollout.approval.needed'
    | 'rollout.cluster.failed'
    | 'rollout.paused'
    | 'rollout.rolling-back'
    | 'rollout.rolled-back'
    | 'rollout.completed'
    | 'rollout.held'
    | 'rollout.promoted'
    | 'rollout.revert-written'
    | 'rollout.revert-failed';
  readonly message: string;
  readonly cluster?: string | undefined;
}

export interface AnalysisQuestion {
  readonly wave: number;
  readonly name: string;
}

export interface RolloutPass {
  readonly state: RolloutState;
  readonly decisions: readonly AssignmentDecision[];
  readonly changes: readonly RolloutChange[];
  /** Analyses that are due: to be answered, and the rollout looked at again. */
  readonly questions: readonly AnalysisQuestion[];
  /** When time alone may change something; undefined: it will not. */
  readonly nextAtMs: number | undefined;
}

export function isOver({ phase }: Pick<RolloutState, 'phase'>): boolean {
  return phase === 'Complete' || phase === 'RolledBack' || phase === 'Aborted';
}

/** The Targets of the rollout: those of its release, with what has changed since. */
export function targetsOf(
  { amended }: Pick<RolloutState, 'amended'>,
  targets: Release['targets'],
): Release['targets'] {
  if (amended === undefined) return targets;
  const all = Object.entries({ ...targets, ...amended });
  return Object.fromEntries(all.filter((entry): entry is [string, Digest] => entry[1] !== null));
}

/** What must not be collected as garbage for its sake: every cluster may have to go back, also long after it is complete. */
export function pinsOf({ releaseId, clusters }: Pick<RolloutState, 'releaseId' | 'clusters'>): {
  readonly releaseId: string;
  readonly targets: readonly Digest[];
} {
  return { releaseId, targets: [...new Set(previousOf(clusters).flatMap((some) => [...some]))].sort() };
}

const previousOf = memoOfParts((part) => {
  const targets = new Set<Digest>();
  for (const { previous } of part.values()) if (previous !== undefined) targets.add(previous);
  return targets;
});

/** The Target is there, or nothing is to be there and nothing is. */
export function isAssigned(
  release: Pick<RolloutRelease, 'targets' | 'removes'>,
  cluster: string,
  observed: ObservedCluster | undefined,
): boolean {
  const has = observed?.targetDigest;
  if (has === undefined) return release.removes.has(cluster);
  return has === release.targets[cluster];
}

/** A state as it is kept: plain JSON. */
export type StoredState = Omit<RolloutState, 'clusters'> & {
  readonly clusters: Readonly<Record<string, ClusterState>>;
};

export function packState(state: RolloutState): StoredState {
  return { ...state, clusters: packClusters(state.clusters) };
}

export function unpackState(stored: StoredState): RolloutState {
  return { ...stored, clusters: clusterStates(stored.clusters) };
}

/** The state with one wave changed. */
export function putWave(state: RolloutState, index: number, change: Partial<WaveState>): RolloutState {
  return { ...state, waves: state.waves.map((wave, at) => (at === index ? { ...wave, ...change } : wave)) };
}
