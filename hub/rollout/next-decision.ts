/** When something is decided at the latest though nobody says anything more: for people who ask how long they wait. Pure. */

import { openClusters, type RolloutInput } from './advance-rollout.ts';
import { analysesOf } from './analyses.ts';
import { isInFlight } from './choose-clusters.ts';
import { clusterState } from './cluster-states.ts';
import { heldUpUntilMs } from './held-up.ts';
import { illClusters, illUntilMs } from './ill-clusters.ts';
import { timerStart } from './observe-clusters.ts';
import { specOf } from './plan-waves.ts';
import type { RolloutState, WaveState } from './rollout-state.ts';
import { soakEndMs } from './soak-end.ts';
import { opennessAt } from './windows.ts';

export interface NextDecision {
  readonly atMs: number;
  readonly what: /** A cluster has been healthy for long enough. */
    | 'counts'
    /** It has failed unless it is healthy by then. */
    | 'times-out'
    /** The rollout stops unless those who hold it up are healthy by then. */
    | 'stops'
    /** It is away from then on, and not waited for. */
    | 'away'
    | 'soak-ends'
    | 'analysis'
    | 'window-opens'
    /** Nothing more is assigned from then on. */
    | 'window-closes'
    /** It is waited for no more, however it does: on the way back with what it had before; of a wave that has soaked, whoever of it is not healthy any more. */
    | 'goes-on'
    /** What waits for another wave to go back first goes back itself. */
    | 'goes-back';
}

function first(found: readonly (NextDecision | undefined)[], nowMs: number): NextDecision | undefined {
  let next: NextDecision | undefined;
  for (const one of found)
    if (one !== undefined && one.atMs > nowMs && one.atMs < (next?.atMs ?? Number.POSITIVE_INFINITY))
      next = one;
  return next;
}

/** Undefined: a window is open, or none opens any more. */
function nextOpening(state: RolloutState, nowMs: number): NextDecision | undefined {
  const open = opennessAt(state.strategy, nowMs);
  if (open.open || open.opensAtMs === undefined) return undefined;
  return { atMs: open.opensAtMs, what: 'window-opens' };
}

/** Undefined: nothing but what somebody says or does. */
export function nextForCluster(
  state: RolloutState,
  wave: WaveState,
  cluster: string,
  { observed, nowMs }: RolloutInput,
): NextDecision | undefined {
  if (state.phase !== 'Progressing' && state.phase !== 'Complete') return undefined;
  const known = clusterState(state.clusters, cluster);
  const seen = observed.get(cluster);
  if (known?.excluded || known?.failure) return undefined;
  if (known?.countedAtMs !== undefined && known.healthySinceMs !== undefined) return undefined;
  if (known?.assignedAtMs === undefined || known.assignedAway) {
    const untilMs = seen?.connected ? undefined : seen?.expectedUntilMs;
    return untilMs !== undefined && untilMs > nowMs ? { atMs: untilMs, what: 'away' } : undefined;
  }
  const { minHealthyMs } = specOf(state.strategy, wave);
  if (known.healthySinceMs !== undefined)
    return first([{ atMs: known.healthySinceMs + minHealthyMs, what: 'counts' }], nowMs);
  const start = seen?.connected ? timerStart(seen, known) : undefined;
  if (start === undefined) return undefined;
  return first([{ atMs: start + state.strategy.healthTimeoutMs, what: 'times-out' }], nowMs);
}

/** Of a wave that soaks: its soak and its analyses. Of one that runs: its clusters, and the window where some are still to be assigned. Of one that waits: the window. */
export function nextForWave(
  state: RolloutState,
  index: number,
  input: RolloutInput,
): NextDecision | undefined {
  const wave = state.waves[index];
  const { nowMs } = input;
  if (wave === undefined || wave.endedAtMs !== undefined || state.phase !== 'Progressing') return undefined;
  if (wave.startedAtMs === undefined) {
    const isNext = state.waves.slice(0, index).every(({ endedAtMs }) => endedAtMs !== undefined);
    return isNext ? nextOpening(state, nowMs) : undefined;
  }
  if (wave.settledAtMs === undefined) {
    const heldUntilMs = heldUpUntilMs(state, wave);
    const stops = heldUntilMs === undefined ? undefined : ({ atMs: heldUntilMs, what: 'stops' } as const);
    const clusters = wave.clusters.map((cluster) => nextForCluster(state, wave, cluster, input));
    const { waiting } = openClusters(state, wave, input);
    const isLeft = waiting.some((cluster) => !isInFlight(state, cluster));
    return first([stops, isLeft ? nextOpening(state, nowMs) : undefined, ...clusters], nowMs);
  }
  const spec = specOf(state.strategy, wave);
  const soak = wave.promoted ? undefined : soakEndMs(wave, spec, input);
  const illMs = illUntilMs(state, wave, input);
  const asked = analysesOf(wave.overruled ? [] : spec.analysis, wave, index, nowMs).nextAtMs;
  return first(
    [
      soak === undefined ? undefined : { atMs: soak, what: 'soak-ends' },
      asked === undefined ? undefined : { atMs: asked, what: 'analysis' },
      illMs === undefined ? undefined : { atMs: illMs, what: 'goes-on' },
      ...illClusters(state, wave).map((cluster) => nextForCluster(state, wave, cluster, input)),
    ],
    nowMs,
  );
}

export function nextForRollout(state: RolloutState, input: RolloutInput): NextDecision | undefined {
  if (state.phase !== 'Progressing') return undefined;
  const open = opennessAt(state.strategy, input.nowMs);
  const turn = open.open ? open.untilMs : open.opensAtMs;
  const window: NextDecision | undefined =
    turn === undefined ? undefined : { atMs: turn, what: open.open ? 'window-closes' : 'window-opens' };
  return first([...state.waves.map((_, index) => nextForWave(state, index, input)), window], input.nowMs);
}
