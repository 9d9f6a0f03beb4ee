/** The hub's side of the store's worker: bounded, answers by id, and clear about a worker that died. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { unpackError } from '../../shared/error/posted-error.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { Answer, WorkerInput, WorkerReply, WorkerRequest } from './messages.ts';
import type { StoreListener } from './store.ts';

/** Calls that wait at most; more are refused until some are answered. */
export const queueDepthMax = 10_000;
const closeTimeoutMs = 30_000;

export interface WorkerClientOptions {
  readonly input: WorkerInput;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default: the SQLite worker. */
  readonly workerUrl?: URL | undefined;
  /** Called once when the worker ends or fails without having been told to. */
  readonly onStopped?: ((error: FairwayError) => void) | undefined;
}

const memoryPath = ':memory:';
const sqliteWorkerUrl = new URL('./sqlite/worker.ts', import.meta.url);

export interface WorkerClient {
  call(method: string, args: readonly unknown[]): Promise<unknown>;
  backup(path: string): Promise<void>;
  subscribe(listener: StoreListener): () => void;
  /** Serves what was called before, then ends the worker. Idempotent. */
  close(): Promise<void>;
}

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

function stopped(cause: unknown): FairwayError {
  return new FairwayError('unavailable', 'the store has stopped: the hub must be started again', {
    retry: false,
    cause,
  });
}

/** The calls without an answer. */
function createWaiters() {
  const waiters = new Map<number, Waiter>();
  let lastId = 0;
  return {
    get size() {
      return waiters.size;
    },
    add(post: (id: number) => void): Promise<unknown> {
      if (waiters.size >= queueDepthMax)
        throw new FairwayError('resource_exhausted', 'too many calls wait for the store');
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        waiters.set(id, { resolve, reject });
        try {
          post(id);
        } catch (caught) {
          waiters.delete(id);
          reject(new FairwayError('internal', 'the call cannot be handed to the store', { cause: caught }));
        }
      });
    },
    settle(answer: Answer): void {
      const waiter = waiters.get(answer.id);
      waiters.delete(answer.id);
      if ('error' in answer) waiter?.reject(unpackError(answer.error));
      else waiter?.resolve(answer.value);
    },
    rejectAll(error: FairwayError): void {
      for (const waiter of waiters.values()) waiter.reject(error);
      waiters.clear();
    },
  };
}

function createListeners(log: Logger) {
  const listeners = new Set<StoreListener>();
  return {
    add(listener: StoreListener): () => void {
      // Wrapped, so that the same function may be subscribed twice.
      const own: StoreListener = (topic, key) => listener(topic, key);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    tell(...change: Parameters<StoreListener>): void {
      for (const listener of [...listeners]) {
        try {
          listener(...change);
        } catch (caught) {
          log.error('store listener failed', { topic: change[0], error: toFairwayError(caught) });
        }
      }
    },
  };
}

/** V8 divides it by three for each of its halves. */
const youngGenerationMb = 6;

/** Where the database is served: a thread, or this one. */
type Server = Pick<Worker, 'postMessage' | 'on' | 'once' | 'off' | 'terminate'>;

/** A database in memory waits for no disk, so it needs no thread. The port copies what it carries, as a thread's does. */
async function startInThisThread(input: WorkerInput): Promise<Server> {
  const { serveStore } = await import('./sqlite/serve-store.ts');
  const { port1, port2 } = new MessageChannel();
  serveStore(port2, input);
  return asServer(port1);
}

/** A port that closes is a thread that ends. */
function asServer(port: MessagePort): Server {
  port.once('close', () => port.emit('exit', 0));
  // The type of a port names its events one by one.
  return Object.assign(port, { terminate: () => port.close() }) as unknown as Server;
}

async function startWorker(input: WorkerInput, url: URL | undefined): Promise<Server> {
  const inMemory = url === undefined && input.path === memoryPath;
  return ready(inMemory ? await startInThisThread(input) : startThread(input, url ?? sqliteWorkerUrl));
}

function startThread(input: WorkerInput, url: URL): Worker {
  return new Worker(url, {
    workerData: input,
    name: 'store',
    execArgv: [],
    // What it makes lives for one call: a young generation that may grow to 48 MiB would only lie there.
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
  });
}

function ready(worker: Server): Promise<Server> {
  return new Promise((resolve, reject) => {
    const onMessage = (reply: WorkerReply) => {
      forget();
      if (reply.type === 'refused') reject(unpackError(reply.error));
      else resolve(worker);
    };
    const onError = (caught: unknown) => {
      forget();
      reject(stopped(caught));
    };
    const onExit = (code: number) => onError(new Error(`worker ended with ${code}`));
    // By name: the worker has listeners of its own.
    const forget = () => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}

/** @throws what the worker said when it could not open the store. */
export async function startWorkerClient(options: WorkerClientOptions): Promise<WorkerClient> {
  const { clock, log } = options;
  const worker = await startWorker(options.input, options.workerUrl);
  const waiters = createWaiters();
  const listeners = createListeners(log);
  let ended: FairwayError | undefined;
  let closing: Promise<void> | undefined;

  const end = (cause: unknown) => {
    if (ended) return;
    ended = closing
      ? new FairwayError('unavailable', 'the store is closed', { retry: false })
      : stopped(cause);
    waiters.rejectAll(ended);
    if (closing) return;
    log.error('store worker stopped', { error: ended, cause });
    options.onStopped?.(ended);
  };
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      end(new Error(`worker ended with ${code}`));
      resolve();
    });
  });
  worker.on('error', end);
  worker.on('messageerror', end);
  worker.on('message', (reply: WorkerReply) => {
    if (reply.type !== 'answers') return;
    for (const answer of reply.answers) waiters.settle(answer);
    for (const [topic, key] of reply.changes) listeners.tell(topic, key);
  });

  const post = (request: WorkerRequest) => worker.postMessage(request);
  const request = (make: (id: number) => WorkerRequest): Promise<unknown> => {
    if (ended) throw ended;
    if (closing) throw new FairwayError('unavailable', 'the store is closed', { retry: false });
    return waiters.add((id) => post(make(id)));
  };
  const close = async (): Promise<void> => {
    if (ended) return;
    post({ type: 'close' });
    const cancel = clock.after(closeTimeoutMs, () => {
      log.error('store worker does not end', { waitedMs: closeTimeoutMs });
      void worker.terminate();
    });
    await exited;
    cancel();
  };

  return {
    call: async (method, args) => request((id) => ({ type: 'call', id, method, args, nowMs: clock.now() })),
    async backup(path) {
      await request((id) => ({ type: 'backup', id, path }));
    },
    subscribe: listeners.add,
    close() {
      closing ??= close();
      return closing;
    },
  };
}
