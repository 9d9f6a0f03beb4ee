/**
 * The rollout controller is a pure reducer over stored state: it is asked again whenever something may have changed and answers with the next state,
 * the assignments to make now, and a report of what each cluster waits on. It never looks at a clock, a store or the network. One strategy is known:
 * all clusters at once. Further strategies join the union and `decide`; their state joins RolloutState.
 */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { AssignmentReason } from '../../shared/manifest/target.ts';
import type { Acknowledgements, AssignmentDecision, Release } from '../model/release.ts';

export interface AllAtOnceStrategy {
  readonly kind: 'all-at-once';
}

/** Snapshotted with the release. */
export type RolloutStrategy = AllAtOnceStrategy;

export const allAtOnce: RolloutStrategy = { kind: 'all-at-once' };

/** What one cluster has of the application; clusters without an assignment are left out. */
export interface ObservedCluster {
  readonly targetDigest: Digest;
  readonly releaseId: string;
  readonly removed: boolean;
  readonly acknowledgements: Acknowledgements | undefined;
}

/** Plain JSON, kept with the assignments it decided. */
export interface RolloutState {
  readonly version: 1;
  readonly releaseId: string;
  readonly revisionId: string;
  readonly strategy: RolloutStrategy;
  readonly phase: 'Progressing' | 'Complete';
  readonly startedAtMs: number;
  readonly completedAtMs: number | undefined;
}

export interface ClusterReport {
  readonly cluster: string;
  readonly step: 'Assigned' | 'Received' | 'Applied' | 'Healthy' | 'Removed' | 'Refused';
  /** `waits on ... because ...`; empty once there is nothing to wait for. */
  readonly waitsOn: string;
}

export interface RolloutReport {
  readonly releaseId: string;
  readonly phase: RolloutState['phase'];
  /** Sorted by cluster. */
  readonly clusters: readonly ClusterReport[];
}

export interface RolloutPass {
  readonly state: RolloutState;
  readonly decisions: readonly AssignmentDecision[];
  readonly report: RolloutReport;
}

/** What the reducer is told of one release: the clusters that it takes out of the application are named apart. */
export interface RolloutRelease extends Release {
  readonly removes: ReadonlySet<string>;
  readonly reason: AssignmentReason;
}

/**
 * One pass. `state` is undefined at the first pass of a release, or that of an earlier release, which this one supersedes. Decides only for clusters
 * whose Target differs from the release's: the same input after the decisions were kept decides nothing.
 */
export function planRollout(
  strategy: RolloutStrategy,
  release: RolloutRelease,
  observed: ReadonlyMap<string, ObservedCluster>,
  state: RolloutState | undefined,
  nowMs: number,
): RolloutPass {
  const clusters = Object.keys(release.targets).sort();
  const due = clusters.filter((cluster) => {
    const has = observed.get(cluster)?.targetDigest;
    // A removal that was carried out leaves no assignment: nothing is to be done there any more.
    if (has === undefined && release.removes.has(cluster)) return false;
    return has !== release.targets[cluster];
  });
  const before = state?.releaseId === release.id ? state : undefined;
  const snapshot = before?.strategy ?? strategy;
  const decisions = decide(snapshot, due).flatMap((cluster) => decisionFor(release, cluster));
  const changing = new Set(due);
  const reports = clusters.map((cluster) =>
    reportCluster(release, cluster, observed.get(cluster), changing.has(cluster)),
  );
  const complete = reports.every(({ step }) => step === 'Healthy' || step === 'Removed');
  const next: RolloutState = {
    version: 1,
    releaseId: release.id,
    revisionId: release.revisionId,
    strategy: snapshot,
    phase: complete ? 'Complete' : 'Progressing',
    startedAtMs: before?.startedAtMs ?? nowMs,
    completedAtMs: complete ? (before?.completedAtMs ?? nowMs) : undefined,
  };
  return { state: next, decisions, report: { releaseId: release.id, phase: next.phase, clusters: reports } };
}

/** Which of the due clusters go now. */
function decide(strategy: RolloutStrategy, due: readonly string[]): readonly string[] {
  switch (strategy.kind) {
    case 'all-at-once':
      return due;
  }
}

function decisionFor(release: RolloutRelease, cluster: string): readonly AssignmentDecision[] {
  const targetDigest = release.targets[cluster];
  if (targetDigest === undefined) return [];
  const { id: releaseId, application, revisionId, reason } = release;
  return [
    {
      cluster,
      application,
      targetDigest,
      releaseId,
      revisionId,
      reason,
      removed: release.removes.has(cluster),
    },
  ];
}

function reportCluster(
  release: RolloutRelease,
  cluster: string,
  observed: ObservedCluster | undefined,
  changes: boolean,
): ClusterReport {
  const removes = release.removes.has(cluster);
  const gone = removes && !observed;
  const step = gone ? 'Removed' : stepOf(removes, changes ? undefined : observed?.acknowledgements);
  const { refused } = observed?.acknowledgements ?? {};
  const waitsOn = {
    Assigned: 'waits on its agent because it has not received the Target yet',
    Received: 'waits on its agent because the Target is not applied yet',
    Applied: 'waits on health because the objects are not all current yet',
    Refused: `waits on a new Target because its agent refused this one: ${refused ?? ''}`,
    Healthy: '',
    Removed: '',
  }[step];
  return { cluster, step, waitsOn };
}

function stepOf(removes: boolean, acknowledgements: Acknowledgements | undefined): ClusterReport['step'] {
  if (!acknowledgements) return 'Assigned';
  if (acknowledgements.refused !== undefined) return 'Refused';
  if (removes && acknowledgements.appliedAtMs !== undefined) return 'Removed';
  if (acknowledgements.healthyAtMs !== undefined) return 'Healthy';
  if (acknowledgements.appliedAtMs !== undefined) return 'Applied';
  return acknowledgements.receivedAtMs !== undefined ? 'Received' : 'Assigned';
}
