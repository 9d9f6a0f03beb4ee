/** Clusters that were counted and are not healthy now: they keep the next wave from beginning, for a while. Pure. */
import { specOf } from './plan-waves.ts';
import type { RolloutState, WaveState } from './rollout-state.ts';
import { soakEndMs } from './soak-end.ts';
import { statesIn } from './wave-index.ts';

/** Those of a wave that have not failed, and that nobody has excluded. */
export function illClusters({ clusters }: RolloutState, wave: WaveState): readonly string[] {
  const states = statesIn(clusters, wave.clusters);
  return wave.clusters.filter((_, at) => {
    const known = states[at];
    if (known?.countedAtMs === undefined || known.healthySinceMs !== undefined) return false;
    return known.failure === undefined && known.excluded === undefined;
  });
}

/**
 * Until when a wave that has settled is not over since somebody of it is ill; undefined: it waits for nobody. Whoever was ill when the soak ended is healthy or has failed
 * by then; no longer, since in a wave of hundreds there is always one of which a pod is replaced.
 */
export function illUntilMs(
  state: RolloutState,
  wave: WaveState,
  input: { readonly nowMs: number; readonly listeningSinceMs?: number | undefined },
): number | undefined {
  if (wave.promoted || state.lifted) return undefined;
  const untilMs = soakEndMs(wave, specOf(state.strategy, wave), input) + state.strategy.healthTimeoutMs;
  return input.nowMs < untilMs && illClusters(state, wave).length > 0 ? untilMs : undefined;
}
