/** The life of the thread that renders: started when it is needed, its orders bounded, given to a new thread once when it dies under them. */
import { Worker } from 'node:worker_threads';
import { type Clock, sleep } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { packError, unpackError } from '../../../shared/error/posted-error.ts';
import type { Logger } from '../../../shared/log/log.ts';
import { planBackoffMs } from '../../../shared/loop/backoff.ts';
import type { ManifestSet } from '../../../shared/manifest/target.ts';
import type { RenderedObject } from '../../model/rendered.ts';
import { problemError } from '../render-error.ts';
import type { RenderStats } from '../render-work.ts';
import type { TraceResult } from '../trace/trace-result.ts';
import type { Fetch } from './fetch-sets.ts';
import type {
  HubMessage,
  PortCall,
  RenderedHeads,
  RenderOrder,
  ThreadInput,
  ThreadMessage,
  ThreadOrder,
  TraceOrder,
} from './messages.ts';
import { createTurns } from './turns.ts';
import { createWatchdog, type Watchdog } from './watchdog.ts';

export interface ThreadOptions {
  readonly input: ThreadInput;
  /** Asked by the thread. */
  readonly answer: (call: PortCall, signal: AbortSignal) => Promise<unknown>;
  readonly onStats: (stats: RenderStats) => void;
  /** A thread has ended, and its counts with it. */
  readonly onStopped: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Most memory of the thread's heap. Default 4,096. */
  readonly heapMbMax?: number | undefined;
  /** How long one step may take before the thread is ended, in milliseconds. Default 120,000. */
  readonly silenceMsMax?: number | undefined;
  /** Default: the thread that renders. For tests. */
  readonly threadUrl?: URL | undefined;
}

/** Orders at once: each belongs to a resolution or a comparison, which are few. */
const ordersMax = 64;
const heapMbDefault = 4_096;
/** One piece of work takes seconds at most, such as the first look at a large file; on a machine that is busy several times as long. */
const silenceMsDefault = 120_000;
/** V8 divides it by three. What is made for one overlay is let go with it: a larger one takes 100 MB more and no less time. */
const youngGenerationMb = 6;
const ownThread = new URL('./render-thread.ts', import.meta.url);

type Finish<A, T> = (answer: A, fetch: Fetch) => T | Promise<T>;

interface Waiter {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

interface Running {
  readonly worker: Worker;
  /** By order, and by call of a fetch. */
  readonly orders: Map<number, Waiter>;
  readonly calls: Map<number, Waiter>;
  /** What the thread has asked, by its call. */
  readonly asked: Map<number, AbortController>;
  readonly watchdog: Watchdog;
  /** It has said something. */
  spoke: boolean;
}

/** The thread ended while it worked. */
class ThreadDied extends Error {
  override readonly name = 'ThreadDied';
  /** It had begun to work: what it died of is then the order, not that there can be no thread. */
  readonly atWork: boolean;

  constructor(atWork: boolean, cause?: unknown) {
    super('', { cause });
    this.atWork = atWork;
  }
}

/** It had to be ended: it answered nobody any more. */
class ThreadStuck extends Error {
  override readonly name = 'ThreadStuck';
}

export interface RenderThread {
  /** @param finish fetches what the order gave, before the thread lets go of it. */
  run<T>(order: RenderOrder, signal: AbortSignal | undefined, finish: Finish<RenderedHeads, T>): Promise<T>;
  run<T>(order: TraceOrder, signal: AbortSignal | undefined, finish: Finish<TraceResult, T>): Promise<T>;
  close(): Promise<void>;
}

export function createThread(options: ThreadOptions): RenderThread {
  const { clock, random, log } = options;
  let running: Running | undefined;
  const closing = new AbortController();
  const turns = createTurns();
  const silenceMsMax = options.silenceMsMax ?? silenceMsDefault;
  let deaths = 0;
  let lastId = 0;
  let open = 0;

  const end = (ended: Running, cause: unknown): void => {
    if (running !== ended) return;
    running = undefined;
    options.onStopped();
    ended.watchdog.rest();
    for (const abort of ended.asked.values()) abort.abort();
    const waiters = [...ended.orders.values(), ...ended.calls.values()];
    const closed = closing.signal.aborted;
    if (!closed) {
      deaths += 1;
      log.error('render thread ended', { error: toFairwayError(cause), cause, orders: ended.orders.size });
    }
    for (const { reject } of waiters) reject(closed ? closedError() : new ThreadDied(ended.spoke, cause));
  };

  const start = (): Running => {
    const worker = new Worker(options.threadUrl ?? ownThread, {
      workerData: options.input,
      name: 'render',
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: options.heapMbMax ?? heapMbDefault,
        maxYoungGenerationSizeMb: youngGenerationMb,
      },
    });
    const watchdog = createWatchdog({
      clock,
      silenceMsMax,
      ask: () => post(started, { type: 'ping' }),
      onSilent() {
        end(started, new ThreadStuck(`the thread has said nothing for ${silenceMsMax} ms`));
        void worker.terminate();
      },
    });
    const started: Running = {
      ...{ worker, watchdog, spoke: false },
      ...{ orders: new Map(), calls: new Map(), asked: new Map() },
    };
    worker.on('message', (message: ThreadMessage) => hear(message, started));
    worker.on('error', (cause) => end(started, cause));
    worker.on('messageerror', (cause) => end(started, cause));
    worker.on('exit', (code) => end(started, new Error(`the thread ended with ${code}`)));
    return started;
  };

