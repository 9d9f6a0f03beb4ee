/** Runs of simulated fleets, shared among a process for each core. This file is the program of those processes, too: its arguments are the fleet and its seeds. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { fleets, SimulatedRuns } from './simulated-runs.test-support.ts';

export interface SimulationOrder {
  readonly fleet: keyof typeof fleets;
  readonly firstSeed: number;
  readonly runs: number;
}

const self = fileURLToPath(import.meta.url);
const processMsMax = 600_000;
const outputMax = 64 * 1_024 * 1_024;

async function runSome(fleet: SimulationOrder['fleet'], seeds: readonly number[]): Promise<SimulatedRuns> {
  // What a run makes lives for a pass or two.
  const args = ['--max-semi-space-size=32', self, fleet, JSON.stringify(seeds)];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    timeout: processMsMax,
    maxBuffer: outputMax,
  });
  return JSON.parse(stdout) as SimulatedRuns;
}

/** One run for each seed from the first on. */
export async function runSimulations({ fleet, firstSeed, runs }: SimulationOrder): Promise<SimulatedRuns> {
  const processes = Math.min(runs, availableParallelism());
  const seeds = Array.from({ length: runs }, (_, at) => firstSeed + at);
  const shares = Array.from({ length: processes }, (_, share) =>
    seeds.filter((_, at) => at % processes === share),
  );
  const all = await Promise.all(shares.map((share) => runSome(fleet, share)));
  return {
    runs,
    passes: all.reduce((sum, { passes }) => sum + passes, 0),
    phases: [...new Set(all.flatMap(({ phases }) => phases))].sort(),
    violations: all.flatMap(({ violations }) => violations),
  };
}

if (process.argv[1] === self) {
  const { simulateAll } = await import('./simulated-runs.test-support.ts');
  const [fleet, seeds] = process.argv.slice(2) as [SimulationOrder['fleet'], string];
  process.stdout.write(JSON.stringify(simulateAll(fleet, JSON.parse(seeds) as readonly number[])));
}
