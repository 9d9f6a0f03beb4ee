import { defineConfig } from 'vitest/config';

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
