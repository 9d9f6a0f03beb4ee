/**
 * How Node is started for the agent in every release form. The launcher, deploy/container/fairway-agent, says why, and a test holds it and the systemd unit to
 * these lists.
 */

/** Options of V8, as those of Node 24 are called. The first is the one where there is room for one only. */
export const agentFlags = [
  '--max-semi-space-size=1',
  '--expose-gc',
  '--no-opt',
  '--no-maglev-inlining',
  '--invocation-count-for-maglev=2000',
  '--invocation-count-for-maglev-osr=1000',
  '--no-concurrent-recompilation',
  '--no-concurrent-sparkplug',
] as const;

/** The C library's. */
export const agentEnv = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '131072',
} as const;
