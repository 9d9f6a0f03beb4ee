import type { Clock } from '../../shared/clock/clock.ts';

/** Attempts a key may make in a fixed window; keys are bounded, so that strangers cannot fill the memory. */
export interface RateLimiter {
  /** Counts one; false when that is one too many. */
  take(key: string): boolean;
  /** Whether another would be too many, without counting. */
  isOver(key: string): boolean;
}

export function createRateLimiter(
  clock: Clock,
  max: number,
  windowMs: number,
  keysMax = 10_000,
): RateLimiter {
  let windowStartMs = clock.monotonic();
  let counts = new Map<string, number>();
  const count = (key: string): number => {
    const now = clock.monotonic();
    if (now - windowStartMs >= windowMs) {
      windowStartMs = now;
      counts = new Map();
    }
    return counts.get(key) ?? 0;
  };
  return {
    isOver: (key) => count(key) >= max,
    take(key) {
      const before = count(key);
      if (before >= max) return false;
      if (before === 0 && counts.size >= keysMax) return false;
      counts.set(key, before + 1);
      return true;
    },
  };
}
