/** What is told before anything happens, held to what then happens: the reducer goes through the very waves, in the order and within the bounds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy, type WaveSpec } from '../../model/strategy.ts';
import { advanceRollout, type RolloutInput } from '../advance-rollout.ts';
import { applyAction } from '../apply-action.ts';
import { clusterState } from '../cluster-states.ts';
import { type PlanRevisionInput, planRevision } from '../plan/plan-revision.ts';
import { type ClusterFacts, type SelectorMatch, specOf } from '../plan-waves.ts';
import { isOver, type ObservedCluster, type RolloutState } from '../rollout-state.ts';
import { createFixture } from '../testing/fixture.test-support.ts';
import { type AheadApplication, planAhead } from './plan-ahead.ts';

const regions = ['ap', 'eu', 'us'] as const;
const startMs = Date.UTC(2026, 0, 5, 20);

const amount = fc.oneof(
  fc.record({ unit: fc.constant('clusters' as const), value: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ unit: fc.constant('percent' as const), value: fc.integer({ min: 1, max: 100 }) }),
);

const wave = fc.record({
  selector: fc.option(fc.constantFrom('canary', 'late')),
  groupBy: fc.constantFrom('', '', 'fairway.dev/region'),
  take: fc.option(amount),
  maxConcurrent: amount,
  maxUnavailable: amount,
  minHealthyMs: fc.constantFrom(0, 60_000),
  soakMs: fc.constantFrom(0, 0, 600_000),
  approval: fc.option(fc.constantFrom('before' as const, 'after' as const)),
});

const strategies = fc
  .record({
    waves: fc.array(wave, { minLength: 1, maxLength: 4 }),
    regions: fc.constantFrom('apart' as const, 'any' as const),
    pairs: fc.constantFrom('apart' as const, 'together' as const, 'any' as const),
    windowed: fc.boolean(),
  })
  .map(({ waves, regions: across, pairs, windowed }): RolloutStrategy => {
    const specs = waves.map(
      ({ selector, take, approval, ...rest }, index): WaveSpec => ({
        ...{ ...defaultWave, ...rest, name: `w${index}`, take: take ?? undefined },
        selector: selector === null ? undefined : { matchLabels: { tier: selector }, matchExpressions: [] },
        approval: approval === null ? undefined : { when: approval, approvers: [] },
      }),
    );
    const window = { cron: '0 6 * * *', durationMs: 8 * 3_600_000, timeZone: 'UTC' };
    const about = { name: 'made', regions: across, pairs, windows: windowed ? [window] : [] };
    return { ...defaultStrategy, ...about, waves: specs };
  });

interface Made {
  readonly region: (typeof regions)[number];
  readonly tier: string;
  readonly pair: string;
  readonly primary: boolean;
  /** Other Target, the same, or newly placed. */
  readonly change: 'changed' | 'same' | 'placed';
}

const clusters = fc.array(
  fc.record<Made>({
    region: fc.constantFrom(...regions),
    tier: fc.constantFrom('', 'canary', 'late'),
    pair: fc.constantFrom('', '', 'one', 'two'),
    primary: fc.boolean(),
    change: fc.constantFrom('changed', 'changed', 'changed', 'same', 'placed'),
  }),
  { minLength: 1, maxLength: 14 },
);

const matches: SelectorMatch = (selector, labels) =>
  Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value);

function nameOf({ region }: Made, index: number): string {
  return `${region}-${String(index).padStart(2, '0')}`;
}

/** The fleet after its first release, and a revision that changes it. */
function createInput(made: readonly Made[], strategy: RolloutStrategy): PlanRevisionInput {
  const fixture = createFixture(100);
  for (const [index, one] of made.entries()) {
    const name = nameOf(one, index);
    fixture.cluster(name);
    fixture.render('web', name, ['ConfigMap/old']);
  }
  const named = made.map((one, index) => ({ ...one, name: nameOf(one, index) }));
  const had = named.filter(({ change }) => change !== 'placed').map(({ name }) => name);
  fixture.application('web', had).revise('r1');
  for (const { name, change } of named) if (change !== 'same') fixture.render('web', name, ['ConfigMap/new']);
  fixture.application(
    'web',
    named.map(({ name }) => name),
  );
  const input = fixture.inputFor('r2');
  const applications = new Map(
    [...input.fleet.applications].map(([name, one]) => [name, { ...one, rollout: { inline: strategy } }]),
  );
  const facts = new Map<string, ClusterFacts>(
    named.map(({ name, region, tier, pair, primary }) => [
      name,
      { name, region, pair, primary, labels: { tier, 'fairway.dev/region': region } },
    ]),
  );
  const connected = new Set(named.map(({ name }) => name));
  return {
    ...input,
    fleet: { ...input.fleet, applications },
    waves: { ...input.waves, facts, connected, matches },
    nowMs: startMs,
  };
}

interface Lived {
  /** Names of waves as they began. */
  readonly waves: readonly string[];
  /** Clusters as they were assigned, by wave. */
  readonly assigned: ReadonlyMap<string, readonly string[]>;
  /** The most that were in flight at once, by wave. */
  readonly most: ReadonlyMap<string, number>;
  readonly firstAtMs: number | undefined;
  readonly phase: RolloutState['phase'];
}

const healthy = (atMs: number) => ({
  acknowledgements: { receivedAtMs: atMs, appliedAtMs: atMs, healthyAtMs: atMs, refused: undefined },
  report: { sync: 'Synced', health: 'Current', message: '', waitsFor: '' },
});

