import { amountOf } from '../model/strategy.ts';
import { bringIn } from './amend-rollout.ts';
import { clusterState } from './cluster-states.ts';
import { type ClusterFacts, type SelectorMatch, specOf } from './plan-waves.ts';
import { reopened } from './reopen-wave.ts';
import type { ClusterState, ObservedCluster, RolloutState } from './rollout-state.ts';

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

function pairOf(cluster: string, { facts }: Input): string {
  return facts.get(cluster)?.pair ?? '';
}

/** It was assigned, or set aside by somebody. Of one that got the release and is to leave now, only what it had before is known. */
function isReached({ clusters }: RolloutState, cluster: string): boolean {
  const known = clusterState(clusters, cluster);
  return known?.assignedAtMs !== undefined || known?.excluded !== undefined;
}

/** The release has not come to it, and nobody has said anything of it: what was before the release may have. */
function isUntouched(known: ClusterState | undefined): boolean {
  return known === undefined || (known.givenLastAtMs !== undefined && known.excluded === undefined);
}

/** Clusters that only lose the application while others get it. */
function leaversOf({ waves, removes = [] }: RolloutState): ReadonlySet<string> {
  const leaves = new Set(removes);
  const someCome = leaves.size > 0 && waves.some(({ clusters }) => clusters.some((one) => !leaves.has(one)));
  return someCome ? leaves : new Set();
}

/**
 * Clusters of later waves that have not begun, which are there and could go first, as many as are wanted.
 *
 * @param stay members of the wave that they come into.
 */
function substitutes(
  state: RolloutState,
  index: number,
  { wanted, stay }: { readonly wanted: number; readonly stay: readonly string[] },
  input: Input,
): readonly string[] {
  const apart = state.strategy.pairs === 'apart';
  const taken = new Set(apart ? stay.map((cluster) => pairOf(cluster, input)) : []);
  const found: string[] = [];
  const leavers = leaversOf(state);
  for (const { clusters, startedAtMs } of state.waves.slice(index + 1)) {
    if (startedAtMs !== undefined) continue;
    for (const cluster of clusters) {
      if (found.length === wanted) return found;
      if (!input.observed.get(cluster)?.connected || !isUntouched(clusterState(state.clusters, cluster)))
        continue;
      // Who only loses the application shows nothing of the release.
      if (leavers.has(cluster)) continue;
      const pair = pairOf(cluster, input);
      if (pair !== '' && (state.strategy.pairs === 'together' || taken.has(pair))) continue;
      if (pair !== '' && apart) taken.add(pair);
      found.push(cluster);
    }
  }
  return found;
}

/** Of those who may go out of the wave as many as come into it, the other sides of their pairs first. */
function whoGoes(
  clusters: readonly string[],
  stay: readonly string[],
  come: readonly string[],
  input: Input,
): ReadonlySet<string> {
  const pairs = new Set(come.map((cluster) => pairOf(cluster, input)).filter((pair) => pair !== ''));
  const isSide = (cluster: string) => pairs.has(pairOf(cluster, input));
  const mayGo = clusters.filter((cluster) => !stay.includes(cluster));
  const ordered = [...mayGo.filter(isSide), ...mayGo.filter((cluster) => !isSide(cluster))];
  return new Set(ordered.slice(0, come.length));
}

/**
 * A wave that takes a part of the fleet, of which nobody is there or left, or all are to leave, takes others: who was to go first when the rollout began may have gone away since, or
 * nobody was there then. What was said of a soak or after it was said of those who are not in it any more. Waves that ask for certain clusters by labels wait for those. Pure.
 */
export function refillWave(state: RolloutState, index: number, input: Input): RolloutState {
  const wave = state.waves[index];
  if (wave === undefined || input.matches === undefined) return state;
  const { take, selector, groupBy } = specOf(state.strategy, wave);
  if (take === undefined || selector !== undefined || groupBy !== '') return state;
  const leavers = leaversOf(state);
  const isOne = (cluster: string) =>
    !leavers.has(cluster) && (isReached(state, cluster) || isHere(cluster, input));
  if (wave.clusters.some(isOne)) return state;
  const total = state.waves.reduce((sum, { clusters }) => sum + clusters.length, 0);
  const missing = wave.clusters.filter((cluster) => !isReached(state, cluster)).length;
  // Whoever was to go first may have left the fleet.
  const wanted = wave.clusters.length === 0 ? amountOf(take, total, 'up') : Math.max(1, missing);
  // Who had the release already leaves with its wave: later it would have what may be taken back by then.
  const stay = wave.clusters.filter(
    (cluster) => isReached(state, cluster) || clusterState(state.clusters, cluster)?.previous !== undefined,
  );
  const come = substitutes(state, index, { wanted, stay }, input);
  if (come.length === 0) return state;
  const out = whoGoes(wave.clusters, stay, come, input);
  const left = new Set(come);
  const waves = state.waves.map((one, at) => {
    if (at === index)
      return { ...reopened(one), clusters: [...come, ...one.clusters.filter((name) => !out.has(name))] };
    const stays = one.clusters.filter((cluster) => !left.has(cluster));
    return stays.length === one.clusters.length ? one : { ...one, clusters: stays };
  });
  const { facts, matches, nowMs } = input;
  const moved: RolloutState = { ...state, waves };
  return [...out].reduce<RolloutState>(
    (next, cluster) => bringIn(next, cluster, { facts, matches, nowMs }),
    moved,
  );
}
