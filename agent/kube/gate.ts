/**
 * How many requests may be under way: a window that yields when the API server asks for it. API Priority and Fairness refuses with 429 and Retry-After
 * (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/); then the window halves and nothing new goes out before that time, and it opens
 * by one for each window's worth of answers, as TCP does (additive increase, multiplicative decrease, RFC 5681). No fixed rate: an API server that is
 * at ease is not slowed down for.
 */
import { type Clock, sleep } from '../../shared/clock/clock.ts';
import { onAbort } from './on-abort.ts';

/** Leave to send one request. */
export interface Pass {
  /** The request is over. */
  readonly release: () => void;
  /** It was answered, whatever with. */
  served(): void;
  /** It was refused for now: nothing new for `holdMs`. The window halves once for all that were under way together. */
  refused(holdMs: number): void;
}

export interface Gate {
  /** Resolves in order of asking; rejects when the signal aborts while waiting. */
  acquire(signal?: AbortSignal): Promise<Pass>;
  /** A request that needed no leave (a watch) was refused. */
  refused(holdMs: number): void;
  /** As it is now. */
  state(): { readonly window: number; readonly underway: number; readonly waiting: number };
}

export function createGate(max: number, clock: Clock): Gate {
  let window = max;
  let credit = 0;
  /** How often the window has halved: who was let through before that has had its say. */
  let epoch = 0;
  let underway = 0;
  let closedUntilMs = Number.NEGATIVE_INFINITY;
  const waiting = new Set<() => void>();
  const admit = () => {
    for (const next of waiting) {
      if (underway >= window) return;
      waiting.delete(next);
      next();
    }
  };
  const hold = (holdMs: number, sentIn: number) => {
    if (sentIn === epoch) {
      epoch += 1;
      window = Math.max(1, Math.floor(window / 2));
      credit = 0;
    }
    closedUntilMs = Math.max(closedUntilMs, clock.monotonic() + holdMs);
  };
  const serve = () => {
    if (window >= max) return;
    credit += 1;
    if (credit < window) return;
    credit = 0;
    window += 1;
    admit();
  };
  const enter = (): Pass => {
    underway += 1;
    let released = false;
    const sentIn = epoch;
    return {
      release() {
        if (released) return;
        released = true;
        underway -= 1;
        admit();
      },
      served: serve,
      refused: (holdMs) => hold(holdMs, sentIn),
    };
  };
  /** In before anything may be sent: it waits for that, and then for its turn anew. */
  const wait = async (pass: Pass, forMs: number, signal: AbortSignal | undefined): Promise<Pass> => {
    await sleep(clock, forMs, signal);
    pass.release();
    return acquire(signal);
  };
  const admitted = (signal: AbortSignal | undefined): Pass | Promise<Pass> => {
    const pass = enter();
    const closedMs = closedUntilMs - clock.monotonic();
    return closedMs > 0 ? wait(pass, closedMs, signal) : pass;
  };
  const acquire = (signal: AbortSignal | undefined): Promise<Pass> => {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (underway < window) return Promise.resolve(admitted(signal));
    return new Promise((resolve, reject) => {
      const go = () => {
        callOff?.();
        resolve(admitted(signal));
      };
      const giveUp = () => {
        waiting.delete(go);
        reject(signal?.reason);
      };
      const callOff = signal && onAbort(signal, giveUp);
      waiting.add(go);
    });
  };
  return {
    acquire,
    refused: (holdMs) => hold(holdMs, epoch),
    state: () => ({ window, underway, waiting: waiting.size }),
  };
}
