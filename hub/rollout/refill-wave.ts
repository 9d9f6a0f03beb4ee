import { amountOf } from '../model/strategy.ts';
import { bringIn } from './amend-rollout.ts';
import { clusterState } from './cluster-states.ts';
import { type ClusterFacts, type SelectorMatch, specOf } from './plan-waves.ts';
import type { ObservedCluster, RolloutState } from './rollout-state.ts';

interface Input {
  readonly observed: ReadonlyMap<string, ObservedCluster>;
  readonly facts: ReadonlyMap<string, ClusterFacts>;
  readonly nowMs: number;
  readonly matches?: SelectorMatch | undefined;
}

function isHere(cluster: string, { observed, nowMs }: Input): boolean {
  const seen = observed.get(cluster);
  return (seen?.connected ?? false) || (seen?.expectedUntilMs ?? 0) > nowMs;
}

/** Clusters that only lose the application while others get it. */
function leaversOf({ waves, removes = [] }: RolloutState): ReadonlySet<string> {
  const leaves = new Set(removes);
  const someCome = leaves.size > 0 && waves.some(({ clusters }) => clusters.some((one) => !leaves.has(one)));
  return someCome ? leaves : new Set();
}

/** Clusters of later waves that have not begun, which are there and could go first, as many as are wanted. */
function substitutes(state: RolloutState, index: number, wanted: number, input: Input): readonly string[] {
  const pairOf = (cluster: string) => input.facts.get(cluster)?.pair ?? '';
  const taken = new Set<string>();
  const found: string[] = [];
  const leavers = leaversOf(state);
  for (const { clusters, startedAtMs } of state.waves.slice(index + 1)) {
    if (startedAtMs !== undefined) continue;
    for (const cluster of clusters) {
      if (found.length === wanted) return found;
      if (!input.observed.get(cluster)?.connected || clusterState(state.clusters, cluster) !== undefined)
        continue;
      // Who only loses the application shows nothing of the release.
      if (leavers.has(cluster)) continue;
      const pair = pairOf(cluster);
      if (pair !== '' && (state.strategy.pairs === 'together' || taken.has(pair))) continue;
      if (pair !== '' && state.strategy.pairs === 'apart') taken.add(pair);
      found.push(cluster);
    }
  }
  return found;
}

/**
 * A wave that takes a part of the fleet, of which nobody is there or left, or all are to leave, takes others: who was to go first when the rollout began may have gone away since, or
 * nobody was there then. Waves that ask for certain clusters by labels wait for those. Pure.
 */
export function refillWave(state: RolloutState, index: number, input: Input): RolloutState {
  const wave = state.waves[index];
  if (wave === undefined || input.matches === undefined) return state;
  const { take, selector, groupBy } = specOf(state.strategy, wave);
  if (take === undefined || selector !== undefined || groupBy !== '') return state;
  const untouched = wave.clusters.every((cluster) => clusterState(state.clusters, cluster) === undefined);
  const leavers = leaversOf(state);
  const isOne = (cluster: string) => isHere(cluster, input) && !leavers.has(cluster);
  if (!untouched || wave.clusters.some(isOne)) return state;
  const total = state.waves.reduce((sum, { clusters }) => sum + clusters.length, 0);
  // Whoever was to go first may have left the fleet.
  const wanted = wave.clusters.length === 0 ? amountOf(take, total, 'up') : wave.clusters.length;
  const come = substitutes(state, index, wanted, input);
  if (come.length === 0) return state;
  const out = wave.clusters.slice(0, come.length);
  const left = new Set(come);
  const waves = state.waves.map((one, at) => {
    if (at === index) return { ...one, clusters: [...come, ...one.clusters.slice(come.length)] };
    const stays = one.clusters.filter((cluster) => !left.has(cluster));
    return stays.length === one.clusters.length ? one : { ...one, clusters: stays };
  });
  const { facts, matches, nowMs } = input;
  const moved: RolloutState = { ...state, waves };
  return out.reduce<RolloutState>(
    (next, cluster) => bringIn(next, cluster, { facts, matches, nowMs }),
    moved,
  );
}
