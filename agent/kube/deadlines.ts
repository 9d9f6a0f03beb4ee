import type { Clock } from '../../shared/clock/clock.ts';

/** One time limit for all that is under way, with one timer: a timer each costs more than the rest of the bookkeeping of a request. */
export interface Deadlines {
  /** Calls back once when the limit is over; the result calls that off. */
  begin(onOver: () => void): () => void;
}

export function createDeadlines(clock: Clock, limitMs: number): Deadlines {
  // In the order in which they end, since the limit is the same for all.
  const underway = new Set<{ readonly atMs: number; readonly onOver: () => void }>();
  let planned = false;
  const plan = () => {
    const [first] = underway;
    planned = first !== undefined;
    if (first) clock.after(Math.max(0, first.atMs - clock.monotonic()), look);
  };
  const look = () => {
    const nowMs = clock.monotonic();
    for (const one of underway) {
      if (one.atMs > nowMs) break;
      underway.delete(one);
      one.onOver();
    }
    plan();
  };
  return {
    begin(onOver) {
      const one = { atMs: clock.monotonic() + limitMs, onOver };
      underway.add(one);
      if (!planned) plan();
      return () => underway.delete(one);
    },
  };
}
