import type { Clock } from '../../../shared/clock/clock.ts';

/** Tells listeners that something has changed: a moment later, all changes of that moment at once, and where they do not end, no more than four times a minute. */
export interface Notices {
  changed(): void;
  subscribe(listener: () => void): () => void;
  stop(): void;
}

/** What is gathered before it is told. */
const gatherMs = 300;
/** So many may follow one another; one more is let each time this long has passed. */
const burst = 12;
const refillMs = 15_000;

export function createNotices(clock: Clock): Notices {
  const listeners = new Set<() => void>();
  let left = burst;
  let countedAtMs = clock.monotonic();
  let cancel: (() => void) | undefined;

  const waitMs = (): number => {
    const nowMs = clock.monotonic();
    left = Math.min(burst, left + (nowMs - countedAtMs) / refillMs);
    countedAtMs = nowMs;
    return Math.max(gatherMs, (1 - left) * refillMs);
  };
  return {
    changed() {
      cancel ??= clock.after(waitMs(), () => {
        cancel = undefined;
        waitMs();
        left -= 1;
        for (const listener of listeners) listener();
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => cancel?.(),
  };
}
