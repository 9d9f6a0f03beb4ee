/** Who may use the thread: many at once, or one for itself. */
export interface Turns {
  /** Waits for those that want it alone. @throws the signal's reason. */
  together<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>;
  /** One after another; nobody begins beside it. @throws the signal's reason. */
  alone<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>;
}

export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve();
  let wanting = 0;
  return {
    async together(work, signal) {
      while (wanting > 0) await unlessAborted(last, signal);
      return work();
    },
    async alone(work, signal) {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      wanting += 1;
      try {
        await unlessAborted(before, signal);
        return await work();
      } finally {
        wanting -= 1;
        void before.then(resolve);
      }
    },
  };
}

async function unlessAborted(wait: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return wait;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([wait, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
