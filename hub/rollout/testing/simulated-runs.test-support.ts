/**
 * Which fleets are simulated: what a run is like follows from its seed. Small ones, of which each pass is looked at from all sides, and fleets of 500 clusters in 6 regions,
 * thousands of which run in a minute on two cores.
 */
import type { RolloutPhase } from '../../model/rollout-history.ts';
import { type Amount, defaultStrategy, defaultWave, type RolloutStrategy } from '../../model/strategy.ts';
import { clusterState } from '../cluster-states.ts';
import { type Outage, startMs } from './simulated-clusters.test-support.ts';
import { type SimulationOptions, type SimulationResult, simulate } from './simulation.test-support.ts';

const percent = (value: number) => ({ unit: 'percent', value }) as const;
const count = (value: number) => ({ unit: 'clusters', value }) as const;

const byRegion: RolloutStrategy = {
  ...defaultStrategy,
  name: 'by-region',
  waves: [
    {
      ...defaultWave,
      name: 'canary',
      selector: { matchLabels: { tier: 'canary' }, matchExpressions: [] },
      maxConcurrent: count(3),
      minHealthyMs: 30_000,
      soakMs: 120_000,
      approval: { when: 'after', approvers: [] },
    },
    {
      ...defaultWave,
      name: 'regions',
      groupBy: 'fairway.dev/region',
      maxConcurrent: percent(20),
      failureBudget: percent(10),
    },
  ],
  windows: [{ cron: '0 6 * * *', durationMs: 12 * 3_600_000, timeZone: 'Europe/Berlin' }],
  onFailure: 'rollback',
  rollbackSpeed: 'waves',
};
const lenient: RolloutStrategy = {
  ...defaultStrategy,
  name: 'lenient',
  waves: defaultStrategy.waves.map((wave) => ({
    ...wave,
    maxConcurrent: percent(30),
    soakMs: 60_000,
  })),
  onFailure: 'continue',
  regions: 'any',
  pairs: 'any',
};
const gated: RolloutStrategy = {
  ...defaultStrategy,
  name: 'gated',
  waves: [
    { ...defaultWave, name: 'one', take: count(2), approval: { when: 'before', approvers: [] } },
    { ...defaultWave, name: 'two', take: percent(50), approval: { when: 'before', approvers: [] } },
  ],
  onFailure: 'rollback',
  rollbackSpeed: 'at-once',
  pairs: 'together',
};
/** Each wave bears all that fails in it; only the whole has a bound. */
const budgeted: RolloutStrategy = {
  ...defaultStrategy,
  name: 'budgeted',
  waves: [10, 20, 30, 100].map((share) => ({
    ...defaultWave,
    ...{ name: `to-${share}`, take: percent(share), maxConcurrent: percent(25), failureBudget: percent(100) },
    ...{ maxUnavailable: percent(20), minHealthyMs: 40_000, soakMs: 90_000 },
  })),
  failureBudget: percent(10),
  onFailure: 'rollback',
  regions: 'any',
};
const strategies: readonly RolloutStrategy[] = [defaultStrategy, byRegion, lenient, gated, budgeted];

/** One of them, in turn. */
function one<T>(all: readonly T[], at: number): T {
  return all[Math.floor(at) % all.length] as T;
}

/** 10 to 49 clusters. */
export function smallFleet(seed: number): SimulationOptions {
  return {
    seed,
    clusters: 10 + (seed % 40),
    regions: 1 + (seed % 5),
    strategy: one(strategies, seed),
    failing: seed % strategies.length >= 3 ? 0.2 : one([0, 0, 0.02, 0.2], seed >> 2),
    away: one([0, 0.2, 0.5], seed >> 3),
    flapping: one([0, 0.3], seed >> 1),
    crashes: one([0, 0.1, 0.3], seed >> 4),
    churn: one([0, 0, 0.1, 0.4], seed >> 3),
    lifts: seed % 7 === 0,
    replays: seed % 5 === 0,
  };
}

