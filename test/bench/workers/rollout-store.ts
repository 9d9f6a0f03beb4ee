/**
 * A process of its own: a hub's rollout loop over a store on disk. Prints as JSON what the passes took that a hundred reports have woken, store and all. Arguments: clusters,
 * applications.
 */
import { performance } from 'node:perf_hooks';
import { createRolloutBed } from '../kit/rollout-bed.ts';

const [clusters = 10_000, applications = 20] = process.argv.slice(2).map(Number);
const passes = 11;
const reportsAtOnce = 100;

const bed = await createRolloutBed(clusters, applications);
const cpuMs: number[] = [];
const wallMs: number[] = [];
for (let round = 0; round < passes; round += 1) {
  await bed.report(reportsAtOnce);
  const before = await bed.counted();
  const start = performance.now();
  const used = process.cpuUsage();
  await bed.settle();
  // Of every thread of the process: the loop's, the store's and the collector's.
  const { user, system } = process.cpuUsage(used);
  cpuMs.push((user + system) / 1_000);
  wallMs.push(performance.now() - start);
  const counted = (await bed.counted()) - before;
  if (counted !== reportsAtOnce) throw new Error(`${counted} of ${reportsAtOnce} reports were counted`);
}
await bed.close();
const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
process.stdout.write(JSON.stringify({ cpuMs: median(cpuMs), wallMs: median(wallMs) }));
