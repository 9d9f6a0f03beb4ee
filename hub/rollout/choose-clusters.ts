/** Which clusters may be assigned now, within every bound of their waves. */

import type { RolloutInput } from './advance-rollout.ts';
import { clusterState } from './cluster-states.ts';
import { specOf } from './plan-waves.ts';
import type { ClusterState, RolloutState, WaveState } from './rollout-state.ts';
import { boundsOf, type WaveBounds } from './wave-bounds.ts';
import { statesIn } from './wave-index.ts';
import { opennessAt } from './windows.ts';

/** Assigned, and neither counted nor failed. One whose agent went away since may have been broken by the release: it is still in flight. */
export function isInFlight(state: RolloutState, cluster: string): boolean {
  return isFlying(clusterState(state.clusters, cluster));
}

function isFlying(known: ClusterState | undefined): boolean {
  if (known?.assignedAtMs === undefined || known.countedAtMs !== undefined) return false;
  if (known.assignedAway) return false;
  return known.failure === undefined && known.excluded === undefined;
}

/** Not healthy with what it has, as far as its agent says. Who was set aside counts no more, nor does whom its wave has ended without: it may stay so for good. */
function isUnavailable(
  cluster: string,
  known: ClusterState | undefined,
  { endedAtMs }: WaveState,
  observed: RolloutInput['observed'],
): boolean {
  if (known?.excluded !== undefined) return false;
  if (isLost(known) && (known?.assignedAtMs ?? 0) < (endedAtMs ?? 0)) return false;
  const seen = observed.get(cluster);
  if (!seen?.connected || seen.targetDigest === undefined) return false;
  return seen.report !== undefined && seen.report.health !== 'Current';
}

/** Candidates of one wave, in its order. What leaves a cluster needs no agent to be decided. */
function candidatesOf(
  state: RolloutState,
  wave: WaveState,
  { observed, release, blocked }: RolloutInput,
): readonly string[] {
  const states = statesIn(state.clusters, wave.clusters);
  return wave.clusters.filter((cluster, at) => {
    const known = states[at];
    if (known?.assignedAtMs !== undefined || known?.excluded !== undefined) return false;
    if (blocked?.has(cluster)) return false;
    if (state.strategy.assignsAway || release.removes.has(cluster)) return true;
    return observed.get(cluster)?.connected ?? false;
  });
}

/**
 * Those that came late to a rollout which is complete, and failed, when they are more than their wave bears: nobody follows them until somebody retries them.
 * Who was healthy with the release and has failed since says nothing against it.
 */
export function lateFailures(state: RolloutState): readonly string[] {
  if (state.phase !== 'Complete' || state.strategy.onFailure === 'continue') return [];
  return state.waves.flatMap((wave) => {
    const states = wave.whole ? [] : statesIn(state.clusters, wave.clusters);
    const failed = wave.clusters.filter((_, at) => isLost(states[at]));
    const { failures } = boundsOf(specOf(state.strategy, wave), wave.clusters.length);
    return failed.length > failures ? failed : [];
  });
}

/** It failed before it was ever counted, and nobody has set it aside. */
function isLost(known: ClusterState | undefined): boolean {
  return known?.failure !== undefined && known.excluded === undefined && known.countedAtMs === undefined;
}

interface Busy {
  readonly inFlight: readonly string[];
  /** In flight, or not healthy. */
  readonly busy: ReadonlySet<string>;
  readonly bounds: WaveBounds;
}

function busyIn(state: RolloutState, wave: WaveState, { observed }: RolloutInput): Busy {
  const bounds = boundsOf(specOf(state.strategy, wave), wave.clusters.length);
  const states = statesIn(state.clusters, wave.clusters);
  const inFlight = wave.clusters.filter((_, at) => isFlying(states[at]));
  const busy = new Set(inFlight);
  for (const [at, cluster] of wave.clusters.entries())
    if (isUnavailable(cluster, states[at], wave, observed)) busy.add(cluster);
  return { inFlight, busy, bounds };
}

/** Who keeps all others from being assigned by not being healthy, while nobody is in flight. Empty: nobody does. */
export function heldUpBy(state: RolloutState, wave: WaveState, input: RolloutInput): readonly string[] {
  if (!opennessAt(state.strategy, input.nowMs).open) return [];
  if (statesIn(state.clusters, wave.clusters).some(isFlying)) return [];
  const candidates = candidatesOf(state, wave, input);
  if (candidates.length === 0) return [];
  const { busy, bounds } = busyIn(state, wave, input);
  const isFull = busy.size >= bounds.unavailable;
  return isFull && !candidates.some((cluster) => busy.has(cluster)) ? [...busy] : [];
}

/** @param others at work in other waves: regions and sides of a pair are kept apart over all of them. */
function chooseOfWave(
  state: RolloutState,
  wave: WaveState,
  input: RolloutInput,
  others: readonly string[],
): readonly string[] {
  const candidates = candidatesOf(state, wave, input);
  if (candidates.length === 0) return [];
  const { facts } = input;
  const { inFlight, busy, bounds } = busyIn(state, wave, input);
  let room = bounds.concurrent - inFlight.length;
  let spare = bounds.unavailable - busy.size;
  const regionOf = (cluster: string) => facts.get(cluster)?.region ?? '';
  const pairOf = (cluster: string) => facts.get(cluster)?.pair ?? '';
  const atWork = [...inFlight, ...others];
  const apart = state.strategy.regions === 'apart';
  const inUse = apart ? atWork.map(regionOf) : [];
  const [region = regionOf(candidates[0] ?? ''), ...more] = inUse;
  // What a cluster that was away was assigned (a removal) may be at work in a second region by now: nothing is added to two at once.
  if (apart && more.some((other) => other !== region)) return [];
  const pairs = new Set(state.strategy.pairs === 'apart' ? atWork.map(pairOf) : []);
  const chosen: string[] = [];
  for (const cluster of candidates) {
    if (room <= 0) break;
    if (apart && regionOf(cluster) !== region) continue;
    if (pairOf(cluster) !== '' && pairs.has(pairOf(cluster))) continue;
    // One that is unavailable already costs nothing more.
    if (!busy.has(cluster)) {
      if (spare <= 0) continue;
      spare -= 1;
    }
    room -= 1;
    chosen.push(cluster);
  }
  return chosen;
}

/** In flight, by wave. Whose agent went away is nobody that another wave waits for: it may stay away for good. */
function atWorkIn(state: RolloutState, waves: readonly WaveState[], { observed }: RolloutInput) {
  return waves.map(({ clusters }) => {
    const states = statesIn(state.clusters, clusters);
    return clusters.filter((name, at) => isFlying(states[at]) && observed.get(name)?.connected);
  });
}

/**
 * Of all waves that have begun: those that ended bring in who has come back. Bounds are those of each wave; regions, and the sides of a pair, that are to go one after the
 * other do so over all waves.
 */
export function chooseClusters(state: RolloutState, input: RolloutInput): readonly string[] {
  if (lateFailures(state).length > 0) return [];
  const waves = state.waves.filter(({ startedAtMs, whole }) => startedAtMs !== undefined && !whole);
  if (state.strategy.regions === 'any' && state.strategy.pairs !== 'apart')
    return waves.flatMap((wave) => chooseOfWave(state, wave, input, []));
  const atWork = waves.length > 1 ? atWorkIn(state, waves, input) : [];
  const chosen: string[] = [];
  for (const [index, wave] of waves.entries()) {
    const others = atWork.flatMap((names, at) => (at === index ? [] : names));
    chosen.push(...chooseOfWave(state, wave, input, [...others, ...chosen]));
  }
  return chosen;
}
