import { clusterState } from './cluster-states.ts';
import { type ClusterFacts, isPart, type SelectorMatch, specOf, waveFor } from './plan-waves.ts';
import { reopenWaves } from './reopen-wave.ts';
import type { RolloutState } from './rollout-state.ts';

/** With this cluster the wave would hold both sides of a pair that is to be apart, or it would lose the other side of one that is to be together. */
function partsPair(
  { strategy }: RolloutState,
  { pair }: ClusterFacts,
  members: readonly string[],
  facts: ReadonlyMap<string, ClusterFacts>,
): boolean {
  if (pair === '' || strategy.pairs === 'any') return false;
  return strategy.pairs === 'together' || members.some((name) => facts.get(name)?.pair === pair);
}

/**
 * Clusters that wait for their turn go to the wave that their labels name now; the rollout goes on. Those that were assigned stay where they are, and
 * so do those of waves that take only a part, since who is of that part was chosen when the rollout began.
 */
export function moveClusters(
  state: RolloutState,
  facts: ReadonlyMap<string, ClusterFacts>,
  matches: SelectorMatch,
): RolloutState {
  const moves = new Map<string, number>();
  for (const wave of state.waves) {
    if (specOf(state.strategy, wave).take !== undefined) continue;
    for (const cluster of wave.clusters) {
      const known = facts.get(cluster);
      if (known === undefined || clusterState(state.clusters, cluster)?.assignedAtMs !== undefined) continue;
      const to = waveFor(state.strategy, state.waves, known, matches);
      const target = to === undefined ? undefined : state.waves[to];
      if (to === undefined || target === undefined || isPart(wave.name, target.name)) continue;
      if (specOf(state.strategy, target).take !== undefined) continue;
      const come = [...moves].filter(([, where]) => where === to).map(([name]) => name);
      if (partsPair(state, known, [...target.clusters, ...come], facts)) continue;
      moves.set(cluster, to);
    }
  }
  if (moves.size === 0) return state;
  const waves = state.waves.map((wave, index) => {
    const stay = wave.clusters.filter((cluster) => !moves.has(cluster));
    const come = [...moves].filter(([, to]) => to === index).map(([cluster]) => cluster);
    return stay.length === wave.clusters.length && come.length === 0
      ? wave
      : { ...wave, clusters: [...stay, ...come], whole: undefined };
  });
  return reopenWaves({ ...state, waves }, new Set(moves.values()));
}

/** Clusters move when labels or waves have changed: where neither has, since nobody had to, nobody is looked at. The same facts must be the same object. */
export function createMover(
  matches: SelectorMatch,
): (state: RolloutState, facts: ReadonlyMap<string, ClusterFacts>) => RolloutState {
  const stays = new WeakMap<RolloutState['waves'], ReadonlyMap<string, ClusterFacts>>();
  return (state, facts) => {
    if (stays.get(state.waves) === facts) return state;
    const moved = moveClusters(state, facts, matches);
    if (moved === state) stays.set(state.waves, facts);
    return moved;
  };
}
