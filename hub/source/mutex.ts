import { sourceError } from './source-error.ts';

/** One at a time, in order of asking. */
export interface Mutex {
  /** @throws cancelled when the signal aborts before its turn. */
  run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
}

export function createMutex(): Mutex {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        const leave = () =>
          reject(sourceError('cancelled', 'Cancelled', 'cancelled while it waited for its turn'));
        if (signal?.aborted) return leave();
        signal?.addEventListener('abort', leave, { once: true });
        const turn = tail.then(() => {
          // From here on the work itself minds the signal.
          signal?.removeEventListener('abort', leave);
          return signal?.aborted ? undefined : work().then(resolve);
        });
        // The next in line waits for the end of this one, however it ends; its outcome goes to the caller alone.
        tail = turn.catch(reject);
      });
    },
  };
}