/** Waves of hundreds go in fewer steps. */
function hurried(strategy: RolloutStrategy): RolloutStrategy {
  const atLeast = (amount: Amount, value: number) =>
    amount.unit === 'percent' ? percent(Math.max(amount.value, value)) : amount;
  const waves = strategy.waves.map((wave) => ({
    ...wave,
    maxConcurrent: atLeast(wave.maxConcurrent, 45),
    maxUnavailable: atLeast(wave.maxUnavailable, 40),
  }));
  return { ...strategy, waves };
}

/** Begins within ten minutes and takes two to twenty. */
function outageOf(seed: number): Outage {
  const fromMs = startMs + ((seed * 37) % 600) * 1_000;
  return { region: `r${seed % 6}`, fromMs, untilMs: fromMs + (120 + ((seed * 53) % 1_080)) * 1_000 };
}

/** 500 clusters in 6 regions, some of which are away, slow, ill or flapping, with an outage of a region, under a hub that is killed. */
export function largeFleet(seed: number): SimulationOptions {
  return {
    seed,
    clusters: 500,
    regions: 6,
    strategy: hurried(one(strategies, seed)),
    failing: one([0, 0.01, 0, 0.08], seed / 5),
    away: one([0.05, 0, 0.02, 0.1], seed / 2),
    outage: one([undefined, outageOf(seed), outageOf(seed)], seed / 3),
    flapping: one([0.05, 0, 0.1], seed / 3),
    crashes: one([0.1, 0.02], seed / 7),
    churn: one([0, 0.25], seed / 4),
    churns: 8,
    stepMs: one([30_000, 45_000, 90_000], seed),
    lifts: seed % 11 === 0,
    audits: 0.005,
  };
}

export const fleets = { small: smallFleet, large: largeFleet } as const;

/** What must be true of a run that has ended. Empty: it is. */
export function checkEnd(options: SimulationOptions, result: SimulationResult): readonly string[] {
  const found: string[] = [];
  const { state, targets, before, connected, heldUp } = result;
  for (const [cluster, target] of targets) {
    if (!connected.has(cluster)) continue;
    const known = clusterState(state.clusters, cluster);
    if (state.phase === 'Complete' && target !== 'new' && !heldUp.has(cluster))
      found.push(`${cluster} was left behind`);
    if (state.phase === 'RolledBack' && target === 'new') found.push(`${cluster} was not taken back`);
    const had = before.get(cluster);
    if (state.phase === 'RolledBack' && had !== undefined && target !== had)
      found.push(`${cluster} went back to ${target}, not to its own ${had}`);
    if (state.phase === 'Complete' && options.strategy.onFailure !== 'continue' && known?.failure) {
      const wave = state.waves.find(({ clusters }) => clusters.includes(cluster));
      if (wave === undefined) found.push(`${cluster} has no wave`);
    }
  }
  // The release, the way back, and the release again where somebody lifts all gates after that.
  const timesMax = options.lifts ? 3 : 2;
  // And what was before it, once, to who joined.
  for (const [cluster, times] of result.assigned)
    if (times > timesMax + (clusterState(state.clusters, cluster)?.givenLastAtMs === undefined ? 0 : 1))
      found.push(`${cluster} was assigned ${times} times`);
  return found;
}

export interface SimulatedRuns {
  readonly runs: number;
  readonly passes: number;
  readonly phases: readonly RolloutPhase[];
  /** The first of what went wrong in each run where something did, with its seed. */
  readonly violations: readonly string[];
}

/** @param seeds of the runs, in order. */
export function simulateAll(fleet: keyof typeof fleets, seeds: readonly number[]): SimulatedRuns {
  const phases = new Set<RolloutPhase>();
  const violations: string[] = [];
  let passes = 0;
  for (const seed of seeds) {
    const options = fleets[fleet](seed);
    const result = simulate(options);
    passes += result.passes;
    phases.add(result.state.phase);
    const [first] = [...result.violations, ...checkEnd(options, result)];
    if (first !== undefined)
      violations.push(
        `${fleet} fleet, seed ${seed}, strategy ${options.strategy.name}, ${result.state.phase}: ${first}`,
      );
  }
  return { runs: seeds.length, passes, phases: [...phases].sort(), violations };
}
