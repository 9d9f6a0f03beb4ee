/** Whether a revision begins a rollout of an application, and with which state. Its assignments are made by the rollout's own passes. */
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { AssignmentDecision, Release } from '../../model/release.ts';
import type { RolloutStrategy } from '../../model/strategy.ts';
import { startRollout } from '../advance-rollout.ts';
import { goesOn } from '../amend-rollout.ts';
import { clusterEntries, clusterState } from '../cluster-states.ts';
import type { ClusterFacts, SelectorMatch } from '../plan-waves.ts';
import { heldAfter, mustGoBack } from '../roll-back.ts';
import { isOver, type ObservedCluster, type RolloutState, targetsOf } from '../rollout-state.ts';

export interface StrategyReleaseInput {
  readonly strategy: RolloutStrategy;
  readonly application: string;
  readonly revisionId: string;
  /** What the revision wants, removals among it. */
  readonly wanted: ReadonlyMap<string, Digest>;
  readonly removes: ReadonlySet<string>;
  readonly observed: ReadonlyMap<string, ObservedCluster>;
  readonly facts: ReadonlyMap<string, ClusterFacts>;
  /** The rollout before, and the Targets of its release. */
  readonly before: { readonly state: RolloutState; readonly targets: Release['targets'] } | undefined;
  readonly matches: SelectorMatch;
  /** Clusters that must not be assigned with the plan. */
  readonly blocked?: ReadonlySet<string> | undefined;
  readonly newId: () => string;
  readonly nowMs: number;
}

export interface StrategyRelease {
  readonly release: Release;
  readonly state: RolloutState;
  /** Who goes back at once: the rollout before was taking it back, and the revision wants what failed. */
  readonly decisions: readonly AssignmentDecision[];
}

/** Undefined: no rollout begins. The one before goes on with what is wanted (`amendRollout` tells it who joined or left), or there is nothing to change. */
export function planStrategyRelease(input: StrategyReleaseInput): StrategyRelease | undefined {
  const { wanted, removes, application, revisionId, nowMs } = input;
  // What waited for another environment, and does so no more, has not begun.
  const before = input.before?.state.phase === 'Waiting' ? undefined : input.before;
  if (before && goesOn({ ...input, before })) return undefined;
  const settled = [...wanted].every(([cluster, digest]) => {
    const has = input.observed.get(cluster)?.targetDigest;
    return has === digest || (has === undefined && removes.has(cluster));
  });
  // A commit that takes back what is under way ends it, though it has nothing to change.
  if (settled && (before === undefined || isOver(before.state))) return undefined;
  const release: Release = {
    ...{ id: input.newId(), application, revisionId, createdAtMs: nowMs },
    targets: Object.fromEntries(wanted),
  };
  const { held, back } = takenBack(input, before);
  const observed = new Map(input.observed);
  for (const [cluster, targetDigest] of back) {
    const seen = observed.get(cluster);
    if (seen) observed.set(cluster, { ...seen, targetDigest });
  }
  const state = startRollout(
    input.strategy,
    {
      release: { ...release, removes, reason: input.strategy.reason ?? 'release' },
      observed,
      facts: input.facts,
      nowMs,
    },
    input.matches,
    held,
  );
  const decisions = [...back].map(([cluster, targetDigest]): AssignmentDecision => {
    const about = { cluster, application, targetDigest, releaseId: release.id, revisionId };
    return { ...about, reason: 'rollback', removed: false };
  });
  return { release, state, decisions };
}

/** Somebody who was assigned has; who only joined what was given up had nothing before. */
function hasGoneBack({ clusters }: RolloutState): boolean {
  for (const [, { assignedAtMs, rolledBackAtMs }] of clusterEntries(clusters))
    if (assignedAtMs !== undefined && rolledBackAtMs !== undefined) return true;
  return false;
}

/**
 * What is held, and who goes back to what. A rollout that is superseded, or was aborted, on its way back has failed all the same: its Targets are held as if it had come to its end, and
 * clusters that the revision would leave with them go back together, since no wave of theirs goes on.
 */
function takenBack(
  { wanted, observed, blocked }: StrategyReleaseInput,
  before: StrategyReleaseInput['before'],
): { readonly held: readonly Digest[]; readonly back: ReadonlyMap<string, Digest> } {
  const back = new Map<string, Digest>();
  if (before === undefined) return { held: [], back };
  const { state } = before;
  const release = { targets: targetsOf(state, before.targets), removes: new Set(state.removes) };
  if (state.phase === 'Aborted' && hasGoneBack(state)) return { held: heldAfter(state, release), back };
  if (state.phase !== 'RollingBack') return { held: state.held, back };
  for (const cluster of state.waves.flatMap(({ clusters }) => clusters)) {
    const failed = release.targets[cluster];
    if (release.removes.has(cluster) || wanted.get(cluster) !== failed || blocked?.has(cluster)) continue;
    const previous = clusterState(state.clusters, cluster)?.previous;
    if (previous !== undefined && mustGoBack(state, cluster, { release, observed }))
      back.set(cluster, previous);
  }
  return { held: heldAfter(state, release), back };
}
