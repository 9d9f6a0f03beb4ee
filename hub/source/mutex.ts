import { sourceError } from './source-error.ts';

/** One at a time, in order of asking. */
export interface Mutex {
  /** @throws cancelled when the signal aborts before its turn. */
  run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
}

export function createMutex(): Mutex {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    run(signal, work) {
      const turn = tail.then(() => {
        if (signal?.aborted) throw sourceError('cancelled', 'Cancelled', 'cancelled');
        return work();
      });
      // The next in line waits for the end of this one, however it ends; its outcome goes to the caller alone.
      tail = turn.then(
        () => undefined,
        () => undefined,
      );
      return turn;
    },
  };
}
