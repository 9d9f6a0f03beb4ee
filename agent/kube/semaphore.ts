/** At most `max` at once; the rest wait in order. */
export interface Semaphore {
  /** Resolves with the release; rejects when the signal aborts while waiting. */
  acquire(signal?: AbortSignal): Promise<() => void>;
}

export function createSemaphore(max: number): Semaphore {
  let active = 0;
  const waiting: (() => void)[] = [];
  const release = () => {
    active -= 1;
    waiting.shift()?.();
  };
  const enter = () => {
    active += 1;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      release();
    };
  };
  return {
    acquire(signal) {
      signal?.throwIfAborted();
      if (active < max) return Promise.resolve(enter());
      return new Promise((resolve, reject) => {
        const turn = () => {
          signal?.removeEventListener('abort', cancel);
          resolve(enter());
        };
        const cancel = () => {
          waiting.splice(waiting.indexOf(turn), 1);
          reject(signal?.reason);
        };
        waiting.push(turn);
        signal?.addEventListener('abort', cancel, { once: true });
      });
    },
  };
}
