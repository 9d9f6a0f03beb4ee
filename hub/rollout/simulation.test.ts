import { describe, expect, it } from 'vitest';
import { runSimulations } from './testing/run-simulations.test-support.ts';

/** More or other runs: `FAIRWAY_ROLLOUT_RUNS=2000 FAIRWAY_SEED=random`, or from a seed on: `FAIRWAY_SEED=369`. */
const runs = Number(process.env['FAIRWAY_ROLLOUT_RUNS'] ?? 60);
const firstSeed =
  process.env['FAIRWAY_SEED'] === 'random'
    ? Math.floor(Math.random() * 1e9)
    : Number(process.env['FAIRWAY_SEED'] ?? 1);

describe('a simulated fleet', () => {
  it.each([
    { fleet: 'small', of: '10 to 49 clusters, each pass looked at from all sides' },
    { fleet: 'large', of: '500 clusters in 6 regions' },
  ] as const)(`keeps every bound in ${runs} runs, and ends: $of`, { timeout: 600_000 }, async ({ fleet }) => {
    const { violations, phases } = await runSimulations({ fleet, firstSeed, runs });
    expect(violations.slice(0, 10), `${violations.length} of ${runs} runs`).toEqual([]);
    // Runs of every kind are among them.
    if (runs >= 60) expect(phases).toEqual(['Complete', 'Paused', 'RolledBack']);
  });
});
