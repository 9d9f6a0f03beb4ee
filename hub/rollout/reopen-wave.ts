/** A wave that ended with nobody in it has shown nothing: who comes into it goes first after all. Pure. */

import { isOver, type RolloutState, type WaveState } from './rollout-state.ts';
import { statesIn } from './wave-index.ts';

/** Nobody who was away proves anything: of the waves so far some cluster has to have been reached, or set aside by somebody. */
export function isUnproven(state: RolloutState, index: number): boolean {
  return !state.waves
    .slice(0, index + 1)
    .some(({ clusters }) =>
      statesIn(state.clusters, clusters).some(
        (known) => known?.countedAtMs !== undefined || known?.failure || known?.excluded,
      ),
    );
}

/** What was said of its soak, its analyses and after it was said of nobody. */
export function reopened({ name, spec, clusters, startedAtMs, ...wave }: WaveState): WaveState {
  const { approvalAskedAtMs, approvedBefore } = wave;
  return { name, spec, clusters, startedAtMs, approvalAskedAtMs, approvedBefore };
}

/**
 * Opens the waves again that somebody has come into though they ended, where no cluster of them or before them was ever reached, and none after them has begun.
 * What has begun since goes on. The same state where there is none.
 *
 * @param come indexes of the waves that somebody has come into.
 */
export function reopenWaves(state: RolloutState, come: ReadonlySet<number>): RolloutState {
  if (isOver(state) || state.phase === 'RollingBack' || state.lifted) return state;
  const isEmptied = (index: number) =>
    state.waves[index]?.endedAtMs !== undefined &&
    isUnproven(state, index) &&
    state.waves.slice(index + 1).every(({ startedAtMs }) => startedAtMs === undefined);
  const open = new Set([...come].filter(isEmptied));
  if (open.size === 0) return state;
  return { ...state, waves: state.waves.map((wave, index) => (open.has(index) ? reopened(wave) : wave)) };
}
