import type { Clock } from '../../shared/clock/clock.ts';

/** Counts what it let pass, so that refusals cannot fill the log: at most `max` in a window for all, the rest are counted. */
export interface AuditLimiter {
  /** @returns undefined when the entry must be dropped, else how many were dropped since the last that passed. */
  admit(): number | undefined;
}

export function createAuditLimiter(clock: Clock, max = 60, windowMs = 60_000): AuditLimiter {
  let windowStartMs = clock.monotonic();
  let admitted = 0;
  let dropped = 0;
  return {
    admit() {
      const now = clock.monotonic();
      if (now - windowStartMs >= windowMs) {
        windowStartMs = now;
        admitted = 0;
      }
      if (admitted >= max) {
        dropped += 1;
        return undefined;
      }
      admitted += 1;
      const before = dropped;
      dropped = 0;
      return before;
    },
  };
}
