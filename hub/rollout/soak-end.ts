/** Until when a wave soaks. Pure. */
import type { WaveSpec } from '../model/strategy.ts';
import type { WaveState } from './rollout-state.ts';

/** In this time agents are back at a hub that was away, and have told it what became of them. */
export const hearingMs = 120_000;

/**
 * Time in which the hub is away counts: the clusters run the release meanwhile, and their agents remember since when they are healthy. What has failed there it only hears
 * once they are back, so no soak that began before it was started ends before it had the time to hear them. The wave has settled.
 */
export function soakEndMs(
  { settledAtMs = 0, promoted }: WaveState,
  { soakMs }: Pick<WaveSpec, 'soakMs'>,
  { listeningSinceMs = 0 }: { readonly listeningSinceMs?: number | undefined },
): number {
  if (promoted || soakMs === 0) return settledAtMs;
  const end = settledAtMs + soakMs;
  return settledAtMs < listeningSinceMs ? Math.max(end, listeningSinceMs + hearingMs) : end;
}
