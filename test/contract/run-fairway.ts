/** The command line in the process of a test: what it wrote, and the code it ended with. */
import type { CliIo } from '../../hub/cli/io.ts';
import { runCli } from '../../hub/cli/program.ts';
import { type Programs, systemPrograms } from '../../hub/cli/programs.ts';

export interface FairwayRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `home` and `cwd` must be given; else no terminal, an empty environment, time 0, and whoever asks a hub is refused. */
export async function runFairway(
  args: readonly string[],
  given: Pick<CliIo, 'home' | 'cwd'> & Partial<CliIo>,
  programs: Programs = systemPrograms,
): Promise<FairwayRun> {
  let out = '';
  let err = '';
  const io: CliIo = {
    terminal: false,
    columns: undefined,
    env: {},
    now: () => 0,
    fetch: () => Promise.reject(new Error('no hub is asked')),
    signal: new AbortController().signal,
    ...given,
    stdout: (text) => {
      out += text;
      given.stdout?.(text);
    },
    stderr: (text) => {
      err += text;
      given.stderr?.(text);
    },
  };
  return { code: await runCli(args, io, programs), out, err };
}
