/** A wave that cannot go on since as many clusters as it bears are not healthy, though nobody is in flight: it waits for them, but not for ever. Pure. */
import type { RolloutInput } from './advance-rollout.ts';
import { heldUpBy } from './choose-clusters.ts';
import { clusterState } from './cluster-states.ts';
import { someOf } from './held-clusters.ts';
import { specOf } from './plan-waves.ts';
import { putWave, type RolloutChange, type RolloutState, type WaveState } from './rollout-state.ts';
import { stopFor } from './stop-for.ts';
import { boundsOf } from './wave-bounds.ts';

export interface HeldUpPass {
  readonly state: RolloutState;
  readonly changes: readonly RolloutChange[];
  /** When it is waited for them no more; undefined: nothing is held up. */
  readonly nextAtMs: number | undefined;
}

/** Until when a wave waits for those who hold it up; undefined: nobody does. */
export function heldUpUntilMs({ strategy }: RolloutState, { heldUpSinceMs }: WaveState): number | undefined {
  return heldUpSinceMs === undefined ? undefined : heldUpSinceMs + strategy.healthTimeoutMs;
}

/** Who holds it up, and with what. */
export function describeHeldUp(state: RolloutState, wave: WaveState, input: RolloutInput): string {
  const by = heldUpBy(state, wave, input);
  const [first = ''] = by;
  const { unavailable } = boundsOf(specOf(state.strategy, wave), wave.clusters.length);
  const known = clusterState(state.clusters, first)?.failure?.message;
  const said = known ?? input.observed.get(first)?.report?.message ?? '';
  const why = said === '' ? '' : by.length === 1 ? `: ${said}` : ` (${first}: ${said})`;
  const are = by.length === 1 ? 'is' : 'are';
  return `${someOf(by)} ${are} not healthy${why}; no other may become so (maxUnavailable: ${unavailable} of ${wave.clusters.length})`;
}

/**
 * Notes since when the wave under way is held up. After `healthTimeout` the rollout stops as its strategy says: within its budget of failures it could neither go on nor end.
 * Ask for the state after its assignments.
 *
 * @param mayStop nothing was decided in this pass: who came back to an earlier wave is told first, since one that stops keeps no other decisions.
 */
export function noteHeldUp(state: RolloutState, input: RolloutInput, mayStop: boolean): HeldUpPass {
  const index = state.waves.findIndex(({ endedAtMs }) => endedAtMs === undefined);
  const wave = state.waves[index];
  if (wave?.startedAtMs === undefined || state.phase !== 'Progressing')
    return { state, changes: [], nextAtMs: undefined };
  if (heldUpBy(state, wave, input).length === 0) {
    const free =
      wave.heldUpSinceMs === undefined ? state : putWave(state, index, { heldUpSinceMs: undefined });
    return { state: free, changes: [], nextAtMs: undefined };
  }
  const heldUpSinceMs = wave.heldUpSinceMs ?? input.nowMs;
  const noted = wave.heldUpSinceMs === undefined ? putWave(state, index, { heldUpSinceMs }) : state;
  const untilMs = heldUpSinceMs + state.strategy.healthTimeoutMs;
  if (input.nowMs < untilMs || !mayStop)
    return { state: noted, changes: [], nextAtMs: Math.max(untilMs, input.nowMs) };
  const again = putWave(noted, index, { heldUpSinceMs: undefined });
  const [stopped, change] = stopFor(
    again,
    `wave ${wave.name}: ${describeHeldUp(noted, wave, input)}`,
    input.nowMs,
  );
  return { state: stopped, changes: [change], nextAtMs: undefined };
}
