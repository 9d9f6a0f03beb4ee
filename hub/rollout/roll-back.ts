/** The way back: each touched cluster to the Target with which it was last healthy. */
import type { AssignmentDecision } from '../model/release.ts';
import type { RolloutInput } from './advance-rollout.ts';
import {
  type ClusterState,
  isAssigned,
  type RolloutChange,
  type RolloutState,
  type WaveState,
} from './rollout-state.ts';

export interface BackPass {
  readonly state: RolloutState;
  readonly decisions: readonly AssignmentDecision[];
  readonly changes: readonly RolloutChange[];
  readonly nextAtMs: undefined;
}

/** It has the failed Target, and a healthy one to go back to. */
function mustGoBack(state: RolloutState, cluster: string, { release, observed }: RolloutInput): boolean {
  const known = state.clusters[cluster];
  if (known?.assignedAtMs === undefined || known.previous === undefined) return false;
  if (known.previous === release.targets[cluster]) return false;
  return known.rolledBackAtMs === undefined && isAssigned(release, cluster, observed.get(cluster));
}

/** Gone back, and healthy again there; what is away or has nowhere to go is not waited for. */
function isBack(
  known: ClusterState | undefined,
  cluster: string,
  { observed, release }: RolloutInput,
): boolean {
  if (known?.rolledBackAtMs === undefined) return true;
  const seen = observed.get(cluster);
  if (seen === undefined || !seen.connected) return true;
  // Decided just now: not in what is observed yet.
  if (isAssigned(release, cluster, seen)) return false;
  return seen.targetDigest !== known.previous || seen.acknowledgements?.healthyAtMs !== undefined;
}

/** Rollbacks heed no window and no bound on clusters in flight: what is broken is to be mended. */
export function rollBack(start: RolloutState, input: RolloutInput): BackPass {
  const { release, nowMs } = input;
  const decisions: AssignmentDecision[] = [];
  const clusters = { ...start.clusters };
  const touched = start.waves.filter(({ startedAtMs }) => startedAtMs !== undefined);
  const order: readonly WaveState[] = touched.toReversed();
  for (const wave of order) {
    for (const cluster of wave.clusters) {
      const known = clusters[cluster];
      if (known?.previous === undefined || !mustGoBack(start, cluster, input)) continue;
      clusters[cluster] = { ...known, rolledBackAtMs: nowMs };
      decisions.push({
        cluster,
        application: release.application,
        targetDigest: known.previous,
        releaseId: release.id,
        revisionId: release.revisionId,
        reason: 'rollback',
        removed: false,
      });
    }
    const waits = wave.clusters.some((cluster) => !isBack(clusters[cluster], cluster, input));
    if (start.strategy.rollbackSpeed === 'waves' && waits) break;
  }
  const state: RolloutState = decisions.length === 0 ? start : { ...start, clusters };
  const left = order.some((wave) =>
    wave.clusters.some(
      (cluster) => mustGoBack(state, cluster, input) || !isBack(state.clusters[cluster], cluster, input),
    ),
  );
  if (left || decisions.length > 0) return { state, decisions, changes: [], nextAtMs: undefined };
  return { ...finish(state, input), decisions, nextAtMs: undefined };
}

/**
 * Ends it. Every Target of the release is held, those of clusters that it had not reached too: an unrelated commit must not bring it back. A cluster that had
 * nothing healthy to go back to keeps what it has, and the rollout stays paused for somebody to decide.
 */
function finish(state: RolloutState, { release, nowMs }: RolloutInput) {
  const stuck = Object.entries(state.clusters)
    .filter(([, known]) => known.assignedAtMs !== undefined && known.previous === undefined)
    .map(([cluster]) => cluster)
    .sort();
  const targets = state.waves.flatMap(({ clusters }) => clusters.map((cluster) => release.targets[cluster]));
  const held = [...new Set([...state.held, ...targets.filter((digest) => digest !== undefined)])];
  if (stuck.length === 0) {
    const change: RolloutChange = { type: 'rollout.rolled-back', message: 'rolled back' };
    return { state: { ...state, phase: 'RolledBack' as const, endedAtMs: nowMs, held }, changes: [change] };
  }
  const more = stuck.length > namedMax ? ` and ${stuck.length - namedMax} more` : '';
  const named = `${stuck.slice(0, namedMax).join(', ')}${more}`;
  const why = state.stopped === undefined ? '' : `; it had failed: ${state.stopped.reason}`;
  const message = `rolled back, but for clusters that had no healthy Target to go back to: ${named}${why}`;
  const stopped = { ...(state.stopped ?? failure), reason: message, atMs: nowMs };
  const change: RolloutChange = { type: 'rollout.paused', message };
  return { state: { ...state, phase: 'Paused' as const, stopped, held }, changes: [change] };
}

const failure = { by: 'failure', actor: 'fairway' } as const;
const namedMax = 10;
