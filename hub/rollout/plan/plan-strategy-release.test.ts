import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave } from '../../model/strategy.ts';
import { clusterStates, noClusters } from '../cluster-states.ts';
import { moveClusters } from '../move-clusters.ts';
import type { ClusterFacts } from '../plan-waves.ts';
import type { ClusterState, ObservedCluster, RolloutState } from '../rollout-state.ts';
import { planStrategyRelease, type StrategyReleaseInput } from './plan-strategy-release.ts';

const facts = (name: string, labels: Record<string, string> = {}): ClusterFacts => ({
  ...{ name, labels, region: '', pair: '', primary: false },
});
const has = (targetDigest: string | undefined): ObservedCluster => ({
  ...{ targetDigest, releaseId: '', removed: false, acknowledgements: undefined },
  ...{ connected: true, report: undefined, lastHealthyDigest: undefined },
});

function input(
  wanted: Readonly<Record<string, string>>,
  running: Readonly<Record<string, string | undefined>>,
  before?: { readonly targets: Readonly<Record<string, string>>; readonly state: Partial<RolloutState> },
): StrategyReleaseInput {
  return {
    ...{ strategy: defaultStrategy, application: 'web', revisionId: 'r2', removes: new Set(), nowMs: 5 },
    wanted: new Map(Object.entries(wanted)),
    observed: new Map(Object.keys(wanted).map((name) => [name, has(running[name])])),
    facts: new Map(Object.keys(wanted).map((name) => [name, facts(name)])),
    before: before && {
      targets: before.targets,
      state: {
        waves: [],
        clusters: noClusters,
        held: [],
        phase: 'Progressing',
        ...before.state,
      } as unknown as RolloutState,
    },
    matches: ({ matchLabels }, labels) =>
      Object.entries(matchLabels).every(([key, value]) => labels[key] === value),
    newId: () => 'rel',
  };
}

const waves = (planned: ReturnType<typeof planStrategyRelease>) =>
  planned?.state.waves.map((wave) => `${wave.name}: ${wave.clusters.join(' ')}`);

describe('planStrategyRelease', () => {
  it('is for exactly the clusters whose Target changes', () => {
    const planned = planStrategyRelease(
      input({ a: 'new', b: 'same', c: 'new' }, { a: 'old', b: 'same', c: 'old' }),
    );
    expect(waves(planned)).toEqual(['first: a', 'quarter: c']);
    expect(planned?.release.targets).toEqual({ a: 'new', b: 'same', c: 'new' });
    expect(planStrategyRelease(input({ a: 'same' }, { a: 'same' }))).toBeUndefined();
  });

  it('leaves the rollout of the same Targets alone, under way, held or over', () => {
    const wanted = { a: 'new', b: 'new' };
    for (const phase of ['Progressing', 'Paused', 'RolledBack', 'Complete', 'Aborted'] as const)
      expect(
        planStrategyRelease(input(wanted, { a: 'new', b: 'old' }, { targets: wanted, state: { phase } })),
      ).toBeUndefined();
  });

  it('supersedes: who has the newest Target already takes no part, and gates begin anew', () => {
    const planned = planStrategyRelease(
      input({ a: 'v3', b: 'v3' }, { a: 'v2', b: 'v1' }, { targets: { a: 'v2', b: 'v2' }, state: {} }),
    );
    expect(waves(planned)).toEqual(['first: a', 'quarter: b']);
  });

  it('ends a rollout by a commit that takes it back', () => {
    const planned = planStrategyRelease(
      input(
        { a: 'v1', b: 'v1' },
        { a: 'v1', b: 'v1' },
        { targets: { a: 'v2', b: 'v2' }, state: { phase: 'Paused' } },
      ),
    );
    expect(planned?.state).toMatchObject({ phase: 'Progressing', waves: [] });
  });

  it('does not release again what is held, for whichever cluster', () => {
    const held = { targets: { a: 'bad', b: 'bad' }, state: { phase: 'RolledBack' as const, held: ['bad'] } };
    const planned = planStrategyRelease(
      input({ a: 'bad', b: 'bad', c: 'good' }, { a: 'v1', b: 'v1', c: 'v1' }, held),
    );
    expect(waves(planned)).toEqual(['first: c']);
    expect(planned?.state.held).toEqual(['bad']);
  });

  it('leaves a rollout alone that clusters only join or leave', () => {
    const complete = { targets: { a: 'v1', b: 'v1' }, state: { phase: 'Complete' as const } };
    const joined = input({ a: 'v1', b: 'v1', c: 'v1' }, { a: 'v1', b: 'v1', c: undefined }, complete);
    expect(planStrategyRelease(joined)).toBeUndefined();
    const left = input({ a: 'v1', b: 'gone' }, { a: 'v1', b: 'v1' }, complete);
    expect(planStrategyRelease({ ...left, removes: new Set(['b']) })).toBeUndefined();
  });
});

describe('moveClusters', () => {
  const strategy = {
    ...defaultStrategy,
    waves: [
      { ...defaultWave, name: 'canary', selector: { matchLabels: { tier: 'canary' }, matchExpressions: [] } },
      { ...defaultWave, name: 'by', groupBy: 'zone' },
    ],
  };
  const { matches, ...rest } = input({ a: 'new', b: 'new', c: 'new' }, {});
  const state = planStrategyRelease({
    ...rest,
    ...{ matches, strategy },
    facts: new Map(
      [facts('a', { tier: 'canary' }), facts('b', { zone: 'x' }), facts('c', { zone: 'y' })].map((one) => [
        one.name,
        one,
      ]),
    ),
  })!.state;
  const moved = (clusters: Readonly<Record<string, ClusterState>>, ...changed: readonly ClusterFacts[]) =>
    moveClusters(
      { ...state, clusters: clusterStates(clusters) },
      new Map(changed.map((one) => [one.name, one])),
      matches,
    ).waves.map((wave) => `${wave.name}: ${wave.clusters.join(' ')}`);

  it('takes a waiting cluster to the wave that its labels name now, and leaves one that was assigned', () => {
    expect(moved({}, facts('b', { zone: 'y' }))).toEqual(['canary: a', 'by/x: ', 'by/y: c b']);
    expect(moved({}, facts('c', { tier: 'canary' }))).toEqual(['canary: a c', 'by/x: b', 'by/y: ']);
    expect(moved({ b: { assignedAtMs: 1 } }, facts('b', { zone: 'y' }))).toEqual([
      'canary: a',
      'by/x: b',
      'by/y: c',
    ]);
  });
});
