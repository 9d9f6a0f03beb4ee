/** Worker processes of a bench: a script with handlers, called over Node's IPC channel. They end with the bench, however it ends. */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../tools/source-files.ts';

export interface Worker {
  readonly pid: number;
  /** Calls a handler of the worker. @throws what it threw, when the limit is over, or when the worker has ended. */
  call<T>(method: string, parameters?: unknown, limitMs?: number): Promise<T>;
  stop(): Promise<void>;
}

interface Call {
  readonly id: number;
  readonly method: string;
  readonly parameters: unknown;
}

type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string };

const callLimitMs = 60_000;
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Keeps a process on the list of those that are killed when the bench ends; the result waits for its end. */
export function adopt(child: ChildProcess): Promise<void> {
  running.add(child);
  return new Promise((resolve) => {
    const ended = () => {
      running.delete(child);
      resolve();
    };
    child.once('exit', ended);
    child.once('error', ended);
  });
}

export interface WorkerSettings {
  /** Options of Node and V8. Default none. */
  readonly execArgv?: readonly string[];
  /** Beside those of the bench. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `test/bench/workers/NAME.ts`; what it writes goes to the log file. */
export function startWorker(
  name: string,
  logFile: string,
  { execArgv = [], env = {} }: WorkerSettings = {},
): Worker {
  const log = openSync(logFile, 'a', 0o600);
  const child = fork(join(root, 'test', 'bench', 'workers', `${name}.ts`), [], {
    stdio: ['ignore', log, log, 'ipc'],
    serialization: 'advanced',
    execArgv: [...execArgv],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  const exited = adopt(child);
  const waiting = new Map<number, (answer: Answer) => void>();
  let calls = 0;
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  void exited.then(() => {
    const error = `the worker ${name} has ended: ${readFileSync(logFile, 'utf8').slice(-2_000)}`;
    for (const [id, settle] of waiting) settle({ id, error });
    waiting.clear();
  });
  return {
    pid: child.pid ?? 0,
    call<T>(method: string, parameters?: unknown, limitMs = callLimitMs) {
      calls += 1;
      const id = calls;
      return new Promise<T>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(id);
          reject(new Error(`the worker ${name} did not answer ${method} within ${limitMs} ms`));
        }, limitMs);
        waiting.set(id, ({ value, error }) => {
          clearTimeout(timer);
          if (error === undefined) resolve(value as T);
          else reject(new Error(error));
        });
        if (!child.connected) return void waiting.get(id)?.({ id, error: `the worker ${name} has ended` });
        child.send({ id, method, parameters } satisfies Call);
      });
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export type Handlers = Readonly<Record<string, (parameters: never) => unknown>>;

/** The worker's side. Ends when the bench is gone. */
export function serveWorker(handlers: Handlers): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ id, method, parameters }: Call) => {
    const handler = handlers[method] as ((parameters: unknown) => unknown) | undefined;
    Promise.resolve(parameters)
      .then((given) => {
        if (!handler) throw new Error(`no handler is named ${method}`);
        return handler(given);
      })
      .then(
        (value) => process.send?.({ id, value } satisfies Answer),
        (caught: unknown) => {
          const error = caught instanceof Error ? (caught.stack ?? caught.message) : String(caught);
          process.send?.({ id, error } satisfies Answer);
        },
      );
  });
}
