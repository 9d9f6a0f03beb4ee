/** The way back: each touched cluster to the Target with which it was last healthy. */

import type { Digest } from '../../shared/manifest/canonical.ts';
import type { AssignmentDecision } from '../model/release.ts';
import type { RolloutInput } from './advance-rollout.ts';
import { clusterEntries, clusterState, withClusters } from './cluster-states.ts';
import { someOf } from './held-clusters.ts';
import {
  type ClusterState,
  isAssigned,
  type ObservedCluster,
  type RolloutChange,
  type RolloutRelease,
  type RolloutState,
  type WaveState,
} from './rollout-state.ts';

export interface BackPass {
  readonly state: RolloutState;
  readonly decisions: readonly AssignmentDecision[];
  readonly changes: readonly RolloutChange[];
  /** When somebody who is not healthy there is waited for no more; undefined: nobody is waited for. */
  readonly nextAtMs: number | undefined;
}

export interface BackInput {
  readonly release: Pick<RolloutRelease, 'targets' | 'removes'>;
  readonly observed: RolloutInput['observed'];
}

/** It has the failed Target, and a healthy one to go back to: it was assigned, or was to leave after that and did not. */
export function mustGoBack(state: RolloutState, cluster: string, { release, observed }: BackInput): boolean {
  const known = clusterState(state.clusters, cluster);
  if (known?.previous === undefined) return false;
  if (known.previous === release.targets[cluster]) return false;
  return known.rolledBackAtMs === undefined && isAssigned(release, cluster, observed.get(cluster));
}

/** It got the failed Target by this release, and had nothing healthy before. */
function isStuck(state: RolloutState, cluster: string, { release, observed }: BackInput): boolean {
  const known = clusterState(state.clusters, cluster);
  // Who leaves goes on leaving.
  if (known?.previous !== undefined || release.removes.has(cluster)) return false;
  // Who was to leave and is wanted again before it did is as new, but for what it has.
  const has = isAssigned(release, cluster, observed.get(cluster));
  return known?.assignedAtMs !== undefined || has;
}

function namesOf({ clusters }: RolloutState): readonly string[] {
  return [...clusterEntries(clusters)].map(([cluster]) => cluster);
}

/** Until when a cluster that has gone back is waited for at the latest. */
export function waitedUntilMs({ strategy }: RolloutState, rolledBackAtMs: number): number {
  return rolledBackAtMs + strategy.healthTimeoutMs;
}

/** Until when one that is away is expected back; undefined: it is not, or it is there. After a restart of the hub nobody is there for a moment: that must not let all waves go at once. */
export function expectedUntilMs(seen: ObservedCluster | undefined, nowMs: number): number | undefined {
  const untilMs = seen === undefined || seen.connected ? undefined : seen.expectedUntilMs;
  return untilMs !== undefined && untilMs > nowMs ? untilMs : undefined;
}

/**
 * Gone back, and healthy again there; what is away (and not expected back) or has nowhere to go is not waited for, and nobody longer than `healthTimeout`: a
 * cluster that is ill for another reason must not keep those of earlier waves on what failed.
 */
export function isBack(
  state: RolloutState,
  cluster: string,
  { observed, release, nowMs }: RolloutInput,
): boolean {
  const known = clusterState(state.clusters, cluster);
  if (known?.rolledBackAtMs === undefined) return true;
  const seen = observed.get(cluster);
  if (seen === undefined) return true;
  if (!seen.connected && expectedUntilMs(seen, nowMs) === undefined) return true;
  if (nowMs >= waitedUntilMs(state, known.rolledBackAtMs)) return true;
  // It was forgotten since: nothing is there that could become healthy.
  if (seen.targetDigest === undefined) return known.rolledBackAtMs < nowMs;
  // Decided just now: not in what is observed yet.
  if (isAssigned(release, cluster, seen)) return false;
  return seen.targetDigest !== known.previous || seen.acknowledgements?.healthyAtMs !== undefined;
}

/** It has begun, or somebody of it was assigned in another. */
function isTouched(state: RolloutState, wave: WaveState, input: RolloutInput): boolean {
  if (wave.startedAtMs !== undefined) return true;
  return wave.clusters.some(
    (cluster) =>
      clusterState(state.clusters, cluster)?.rolledBackAtMs !== undefined ||
      mustGoBack(state, cluster, input),
  );
}

