import type { Clock } from '../../../shared/clock/clock.ts';

export interface Watchdog {
  /** There is something to do from now on. Again while it watches: nothing. */
  watch(): void;
  /** The thread has said something. */
  hear(): void;
  rest(): void;
}

export interface WatchdogOptions {
  readonly clock: Clock;
  /** How long nothing may be heard, in milliseconds. */
  readonly silenceMsMax: number;
  /** Asks for a sign of life. */
  readonly ask: () => void;
  readonly onSilent: () => void;
}

/**
 * Tells when a thread that has something to do answers nobody any more: caught in one piece of work that does not end. Looks several times within the limit, and counts
 * looks, not time: where it was this side that had no turn, the answers are there by the next look.
 */
export function createWatchdog({ clock, silenceMsMax, ask, onSilent }: WatchdogOptions): Watchdog {
  let cancel: (() => void) | undefined;
  let unanswered = 0;
  const look = () => {
    if (unanswered >= looksMax) {
      cancel = undefined;
      onSilent();
      return;
    }
    unanswered += 1;
    ask();
    cancel = clock.after(silenceMsMax / looksMax, look);
  };
  return {
    watch() {
      if (cancel !== undefined) return;
      unanswered = 0;
      cancel = clock.after(silenceMsMax / looksMax, look);
    },
    hear() {
      unanswered = 0;
    },
    rest() {
      cancel?.();
      cancel = undefined;
    },
  };
}

const looksMax = 4;
