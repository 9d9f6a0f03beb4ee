/**
 * Gives memory back when there is little to do. V8 collects garbage when it allocates: an agent that has applied thousands of objects and now only
 * watches would keep the garbage of that for hours.
 */
import type { Clock } from '../shared/clock/clock.ts';

export interface TrimPorts {
  readonly clock: Clock;
  /** What the heap, and what hangs on it, holds now. */
  readonly usedBytes: () => number;
  /** Processor time of the process so far. */
  readonly busyMs: () => number;
  /** Collects all garbage, and returns when that is done. */
  readonly collect: () => void;
}

const lookEveryMs = 5_000;
/** Processor time between two looks, 2 %, beneath which there is nothing going on that a pause would hold up. */
const quietMs = 100;
/** Less is not worth a collection. */
const wasteBytesMin = 2 * 1024 * 1024;
/** From one collection to the next: each takes about a tenth of a second. */
const restMs = 30_000;

/** Looks every five seconds; the result ends that. */
export function trimMemory({ clock, usedBytes, busyMs, collect }: TrimPorts): () => void {
  /** The least that was held since the last collection: that is no garbage. */
  let floor = 0;
  let busyBeforeMs = busyMs();
  let notBeforeMs = clock.monotonic();
  let cancel = () => {};
  const look = () => {
    const nowMs = clock.monotonic();
    const isQuiet = busyMs() - busyBeforeMs < quietMs;
    floor = Math.min(floor, usedBytes());
    if (isQuiet && usedBytes() - floor >= wasteBytesMin && nowMs >= notBeforeMs) {
      collect();
      floor = usedBytes();
      notBeforeMs = nowMs + restMs;
    }
    busyBeforeMs = busyMs();
    cancel = clock.after(lookEveryMs, look);
  };
  cancel = clock.after(lookEveryMs, look);
  return () => cancel();
}