/** Rollbacks heed no window and no bound on clusters in flight: what is broken is to be mended. */
export function rollBack(start: RolloutState, input: RolloutInput): BackPass {
  const { release, nowMs } = input;
  const decisions: AssignmentDecision[] = [];
  let { clusters } = start;
  const touched = start.waves.filter((wave) => isTouched(start, wave, input));
  const order: readonly WaveState[] = touched.toReversed();
  for (const wave of order) {
    const back: [string, ClusterState][] = [];
    for (const cluster of wave.clusters) {
      const known = clusterState(clusters, cluster);
      if (known?.previous === undefined || !mustGoBack(start, cluster, input)) continue;
      back.push([cluster, { ...known, rolledBackAtMs: nowMs }]);
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
    clusters = withClusters(clusters, back);
    const now = { ...start, clusters };
    const waits = wave.clusters.some((cluster) => !isBack(now, cluster, input));
    if (start.strategy.rollbackSpeed === 'waves' && waits) break;
  }
  const state: RolloutState = decisions.length === 0 ? start : { ...start, clusters };
  const members = order.flatMap((wave) => wave.clusters);
  const waited = members.filter((cluster) => !isBack(state, cluster, input));
  const left = waited.length > 0 || members.some((cluster) => mustGoBack(state, cluster, input));
  if (!left && decisions.length === 0) return { ...finish(state, input), decisions, nextAtMs: undefined };
  let nextAtMs: number | undefined;
  for (const cluster of waited) {
    const healthyByMs = waitedUntilMs(state, clusterState(state.clusters, cluster)?.rolledBackAtMs ?? nowMs);
    const at = Math.min(healthyByMs, expectedUntilMs(input.observed.get(cluster), nowMs) ?? healthyByMs);
    nextAtMs = Math.min(nextAtMs ?? at, at);
  }
  return { state, decisions, changes: [], nextAtMs };
}

/**
 * All Targets of what is taken back, and those that were held before, the newest first as far as there is room. What takes the application out of a cluster is
 * not among them: it is the same Target wherever that happens, and no cluster could leave any more.
 */
export function heldAfter(state: RolloutState, release: BackInput['release']): readonly Digest[] {
  const mine = state.waves.flatMap(({ clusters }) =>
    clusters.flatMap((cluster) => (release.removes.has(cluster) ? [] : (release.targets[cluster] ?? []))),
  );
  const failed = new Set(mine);
  const before = state.held.filter((digest) => !failed.has(digest));
  const room = Math.max(0, heldMax - failed.size);
  return [...(room === 0 ? [] : before.slice(-room)), ...failed];
}

/** Not counting what a single rollout holds. */
export const heldMax = 10_000;

/**
 * Ends it. Every Target of the release is held, those of clusters that it had not reached too: an unrelated commit must not bring it back. A cluster that had
 * nothing healthy to go back to keeps what it has, and the rollout stays paused for somebody to decide.
 */
function finish(state: RolloutState, { release, observed, nowMs }: RolloutInput) {
  const stuck = [...new Set([...state.waves.flatMap(({ clusters }) => clusters), ...namesOf(state)])]
    .filter((cluster) => isStuck(state, cluster, { release, observed }))
    .sort();
  const held = heldAfter(state, release);
  if (stuck.length === 0) {
    const message = `rolled back${describeIll(state, observed)}`;
    const change: RolloutChange = { type: 'rollout.rolled-back', message };
    return { state: { ...state, phase: 'RolledBack' as const, endedAtMs: nowMs, held }, changes: [change] };
  }
  const named = someOf(stuck);
  const why = state.stopped === undefined ? '' : `; it had failed: ${state.stopped.reason}`;
  const message = `rolled back, but for clusters that had no healthy Target to go back to: ${named}${why}`;
  const stopped = { ...(state.stopped ?? failure), reason: message, atMs: nowMs };
  const change: RolloutChange = { type: 'rollout.paused', message };
  return { state: { ...state, phase: 'Paused' as const, stopped, held }, changes: [change] };
}

/** Those who were waited for long enough. */
function describeIll({ clusters }: RolloutState, observed: RolloutInput['observed']): string {
  const ill = [...clusterEntries(clusters)].filter(([cluster, known]) => {
    const seen = observed.get(cluster);
    const isThere = seen?.connected && seen.targetDigest === known.previous;
    return known.rolledBackAtMs !== undefined && isThere && seen.acknowledgements?.healthyAtMs === undefined;
  });
  return ill.length === 0 ? '' : `; not healthy there: ${someOf(ill.map(([cluster]) => cluster).sort())}`;
}

const failure = { by: 'failure', actor: 'fairway' } as const;
