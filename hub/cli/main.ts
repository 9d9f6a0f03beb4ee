/**
 * `fairway`: a client of the hub's API, but for the programs it starts (`hub`, `agent`, `demo`) and what needs no hub (`schema`, `render --path`,
 * `version`). Commands live in commands/, one file a family; each turns options into requests and answers into text (output/), and throws
 * FairwayErrors, which become one line, a hint and an exit code here and nowhere else. What the machine gives (terminal, environment,
 * network) comes in as CliIo, so that tests run the whole program in their own process.
 */
import { compileLater } from './compile-later.ts';
import { createSystemIo } from './io.ts';
import { runCli } from './program.ts';
import { systemPrograms } from './programs.ts';

compileLater();
const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => {
    // A second signal ends at once whatever still drains.
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  });
// A reader that went away (`fairway get events | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await runCli(process.argv.slice(2), createSystemIo(abort.signal), systemPrograms);
