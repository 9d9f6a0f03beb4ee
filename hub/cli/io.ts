/** What the command line touches of its machine, as a port: tests run the program in their own process. */
import { homedir } from 'node:os';
import { terminalText } from './output/terminal-text.ts';

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

interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** The process's own. What goes to a terminal cannot steer it; files and pipes get every byte. */
export function createSystemIo(
  signal: AbortSignal,
  { stdout, stderr }: { readonly stdout: OutputStream; readonly stderr: OutputStream } = process,
): CliIo {
  const writeTo = (stream: OutputStream) => (text: string) =>
    void stream.write(stream.isTTY ? terminalText(text) : text);
  return {
    stdout: writeTo(stdout),
    stderr: writeTo(stderr),
    terminal: stdout.isTTY === true,
    columns: stdout.columns,
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    now: () => Date.now(),
    fetch: globalThis.fetch,
    signal,
  };
}
