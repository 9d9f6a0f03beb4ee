import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * Threads and programs that tests start strip types; each of them would compile the stripper, WebAssembly, anew. From this cache they take the stripped code. It is not for speed alone:
 * V8's book of executable pages is one for all threads of a process, and threads that come and go with WebAssembly in them make it abort a process, one in some thousands
 * (`jit_page`: https://github.com/nodejs/node/issues/64500).
 */
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/fairway/code');

/** Test files run in processes of their own; two workers, since a test machine may have no more than two cores. */
export default defineConfig({
  test: {
    include: ['{hub,agent,shared,test}/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    restoreMocks: true,
  },
});
