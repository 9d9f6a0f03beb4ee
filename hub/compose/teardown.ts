import { toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';

/** Remembers how to end what was started. */
export interface Teardown {
  /** Ends before everything that was added earlier. */
  add(what: string, end: () => Promise<void> | void): void;
  /** Ends all, the newest first, each once; one that cannot be ended is logged and does not hold up the rest. */
  run(): Promise<void>;
}

/** For starts that may fail half way, and for stops: both end what runs in the reverse order. */
export function createTeardown(log: Logger): Teardown {
  const ends: { readonly what: string; readonly end: () => Promise<void> | void }[] = [];
  return {
    add: (what, end) => void ends.push({ what, end }),
    async run() {
      for (let next = ends.pop(); next; next = ends.pop())
        try {
          await next.end();
        } catch (caught) {
          const { code, message, cause } = toFairwayError(caught);
          log.error('cannot be ended', { what: next.what, code, error: message, cause });
        }
    },
  };
}
