import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import { clusterState } from './cluster-states.ts';
import { type SimulationOptions, simulate } from './simulation.test-support.ts';

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
  })),
  failureBudget: percent(10),
  onFailure: 'rollback',
  regions: 'any',
};
const strategies = [defaultStrategy, byRegion, lenient, gated, budgeted];

/** More or other runs: `FAIRWAY_ROLLOUT_RUNS=2000 FAIRWAY_SEED=random`, or from a seed on: `FAIRWAY_SEED=369`. */
const runs = Number(process.env['FAIRWAY_ROLLOUT_RUNS'] ?? 60);
const firstSeed =
  process.env['FAIRWAY_SEED'] === 'random'
    ? Math.floor(Math.random() * 1e9)
    : Number(process.env['FAIRWAY_SEED'] ?? 1);

function optionsOf(seed: number): SimulationOptions {
  return {
    seed,
    clusters: 10 + (seed % 40),
    regions: 1 + (seed % 5),
    strategy: strategies[seed % strategies.length] as RolloutStrategy,
    failing: [0, 0, 0.02, 0.2][seed % strategies.length >= 3 ? 3 : (seed >> 2) % 4] as number,
    away: [0, 0.2, 0.5][(seed >> 3) % 3] as number,
    flapping: [0, 0.3][(seed >> 1) % 2] as number,
    crashes: [0, 0.1, 0.3][(seed >> 4) % 3] as number,
    churn: [0, 0, 0.1, 0.4][(seed >> 3) % 4] as number,
    lifts: seed % 7 === 0,
    replays: seed % 5 === 0,
  };
}

function checkEnd(options: SimulationOptions, result: ReturnType<typeof simulate>): readonly string[] {
  const found: string[] = [];
  const { state, targets, connected } = result;
  for (const [cluster, target] of targets) {
    if (!connected.has(cluster)) continue;
    const known = clusterState(state.clusters, cluster);
    if (state.phase === 'Complete' && target !== 'new') found.push(`${cluster} was left behind`);
    if (state.phase === 'RolledBack' && target === 'new') found.push(`${cluster} was not taken back`);
    if (state.phase === 'Complete' && options.strategy.onFailure !== 'continue' && known?.failure) {
      const wave = state.waves.find(({ clusters }) => clusters.includes(cluster));
      if (wave === undefined) found.push(`${cluster} has no wave`);
    }
  }
  // The release, the way back, and the release again where somebody lifts all gates after that.
  const timesMax = options.lifts ? 3 : 2;
  for (const [cluster, times] of result.assigned)
    if (times > timesMax) found.push(`${cluster} was assigned ${times} times`);
  return found;
}

describe('a simulated fleet', () => {
  it(`keeps every bound in ${runs} runs, and ends`, { timeout: 300_000 }, () => {
    const phases = new Set<string>();
    const found: string[] = [];
    for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
      const options = optionsOf(seed);
      const result = simulate(options);
      phases.add(result.state.phase);
      const [first] = [...result.violations, ...checkEnd(options, result)];
      if (first !== undefined)
        found.push(`seed ${seed}, strategy ${options.strategy.name}, ${result.state.phase}: ${first}`);
    }
    expect(found.slice(0, 10), `${found.length} of ${runs} runs`).toEqual([]);
    // Runs of every kind are among them.
    if (runs >= 60) expect([...phases].sort()).toEqual(['Complete', 'Paused', 'RolledBack']);
  });

  it('takes 500 clusters in 6 regions through outages and restarts', { timeout: 120_000 }, () => {
    const result = simulate({
      ...{
        seed: 7,
        clusters: 500,
        churn: 0.05,
        regions: 6,
        strategy: lenient,
        failing: 0,
        away: 0.2,
        flapping: 0.1,
        crashes: 0.1,
      },
    });
    expect(result.violations).toEqual([]);
    expect(result.state.phase).toBe('Complete');
    const reached = [...result.targets.values()].filter((target) => target === 'new');
    expect(reached.length).toBeGreaterThan(400);
  });
});
