/** A rollout as its history keeps it: a page of summary, and what became of each cluster. Pure. */

import type {
  AnalysisRecord,
  ClusterCounts,
  ClusterRecord,
  RolloutRecord,
  RolloutResult,
  WaveRecord,
} from '../model/rollout-history.ts';
import { clusterState } from './cluster-states.ts';
import { type ClusterState, isOver, type RolloutState, type WaveState } from './rollout-state.ts';
import { statesIn } from './wave-index.ts';

function resultOf(known: ClusterState | undefined): ClusterRecord['result'] {
  if (known?.excluded) return 'Excluded';
  if (known?.rolledBackAtMs !== undefined) return 'RolledBack';
  if (known?.failure) return 'Failed';
  if (known?.countedAtMs !== undefined) return 'Healthy';
  return known?.assignedAtMs === undefined ? 'Untouched' : 'Assigned';
}

/** Where the clusters of a wave, or of several, stand. */
export function countClusters(state: RolloutState, names: readonly string[]): ClusterCounts {
  const counts = { clusters: names.length, healthy: 0, failed: 0, excluded: 0, rolledBack: 0, untouched: 0 };
  for (const known of statesIn(state.clusters, names)) {
    const result = resultOf(known);
    if (result === 'Healthy') counts.healthy += 1;
    else if (result === 'Failed') counts.failed += 1;
    else if (result === 'Excluded') counts.excluded += 1;
    else if (result === 'RolledBack') counts.rolledBack += 1;
    else if (result === 'Untouched') counts.untouched += 1;
  }
  return counts;
}

function recordAnalyses({ analyses = {} }: WaveState): readonly AnalysisRecord[] {
  return Object.entries(analyses).map(([name, answers]) => {
    const count = (verdict: string) => answers.filter((one) => one.verdict === verdict).length;
    return {
      name,
      successes: count('success'),
      failures: count('failure'),
      inconclusive: count('inconclusive'),
      last: answers.at(-1)?.detail ?? '',
    };
  });
}

/** A wave that is whole is not looked at: all of it was counted, and as long as nothing is taken back that is how it stands. */
function countWave(state: RolloutState, { clusters, whole }: WaveState): ClusterCounts {
  const stands = state.phase === 'Progressing' || state.phase === 'Complete';
  if (!whole || !stands) return countClusters(state, clusters);
  const all = clusters.length;
  return { clusters: all, healthy: all, failed: 0, excluded: 0, rolledBack: 0, untouched: 0 };
}

function recordWave(state: RolloutState, wave: WaveState): WaveRecord {
  const { name, startedAtMs, settledAtMs, endedAtMs, approvedBefore, approvedAfter, promoted } = wave;
  return {
    ...{ name, startedAtMs, settledAtMs, endedAtMs, approvedBefore, approvedAfter, promoted },
    ...countWave(state, wave),
    analyses: recordAnalyses(wave),
  };
}

/** Why it ended otherwise than by itself: another release took its place. */
export interface Superseded {
  readonly by: { readonly id: string; readonly revisionId: string };
  readonly result: Extract<RolloutResult, 'Superseded' | 'Reverted'>;
  readonly message: string;
  readonly atMs: number;
}

export function recordRollout(state: RolloutState, superseded?: Superseded): RolloutRecord {
  const { releaseId, application, revisionId, strategy, startedAtMs, stopped } = state;
  const endedAtMs = isOver(state) ? state.endedAtMs : undefined;
  return {
    ...{ id: releaseId, application, revisionId, startedAtMs },
    strategy: strategy.name,
    result: superseded?.result ?? state.phase,
    message: superseded?.message ?? stopped?.reason ?? '',
    endedAtMs: superseded?.atMs ?? endedAtMs,
    supersededBy: superseded?.by,
    waves: state.waves.map((wave) => recordWave(state, wave)),
  };
}

/** In the order of the waves. */
export function recordClusters(state: RolloutState): readonly ClusterRecord[] {
  return state.waves.flatMap((wave) =>
    wave.clusters.map((cluster): ClusterRecord => {
      const known = clusterState(state.clusters, cluster);
      return {
        ...{ cluster, wave: wave.name, result: resultOf(known) },
        message: known?.excluded?.reason ?? known?.failure?.message ?? '',
        assignedAtMs: known?.assignedAtMs,
        appliedAtMs: known?.appliedAtMs,
        healthyAtMs: known?.healthySinceMs,
        countedAtMs: known?.countedAtMs,
        rolledBackAtMs: known?.rolledBackAtMs,
      };
    }),
  );
}