  const hear = (message: ThreadMessage, from: Running): void => {
    if (running !== from) return;
    from.watchdog.hear();
    if (message.type === 'pong') return;
    from.spoke = true;
    if (message.type === 'ask') void answer(message.call, message.ask, from);
    else if (message.type === 'drop') from.asked.get(message.call)?.abort();
    else if (message.type === 'sets') settle(from.calls, message.call, message.sets);
    else if (message.type === 'objects') settle(from.calls, message.call, message.objects);
    else {
      options.onStats(message.stats);
      if (message.type === 'done') {
        deaths = 0;
        settle(from.orders, message.id, message.value);
      } else {
        from.orders.get(message.id)?.reject(unpackError(message.error));
        from.orders.delete(message.id);
      }
    }
  };

  const settle = (waiters: Map<number, Waiter>, id: number, value: unknown): void => {
    waiters.get(id)?.resolve(value as never);
    waiters.delete(id);
  };

  const answer = async (call: number, ask: PortCall, to: Running): Promise<void> => {
    const abort = new AbortController();
    to.asked.set(call, abort);
    try {
      post(to, { type: 'answer', call, value: await options.answer(ask, abort.signal) });
    } catch (caught) {
      post(to, { type: 'refused', call, error: packError(caught) });
    }
    to.asked.delete(call);
  };

  const post = ({ worker }: Running, message: HubMessage) => worker.postMessage(message);

  const ask = <T>(to: Running, waiters: 'orders' | 'calls', make: (id: number) => HubMessage): Promise<T> => {
    if (running !== to) throw closing.signal.aborted ? closedError() : new ThreadDied(to.spoke);
    lastId += 1;
    const id = lastId;
    return new Promise<T>((resolve, reject) => {
      to[waiters].set(id, { resolve: resolve as Waiter['resolve'], reject });
      post(to, make(id));
    });
  };

  const attempt = async <A, T>(
    order: ThreadOrder,
    signal: AbortSignal | undefined,
    finish: Finish<A, T>,
  ): Promise<T> => {
    running ??= start();
    const on = running;
    on.worker.ref();
    on.watchdog.watch();
    let id = 0;
    const { promise: aborted, reject: abort } = Promise.withResolvers<never>();
    aborted.catch(() => undefined);
    const onAbort = () => abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const answered = ask<A>(on, 'orders', (given) => {
        id = given;
        return { type: 'order', id, order };
      });
      const answer = await Promise.race([answered, aborted]);
      return await finish(answer, {
        sets: (digests) =>
          ask<readonly ManifestSet[]>(on, 'calls', (call) => ({ type: 'sets', id, call, digests })),
        objects: (digests) =>
          ask<readonly RenderedObject[]>(on, 'calls', (call) => ({ type: 'objects', id, call, digests })),
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
      on.orders.delete(id);
      if (running === on) post(on, { type: 'release', id });
      // An idle thread keeps no process.
      if (on.orders.size === 0) {
        on.worker.unref();
        on.watchdog.rest();
      }
    }
  };

  const pause = async (signal: AbortSignal | undefined): Promise<void> => {
    const delayMs = deaths > 0 ? planBackoffMs(deaths - 1, random) : 0;
    if (delayMs > 0)
      await sleep(clock, delayMs, AbortSignal.any(signal ? [signal, closing.signal] : [closing.signal]));
    signal?.throwIfAborted();
    closing.signal.throwIfAborted();
  };

  return {
    async run<A, T>(order: ThreadOrder, signal: AbortSignal | undefined, finish: Finish<A, T>): Promise<T> {
      if (open >= ordersMax)
        throw new FairwayError('resource_exhausted', 'too many renders wait for the renderer');
      open += 1;
      try {
        const paused = async () => {
          await pause(signal);
          return attempt(order, signal, finish);
        };
        try {
          return await turns.together(paused, signal);
        } catch (caught) {
          if (!(caught instanceof ThreadDied)) throw caught;
        }
        // Alone: what was done beside an order that kills threads must not be taken for it. It is given to no third.
        try {
          return await turns.alone(paused, signal);
        } catch (caught) {
          throw caught instanceof ThreadDied ? diedError(caught, silenceMsMax) : caught;
        }
      } finally {
        open -= 1;
      }
    },
    async close() {
      closing.abort(closedError());
      await running?.worker.terminate();
    },
  };
}

function closedError(): FairwayError {
  return new FairwayError('unavailable', 'the renderer is closed', { retry: false });
}

/** What an order alone has done to two threads is a Problem of its application; that no thread begins to work is nobody's. */
function diedError({ cause, atWork }: ThreadDied, silenceMsMax: number): FairwayError {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  // https://nodejs.org/api/errors.html#err_worker_out_of_memory
  if (code === 'ERR_WORKER_OUT_OF_MEMORY')
    return problemError(
      'resource_exhausted',
      {},
      'rendering takes more memory than it may have: split what one Application renders, or make its objects fewer',
    );
  if (cause instanceof ThreadStuck)
    return problemError(
      'resource_exhausted',
      {},
      `rendering did not come to an end: one step of it took longer than ${silenceMsMax / 1_000} s`,
    );
  const message = 'the renderer has stopped twice over the same order';
  return atWork
    ? problemError('unavailable', {}, message)
    : new FairwayError('unavailable', message, { cause });
}
