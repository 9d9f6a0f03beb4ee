/** A process of its own that plans and decides rollouts of many clusters, and prints what that took as JSON. Arguments: clusters, applications. */
import { performance } from 'node:perf_hooks';
import { packState } from '../../../hub/rollout/rollout-state.ts';
import { bringHalfWay, passRollout, planRollout, reportHealthy, rolloutNames } from '../kit/rollout-fleet.ts';

const [clusters = 10_000, applications = 20] = process.argv.slice(2).map(Number);
const passes = 10;
/** Reports that come between two passes. */
const reportsAtOnce = 100;

const names = rolloutNames(clusters);
const digests = ['a'.repeat(64), 'b'.repeat(64)] as const;
const began = performance.now();
const rollouts = Array.from({ length: applications }, (_, index) => planRollout(index, names, digests, 0));
const planMs = performance.now() - began;
let nowMs = Math.max(...rollouts.map((rollout) => bringHalfWay(rollout, 1)));
const took: number[] = [];
for (let round = 0; round < passes; round += 1) {
  nowMs += 1_000;
  reportHealthy(rollouts, reportsAtOnce, nowMs);
  const start = performance.now();
  for (const rollout of rollouts) passRollout(rollout, nowMs);
  took.push(performance.now() - start);
}
took.sort((a, b) => a - b);
const stateKb = Math.round(
  rollouts.reduce((sum, { state }) => sum + JSON.stringify(packState(state)).length, 0) / 1024,
);
process.stdout.write(
  JSON.stringify({
    planMs,
    decideMs: took[Math.floor(took.length / 2)],
    memoryMb: process.memoryUsage().rss / 2 ** 20,
    stateKb,
  }),
);
