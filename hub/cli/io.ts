/** What the command line touches of its machine, as a port: tests run the program in their own process. */
import { homedir } from 'node:os';

export interface CliIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Standard output is a terminal: colours, if nothing forbids them. */
  readonly terminal: boolean;
  /** Width of the terminal in characters; undefined: do not cut. */
  readonly columns: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cwd: string;
  readonly now: () => number;
  readonly fetch: typeof fetch;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The process's own. */
export function createSystemIo(signal: AbortSignal): CliIo {
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    terminal: process.stdout.isTTY === true,
    columns: process.stdout.columns,
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    now: () => Date.now(),
    fetch: globalThis.fetch,
    signal,
  };
}
