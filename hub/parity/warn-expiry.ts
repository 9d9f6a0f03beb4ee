/** An override that is about to be over gives the roles back to what Git says, which may move traffic: people are warned ahead of it. Pure. */
import type { Failover } from '../model/failover.ts';
import { overrideCounts } from './switch-roles.ts';

/** How long before the end, the earliest first. */
const warningsMs = [86_400_000, 3_600_000, 600_000] as const;

/** Those that leave at least as long again between the start and the warning. A drill is meant to end. */
function warningsOf({ kind, startedAtMs, override }: Failover): readonly number[] {
  if (override === undefined || kind === 'drill') return [];
  return warningsMs.filter((ms) => override.untilMs - startedAtMs >= 2 * ms);
}

/** The last warning that one that lasts so long from now on has no need of: whoever has just said so knows. Undefined: it is given all of them. */
export function warnedByExtending(overrideMs: number): number | undefined {
  return warningsMs.filter((ms) => overrideMs < 2 * ms).at(-1);
}

/** The same object unless a warning is due; those that were slept through come as one. */
export function warnExpiry(failover: Failover, nowMs: number): Failover {
  const { override } = failover;
  if (override === undefined || !overrideCounts(failover)) return failover;
  const { untilMs, warnedMs = Infinity } = override;
  const due = warningsOf(failover).filter((ms) => ms < warnedMs && nowMs >= untilMs - ms);
  const last = due.at(-1);
  return last === undefined ? failover : { ...failover, override: { ...override, warnedMs: last } };
}

/** When the next one is due; undefined: none is to come. */
export function nextWarningAtMs(failover: Failover): number | undefined {
  const { override } = failover;
  if (override === undefined || !overrideCounts(failover)) return undefined;
  const next = warningsOf(failover).find((ms) => ms < (override.warnedMs ?? Infinity));
  return next === undefined ? undefined : override.untilMs - next;
}
