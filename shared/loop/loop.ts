/**
 * The keyed loop: the only way work is driven in Fairway. Events wake keys; a key is processed by one step at a time; waking it during
 * its step makes it run once more; errors back off with jitter; a terminal error waits for new input. A queue holds keys, never payloads:
 * the step reads the state anew.
 */
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { toFairwayError } from '../error/error.ts';
import type { Logger } from '../log/log.ts';
import { type BackoffOptions, defaultBackoff, planBackoffMs, planJitteredMs } from './backoff.ts';

export interface StepResult {
  /** Run the key again after this many milliseconds, though nothing wakes it. */
  readonly requeueAfterMs?: number | undefined;
}

export interface LoopOptions {
  readonly name: string;
  /** One move toward the goal for one key. Must be idempotent. Throws: retried after a backoff unless the error says it is no use. */
  readonly step: (key: string, signal: AbortSignal) => Promise<StepResult | undefined>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Keys processed at once. Default 1. */
  readonly concurrencyMax?: number;
  /** Every known key is run again after about this long. Default: never. */
  readonly periodMs?: number;
  /** A step that takes longer is aborted. Default 120,000. */
  readonly stepTimeoutMs?: number;
  readonly backoff?: BackoffOptions;
}

export interface KeyState {
  readonly key: string;
  readonly running: boolean;
  readonly failures: number;
  readonly lastError: string | undefined;
  readonly lastEndedAtMs: number | undefined;
}

export interface Loop {
  /** Wakes a key; deduplicated. Does nothing after `stop`. */
  wake(key: string): void;
  /** Forgets a key: its timers are cancelled, a running step goes on. */
  forget(key: string): void;
  /** What each known key does, for /debug and metrics. */
  state(): readonly KeyState[];
  /** Steps run since the start. */
  readonly steps: number;
  /** Resolves when nothing runs and nothing is queued (timers do not count). For tests and draining. */
  idle(): Promise<void>;
  /** Takes no more work, aborts running steps and waits for them. */
  stop(): Promise<void>;
}

interface Entry {
  running: boolean;
  dirty: boolean;
  failures: number;
  lastError: string | undefined;
  lastEndedAtMs: number | undefined;
  cancelTimer: (() => void) | undefined;
}

export function createLoop(options: LoopOptions): Loop {
  const { clock, random, log } = options;
  const concurrencyMax = options.concurrencyMax ?? 1;
  const stepTimeoutMs = options.stepTimeoutMs ?? 120_000;
  const backoff = options.backoff ?? defaultBackoff;
  const entries = new Map<string, Entry>();
  const queue = new Set<string>();
  const waiters = new Set<() => void>();
  const abort = new AbortController();
  let active = 0;
  let steps = 0;

  const entryOf = (key: string): Entry => {
    let entry = entries.get(key);
    if (!entry) {
      entry = {
        running: false,
        dirty: false,
        failures: 0,
        lastError: undefined,
        lastEndedAtMs: undefined,
        cancelTimer: undefined,
      };
      entries.set(key, entry);
    }
    return entry;
  };

  const wakeLater = (key: string, entry: Entry, delayMs: number) => {
    entry.cancelTimer?.();
    entry.cancelTimer = clock.after(delayMs, () => {
      entry.cancelTimer = undefined;
      wake(key);
    });
  };

  const finish = (key: string, entry: Entry, result: StepResult | undefined) => {
    entry.failures = 0;
    entry.lastError = undefined;
    const period = options.periodMs === undefined ? undefined : planJitteredMs(options.periodMs, random);
    const delays = [result?.requeueAfterMs, period].filter((delay) => delay !== undefined);
    if (delays.length > 0) wakeLater(key, entry, Math.min(...delays));
  };

  const fail = (key: string, entry: Entry, caught: unknown) => {
    if (abort.signal.aborted) return;
    const error = toFairwayError(caught, key);
    entry.lastError = error.message;
    // `internal` may heal as well: a bug on one state is gone with the next; but it waits long.
    const terminal = !error.retry && error.code !== 'internal' && error.code !== 'cancelled';
    const delayMs = terminal
      ? options.periodMs && planJitteredMs(options.periodMs, random)
      : Math.max(error.retryAfterMs ?? 0, planBackoffMs(entry.failures, random, backoff));
    entry.failures += 1;
    log.warn('step failed', {
      loop: options.name,
      key,
      code: error.code,
      error: error.message,
      cause: error.cause,
      delayMs,
    });
    if (delayMs !== undefined) wakeLater(key, entry, delayMs);
  };

  const run = async (key: string) => {
    const entry = entryOf(key);
    entry.running = true;
    entry.dirty = false;
    entry.cancelTimer?.();
    entry.cancelTimer = undefined;
    active += 1;
    steps += 1;
    const timeout = new AbortController();
    const cancelTimeout = clock.after(stepTimeoutMs, () =>
      timeout.abort(new DOMException('step timed out', 'TimeoutError')),
    );
    try {
      finish(key, entry, await options.step(key, AbortSignal.any([abort.signal, timeout.signal])));
    } catch (caught) {
      fail(key, entry, timeout.signal.aborted ? timeout.signal.reason : caught);
    }
    cancelTimeout();
    active -= 1;
    entry.running = false;
    entry.lastEndedAtMs = clock.now();
    if (entry.dirty && entries.get(key) === entry) queue.add(key);
    pump();
  };

  const pump = () => {
    if (abort.signal.aborted) queue.clear();
    for (const key of queue) {
      if (active >= concurrencyMax) return;
      queue.delete(key);
      void run(key);
    }
    if (active === 0 && queue.size === 0) {
      for (const waiter of waiters) waiter();
      waiters.clear();
    }
  };

  const wake = (key: string) => {
    if (abort.signal.aborted) return;
    const entry = entryOf(key);
    if (entry.running) entry.dirty = true;
    else queue.add(key);
    queueMicrotask(pump);
  };

  const idle = (): Promise<void> => {
    if (active === 0 && queue.size === 0) return Promise.resolve();
    return new Promise((resolve) => waiters.add(resolve));
  };

  return {
    wake,
    forget(key) {
      entries.get(key)?.cancelTimer?.();
      entries.delete(key);
      queue.delete(key);
    },
    state: () =>
      [...entries].map(([key, { running, failures, lastError, lastEndedAtMs }]) => ({
        key,
        running,
        failures,
        lastError,
        lastEndedAtMs,
      })),
    get steps() {
      return steps;
    },
    idle,
    async stop() {
      abort.abort();
      for (const entry of entries.values()) entry.cancelTimer?.();
      queue.clear();
      await idle();
    },
  };
}
