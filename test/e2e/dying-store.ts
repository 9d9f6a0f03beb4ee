/** `fairway` with the arguments given, whose worker threads are ended once the hub serves, as a bug or a lack of memory would. Started by hub-process.test.ts. */
import { existsSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { createSystemIo } from '../../hub/cli/io.ts';
import { runCli } from '../../hub/cli/program.ts';
import { systemPrograms } from '../../hub/cli/programs.ts';

const [addressFile = '', ...args] = process.argv.slice(2);
const threads = createRequire(import.meta.url)('node:worker_threads') as typeof import('node:worker_threads');
const workers: import('node:worker_threads').Worker[] = [];
const { Worker } = threads;
threads.Worker = class extends Worker {
  constructor(...parts: ConstructorParameters<typeof Worker>) {
    super(...parts);
    workers.push(this);
  }
};
syncBuiltinESMExports();

const watch = setInterval(() => {
  if (!existsSync(addressFile)) return;
  clearInterval(watch);
  for (const worker of workers) void worker.terminate();
}, 20);
process.exitCode = await runCli(args, createSystemIo(new AbortController().signal), systemPrograms);
