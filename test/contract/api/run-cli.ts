/** The whole command in this process, against the API that a bed serves. */
import type { ServedApi } from '../../../hub/api/server.ts';
import type { CliIo } from '../../../hub/cli/io.ts';
import { runCli } from '../../../hub/cli/program.ts';
import type { HubArguments, Programs } from '../../../hub/cli/programs.ts';
import { startMs } from './fixtures.ts';
import type { Harness } from './harness.ts';

export interface CliBed {
  readonly harness: Harness;
  readonly served: ServedApi;
  readonly home: string;
}

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What programs were started with. */
  readonly started: readonly unknown[];
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly onOut?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** @param args one text is split at its spaces. */
export async function runFairway(
  { harness, served, home }: CliBed,
  args: string | readonly string[],
  options: RunOptions = {},
): Promise<Run> {
  let out = '';
  let err = '';
  const started: unknown[] = [];
  const io: CliIo = {
    stdout: (text) => {
      out += text;
      options.onOut?.(text);
    },
    stderr: (text) => {
      err += text;
    },
    terminal: options.terminal ?? false,
    columns: undefined,
    env: { FAIRWAY_SERVER: served.url, FAIRWAY_TOKEN: harness.tokens.admin, ...options.env },
    home,
    cwd: home,
    now: () => startMs,
    fetch: globalThis.fetch,
    signal: options.signal ?? new AbortController().signal,
  };
  const programs: Programs = {
    runHub: async ({ signal: _signal, env: _env, ...rest }: HubArguments) => started.push(rest) && 0,
    runAgent: async (given) => started.push(given) && 3,
    runDemo: async (given) => started.push(given) && 1,
    version: async () => '0.1.0',
  };
  const code = await runCli(typeof args === 'string' ? args.split(' ') : args, io, programs);
  return { code, out, err, started };
}
