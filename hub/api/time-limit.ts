import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError } from '../../shared/error/error.ts';

/**
 * Runs `work` with a signal that aborts when the client goes away or the time is over. @throws deadline_exceeded even when the work does not heed
 * its signal, so that no request hangs. Undefined limit: no end of its own.
 */
export async function withTimeLimit<T>(
  clock: Clock,
  limitMs: number | undefined,
  client: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (limitMs === undefined) return work(client);
  const timeout = new AbortController();
  const over = Promise.withResolvers<never>();
  const cancel = clock.after(limitMs, () => {
    const error = new FairwayError('deadline_exceeded', `The hub did not answer within ${limitMs} ms.`);
    timeout.abort(error);
    over.reject(error);
  });
  try {
    return await Promise.race([work(AbortSignal.any([client, timeout.signal])), over.promise]);
  } finally {
    cancel();
  }
}
