import { planJitteredMs } from '../../../shared/loop/backoff.ts';
import type { AgentContext, ApplicationState } from '../context.ts';

const periodMs = 60_000;
/** Many objects are read more seldom, so that polling stays below ten reads a second. */
const perObjectMs = 100;

/**
 * Objects of kinds that cannot be watched (no such verb, no right) are read every minute. Marks them when it is time; returns in how many milliseconds it is next; undefined:
 * all are watched.
 */
export function pollUnwatched(context: AgentContext, state: ApplicationState): number | undefined {
  const { observer, clock, random } = context;
  const unwatched = [...state.records].filter(
    ([, { key }]) => !observer.synced(key.group, key.kind, [key.namespace]),
  );
  if (unwatched.length === 0) {
    state.pollAtMs = undefined;
    return undefined;
  }
  const nowMs = clock.monotonic();
  if (state.pollAtMs !== undefined && nowMs >= state.pollAtMs)
    for (const [text] of unwatched) if (!state.suspects.has(text)) state.suspects.set(text, 'again');
  if (state.pollAtMs === undefined || nowMs >= state.pollAtMs)
    state.pollAtMs = nowMs + planJitteredMs(Math.max(periodMs, unwatched.length * perObjectMs), random);
  return state.pollAtMs - nowMs;
}
