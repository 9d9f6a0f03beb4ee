/** A process of its own that plans and decides rollouts of many clusters, and prints what that took as JSON. Arguments: clusters, applications. */
import { performance } from 'node:perf_hooks';
import { defaultStrategy, defaultWave } from '../../../hub/model/strategy.ts';
import { advanceRollout, type RolloutInput, startRollout } from '../../../hub/rollout/advance-rollout.ts';
import type { ClusterFacts } from '../../../hub/rollout/plan-waves.ts';
import type { ObservedCluster, RolloutState } from '../../../hub/rollout/rollout-state.ts';

const [clusters = 10_000, applications = 20] = process.argv.slice(2).map(Number);
const passes = 10;
/** Reports that come between two passes. */
const reportsAtOnce = 100;

const strategy = {
  ...defaultStrategy,
  waves: [
    { ...defaultWave, name: 'canary', take: { unit: 'percent', value: 1 } as const },
    {
      ...defaultWave,
      name: 'regions',
      groupBy: 'region',
      maxConcurrent: { unit: 'percent', value: 50 } as const,
    },
  ],
  regions: 'any' as const,
  pairs: 'any' as const,
};
const names = Array.from({ length: clusters }, (_, index) => `cluster-${index}`);
const facts = new Map<string, ClusterFacts>(
  names.map((name, index) => {
    const region = `r${index % 6}`;
    return [name, { name, labels: { region }, region, pair: '', primary: false }];
  }),
);
const digests = [`${'a'.repeat(64)}`, `${'b'.repeat(64)}`] as const;
const healthy = (targetDigest: string, nowMs: number): ObservedCluster => ({
  ...{ targetDigest, releaseId: 'r', removed: false, connected: true, lastHealthyDigest: targetDigest },
  acknowledgements: { receivedAtMs: nowMs, appliedAtMs: nowMs, healthyAtMs: nowMs, refused: undefined },
  report: { sync: 'Synced', health: 'Current', message: '', waitsFor: '' },
});

interface Rollout {
  readonly input: Omit<RolloutInput, 'nowMs'> & { readonly observed: Map<string, ObservedCluster> };
  state: RolloutState;
}

function plan(index: number): Rollout {
  const observed = new Map(names.map((name) => [name, healthy(digests[0], 0)]));
  const release = {
    ...{ id: `release-${index}`, application: `app-${index}`, revisionId: 'r', createdAtMs: 0 },
    ...{ reason: 'release' as const, removes: new Set<string>() },
    targets: Object.fromEntries(names.map((name) => [name, digests[1]])),
  };
  const input = { release, observed, facts };
  return { input, state: startRollout(strategy, { ...input, nowMs: 0 }, () => true) };
}

function pass(rollout: Rollout, nowMs: number): void {
  const { state, decisions } = advanceRollout(rollout.state, { ...rollout.input, nowMs });
  rollout.state = state;
  for (const { cluster, targetDigest } of decisions)
    rollout.input.observed.set(cluster, {
      ...healthy(targetDigest, 0),
      acknowledgements: undefined,
      report: undefined,
    });
}

/** So many of those that were assigned say that they are healthy. */
function report(rollouts: readonly Rollout[], count: number): void {
  let left = count;
  for (const { input, state } of rollouts)
    for (const [name, seen] of Object.entries(state.clusters)) {
      if (left === 0) return;
      if (seen.assignedAtMs === undefined || seen.countedAtMs !== undefined) continue;
      if (input.observed.get(name)?.acknowledgements !== undefined) continue;
      input.observed.set(name, healthy(digests[1], nowMs));
      left -= 1;
    }
}

const began = performance.now();
const rollouts = Array.from({ length: applications }, (_, index) => plan(index));
const planMs = performance.now() - began;
let nowMs = 1;
// Into the middle: most regions are done, the one under way has half of its clusters in flight.
for (let round = 0; round < 9; round += 1) {
  nowMs += 1_000;
  for (const rollout of rollouts) pass(rollout, nowMs);
  report(rollouts, Number.MAX_SAFE_INTEGER);
}
for (const rollout of rollouts) pass(rollout, nowMs);
const took: number[] = [];
for (let round = 0; round < passes; round += 1) {
  nowMs += 1_000;
  report(rollouts, reportsAtOnce);
  const start = performance.now();
  for (const rollout of rollouts) pass(rollout, nowMs);
  took.push(performance.now() - start);
}
took.sort((a, b) => a - b);
const stateKb = Math.round(rollouts.reduce((sum, { state }) => sum + JSON.stringify(state).length, 0) / 1024);
process.stdout.write(
  JSON.stringify({
    planMs,
    decideMs: took[Math.floor(took.length / 2)],
    memoryMb: process.memoryUsage().rss / 2 ** 20,
    stateKb,
  }),
);
