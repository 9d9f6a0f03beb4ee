/** The long-running programs that `fairway` starts. Each is loaded only when it is asked for: the command line stays quick and small. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { toFairwayError } from '../../shared/error/error.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';

/** What `fairway hub` was given. `overrides` are by dotted path of the configuration file: `{'root.url': '...'}`. */
export interface HubArguments {
  /** The configuration file; undefined: none. */
  readonly configPath: string | undefined;
  readonly overrides: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the process is asked to end; the hub drains then. */
  readonly signal: AbortSignal;
}

export interface DemoArguments {
  readonly once: boolean;
  readonly contexts: readonly string[];
}

export interface Programs {
  /** Runs until the signal aborts; resolves to the exit code. */
  runHub(options: HubArguments): Promise<number>;
  /** In a process of its own: no code of the agent is ever part of the hub. Resolves to the exit code. */
  runAgent(args: readonly string[], io: CliIo): Promise<number>;
  runDemo(options: DemoArguments, io: CliIo): Promise<number>;
  version(): Promise<string>;
}

interface HubModule {
  runHub(options: HubArguments): Promise<number>;
}

/** The real ones. */
export const systemPrograms: Programs = {
  async runHub(options) {
    // By URL, so that reading the command line loads none of the hub.
    const module = (await import(new URL('../main.ts', import.meta.url).href)) as HubModule;
    return module.runHub(options);
  },
  runAgent(args, io) {
    const script = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit', cwd: io.cwd });
      const end = () => void child.kill('SIGTERM');
      io.signal.addEventListener('abort', end, { once: true });
      child.once('error', (error) => reject(toFairwayError(error, script)));
      child.once('exit', (code, signal) => {
        io.signal.removeEventListener('abort', end);
        resolve(code ?? (signal === null ? exitCodes.failed : exitCodes.interrupted));
      });
    });
  },
  async runDemo(options, io) {
    const { runDemo } = await import('./demo/demo.ts');
    return runDemo({ ...options, stdout: process.stdout, env: io.env, signal: io.signal });
  },
  async version() {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    return String((JSON.parse(text) as { version: unknown }).version);
  },
};