/** Lets the reducer run, with every cluster healthy one pass after it was assigned and every approval given. */
function live(input: PlanRevisionInput): Lived {
  const plan = planRevision(input);
  let state = plan.rollouts['web'] as RolloutState;
  const [release] = plan.releases;
  if (release === undefined) throw new Error('nothing was released');
  const has = new Map(input.assignments.map((one) => [one.cluster, one.targetDigest]));
  const observed = new Map<string, ObservedCluster>(
    Object.keys(release.targets).map((cluster) => [
      cluster,
      {
        ...{ targetDigest: has.get(cluster), releaseId: '', removed: false, connected: true },
        ...{ ...healthy(0), lastHealthyDigest: has.get(cluster) },
      },
    ]),
  );
  let nowMs = startMs;
  const waves: string[] = [];
  const assigned = new Map<string, string[]>();
  const most = new Map<string, number>();
  let firstAtMs: number | undefined;
  for (let pass = 0; pass < 300 && !isOver(state); pass += 1) {
    const now: RolloutInput = {
      release: { ...release, removes: new Set(), reason: 'release' },
      ...{ observed, facts: input.waves.facts, matches, nowMs },
    };
    const known = new Set(state.waves.filter((one) => one.startedAtMs !== undefined).map((one) => one.name));
    const next = advanceRollout(state, now);
    state = next.state;
    for (const one of state.waves)
      if (one.startedAtMs !== undefined && !known.has(one.name)) waves.push(one.name);
    for (const { cluster, targetDigest } of next.decisions) {
      firstAtMs ??= nowMs;
      const of = state.waves.find((one) => one.clusters.includes(cluster))?.name ?? '';
      assigned.set(of, [...(assigned.get(of) ?? []), cluster]);
      const seen = observed.get(cluster) as ObservedCluster;
      observed.set(cluster, { ...seen, ...healthy(nowMs + 1), targetDigest });
    }
    for (const one of state.waves) {
      const flying = one.clusters.filter((cluster) => {
        const about = clusterState(state.clusters, cluster);
        return about?.assignedAtMs !== undefined && about.countedAtMs === undefined;
      });
      most.set(one.name, Math.max(most.get(one.name) ?? 0, flying.length));
    }
    state = approve(state, nowMs);
    nowMs = Math.max(nowMs + 1_000, next.decisions.length === 0 ? (next.nextAtMs ?? 0) : 0);
  }
  return { waves, assigned, most, firstAtMs, phase: state.phase };
}

function approve(state: RolloutState, atMs: number): RolloutState {
  const current = state.waves.find(({ endedAtMs }) => endedAtMs === undefined);
  const approval = current && specOf(state.strategy, current).approval;
  if (isOver(state) || current === undefined || approval === undefined) return state;
  if (approval.when === 'after' && current.settledAtMs === undefined) return state;
  const said = { actor: 'ann', reason: 'good', atMs };
  return applyAction(state, { type: 'approve', wave: current.name }, said);
}

const planOf = (input: PlanRevisionInput): AheadApplication | undefined =>
  planAhead({ ...input, pauses: [] }).find(({ application }) => application === 'web');

describe('planAhead', () => {
  it('tells the waves that the reducer goes through while everything is healthy, their order, clusters and bounds', () => {
    let waved = 0;
    fc.assert(
      fc.property(clusters, strategies, (made, strategy) => {
        const input = createInput(made, strategy);
        const ahead = planOf(input);
        if (made.every(({ change }) => change === 'same')) return void expect(ahead).toBeUndefined();
        const had = made.some(({ change }) => change === 'same');
        if (had && made.every(({ change }) => change !== 'changed')) {
          // Clusters that only join begin nothing: the rollout that there is takes them in.
          const joins = made.map((one, index) => (one.change === 'placed' ? nameOf(one, index) : ''));
          expect(ahead?.outcome).toBe('amends');
          expect(ahead?.waves.flatMap((one) => one.clusters).sort()).toEqual(joins.filter(Boolean).sort());
          return;
        }
        const lived = live(input);
        expect(lived.phase).toBe('Complete');
        expect(ahead?.outcome).toBe('begins');
        expect(lived.waves).toEqual(ahead?.waves.map(({ name }) => name));
        for (const { name, clusters: told, bounds } of ahead?.waves ?? []) {
          expect(lived.assigned.get(name)).toEqual(told);
          expect(lived.most.get(name)).toBeLessThanOrEqual(Math.min(bounds.concurrent, bounds.unavailable));
        }
        const openness = ahead?.strategy?.openness;
        if (openness?.open === false) expect(lived.firstAtMs).toBe(openness.opensAtMs);
        const part = ahead?.waves.flatMap((one) => one.clusters) ?? [];
        const left = ahead?.leftOut.flatMap((one) => one.clusters) ?? [];
        expect([...part, ...left].sort()).toEqual(made.map(nameOf).sort());
        waved += part.length > 0 ? 1 : 0;
      }),
      { numRuns: 150 },
    );
    expect(waved).toBeGreaterThan(50);
  });

  it('changes nothing by being asked: the same plan twice, and the same as what is then begun', () => {
    fc.assert(
      fc.property(clusters, strategies, (made, strategy) => {
        const input = createInput(made, strategy);
        expect(planOf(input)).toEqual(planOf(input));
        const state = planRevision(input).rollouts['web'] as RolloutState | undefined;
        const ahead = planOf(input);
        if (ahead?.outcome === 'begins')
          expect(ahead.waves.map((one) => one.clusters)).toEqual(state?.waves.map((one) => one.clusters));
      }),
      { numRuns: 50 },
    );
  });
});
