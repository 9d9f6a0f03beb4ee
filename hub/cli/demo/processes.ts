/** Starts Fairway's programs as processes of their own and ends them: for the demo and for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FairwayError } from '../../../shared/error/error.ts';

const root = join(import.meta.dirname, '..', '..', '..');

export interface Program {
  readonly name: string;
  readonly logFile: string;
  readonly pid: number | undefined;
  readonly running: boolean;
  /** The last lines it wrote. */
  tail(lines?: number): string;
  /** Ends it and waits; a process that ignores SIGTERM for 10 s is killed. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const stopLimitMs = 10_000;
const running = new Set<ChildProcess>();
let hooked = false;

/** Whatever ends this process takes its children along. */
function hookExit(): void {
  if (hooked) return;
  hooked = true;
  process.once('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });
}

/** Runs a TypeScript file of Fairway with this same Node; output goes to the log file. */
export function startProgram(options: {
  readonly name: string;
  /** From the project's root. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
}): Program {
  hookExit();
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(process.execPath, [join(root, options.script), ...options.args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.add(child);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  }).then(() => {
    running.delete(child);
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    name: options.name,
    logFile: options.logFile,
    pid: child.pid,
    get running() {
      return isRunning();
    },
    tail: (lines = 15) =>
      readFileSync(options.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n'),
    async stop(signal = 'SIGTERM') {
      if (isRunning()) child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** What a hub writes to `hub.json` in its data directory once it serves. */
export interface HubAddresses {
  readonly pid: number;
  readonly api: string;
  readonly agentPort: number;
  readonly enrolmentPort: number;
}

/** Polls until `read` gives a value. @throws deadline_exceeded naming what was waited for, or unavailable with the program's last lines when it ended. */
export async function waitForValue<T>(
  what: string,
  read: () => Promise<T | undefined> | T | undefined,
  options: { readonly limitMs: number; readonly program?: Program; readonly signal?: AbortSignal },
): Promise<T> {
  const until = Date.now() + options.limitMs;
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (options.signal?.aborted) throw new FairwayError('cancelled', 'cancelled');
    if (options.program && !options.program.running)
      throw new FairwayError(
        'unavailable',
        `${options.program.name} ended before ${what}:\n${options.program.tail()}`,
      );
    if (Date.now() > until)
      throw new FairwayError(
        'deadline_exceeded',
        `waited ${Math.round(options.limitMs / 1000)} s for ${what}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until the hub of that data directory serves. */
export function waitForHub(
  dataDir: string,
  program: Program,
  limitMs = 60_000,
): Promise<HubAddresses & { readonly token: string }> {
  return waitForValue(
    'the hub to serve',
    () => {
      const [file, tokenFile] = [join(dataDir, 'hub.json'), join(dataDir, 'admin.token')];
      if (!existsSync(file) || !existsSync(tokenFile)) return undefined;
      const addresses = JSON.parse(readFileSync(file, 'utf8')) as HubAddresses;
      // A file of the process before this one does not count.
      return addresses.pid === program.pid
        ? { ...addresses, token: readFileSync(tokenFile, 'utf8').trim() }
        : undefined;
    },
    { limitMs, program },
  );
}
