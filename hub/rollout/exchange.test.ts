import { describe, expect, it } from 'vitest';
import { createTarget, defaultSyncOptions, type Target } from '../../shared/manifest/target.ts';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import { advanceRollout, startRollout } from './advance-rollout.ts';
import { clusterStates } from './cluster-states.ts';
import { type ExchangeMember, planExchange } from './exchange.ts';
import { type HandOverChange, planHandOvers } from './plan/plan-hand-overs.ts';
import type { ObservedCluster, RolloutState } from './rollout-state.ts';
import { setOf } from './testing/fixture.test-support.ts';

const target = (...objects: readonly string[]): Target =>
  createTarget({
    ...{ set: setOf(objects), sync: defaultSyncOptions, health: [], dependsOn: [] },
    ...{ deletionPolicy: 'prune', removed: false },
  });
const change = (
  cluster: string,
  application: string,
  has: readonly string[] | undefined,
  want: readonly string[],
): HandOverChange => ({ cluster, application, has: has && target(...has), want: target(...want) });

describe('planHandOvers', () => {
  it('names both ends of what moves, cluster by cluster, and nothing else', () => {
    const handOvers = planHandOvers([
      change('eu', 'a', ['ConfigMap/x', 'ConfigMap/y'], ['ConfigMap/y']),
      change('eu', 'b', ['ConfigMap/z'], ['ConfigMap/z', 'ConfigMap/x']),
      change('eu', 'c', ['ConfigMap/w'], ['ConfigMap/v']),
      change('us', 'a', ['ConfigMap/x'], ['ConfigMap/y']),
      change('us', 'b', ['ConfigMap/x'], ['ConfigMap/x', 'ConfigMap/u']),
    ]);
    expect(Object.fromEntries(handOvers)).toEqual({
      a: { eu: [{ application: 'b', object: '/ConfigMap/default/x' }] },
      b: { eu: [{ application: 'a', object: '/ConfigMap/default/x' }] },
    });
  });

  it('knows what comes new, and what a removal leaves to another', () => {
    const handOvers = planHandOvers([
      change('eu', 'a', ['ConfigMap/x'], []),
      change('eu', 'b', undefined, ['ConfigMap/x']),
    ]);
    expect([...handOvers.keys()].sort()).toEqual(['a', 'b']);
  });
});

const one: RolloutStrategy = { ...defaultStrategy, waves: [{ ...defaultWave, name: 'all' }] };
const approved: RolloutStrategy = {
  ...one,
  waves: [{ ...defaultWave, name: 'all', approval: { when: 'before', approvers: [] } }],
};
const had = (targetDigest: string): ObservedCluster => ({
  ...{ targetDigest, releaseId: '', removed: false, acknowledgements: undefined },
  ...{ connected: true, report: undefined, lastHealthyDigest: targetDigest },
});

/** A rollout of `new` to these clusters, which has just begun and exchanges objects in some. */
function member(
  application: string,
  clusters: readonly string[],
  handOvers: RolloutState['handOvers'],
  strategy = one,
): [string, ExchangeMember] {
  const release = {
    ...{ id: `r-${application}`, application, revisionId: 'rev', createdAtMs: 0, reason: 'release' as const },
    targets: Object.fromEntries(clusters.map((name) => [name, 'new'])),
    removes: new Set<string>(),
  };
  const observed = new Map(clusters.map((name) => [name, had('old')]));
  const input = { release, observed, facts: new Map(), nowMs: 1 };
  return [application, { input, state: { ...startRollout(strategy, input, () => true), handOvers } }];
}
const to = (application: string) => [{ application, object: 'x' }];
const who = (exchange: ReturnType<typeof planExchange>) =>
  exchange.together &&
  [...exchange.together].map(([name, { decisions }]) => `${name}: ${decisions.map((d) => d.cluster)}`);

describe('planExchange', () => {
  it('lets both go together where it is the turn of both, and the rest go alone', () => {
    const members = new Map([
      member('a', ['c1', 'c2'], { c1: to('b') }),
      member('b', ['c1', 'c3'], { c1: to('a') }),
    ]);
    const exchange = planExchange('a', members);
    expect(who(exchange)).toEqual(['a: c1,c2', 'b: c1,c3']);
    expect([...exchange.blocked]).toEqual(['c1']);
  });

  const some = (value: number): RolloutStrategy => ({
    ...one,
    waves: [{ ...defaultWave, name: 'all', maxConcurrent: { unit: 'clusters', value } }],
  });
  const everywhere = (application: string, clusters: readonly string[]) =>
    Object.fromEntries(clusters.map((cluster) => [cluster, to(application)]));

  it('lets as many go together in one pass as the bounds of both allow', () => {
    const all = ['c1', 'c2', 'c3', 'c4', 'c5'];
    const members = new Map([
      member('a', all, everywhere('b', all), some(4)),
      member('b', all, everywhere('a', all), some(3)),
    ]);
    for (const looks of ['a', 'b'])
      expect(who(planExchange(looks, members))?.sort()).toEqual(['a: c1,c2,c3', 'b: c1,c2,c3']);
  });

  it('lets go where the turns of both meet, though their orders differ, and nothing else', () => {
    const all = ['c1', 'c2', 'c3'];
    const members = new Map([
      member('a', all, everywhere('b', all), some(2)),
      member('b', ['c2', 'c3', 'c1'], everywhere('a', all), some(2)),
    ]);
    for (const [, { state }] of members)
      expect(state.waves.map(({ clusters }) => clusters.length)).toEqual([3]);
    const { together } = planExchange('a', members);
    const assigned = [...together!].map(([, { decisions }]) => decisions.map(({ cluster }) => cluster));
    expect(assigned[0]?.toSorted()).toEqual(assigned[1]?.toSorted());
    expect(assigned[0]?.length).toBeGreaterThan(0);
    for (const clusters of assigned) expect(clusters.length).toBeLessThanOrEqual(2);
  });

  it('takes applications along that exchange with one of them in another cluster', () => {
    const members = new Map([
      member('a', ['c1', 'c2'], { c1: to('b'), c2: to('c') }),
      member('b', ['c1'], { c1: to('a') }),
      member('c', ['c2'], { c2: to('a') }),
    ]);
    expect(who(planExchange('a', members))?.sort()).toEqual(['a: c1,c2', 'b: c1', 'c: c2']);
    // Of a cluster that is not its turn for somebody, the others are none the worse.
    const waits = new Map([...members, member('c', ['c2'], { c2: to('a') }, approved)]);
    expect(who(planExchange('a', waits))?.sort()).toEqual(['a: c1', 'b: c1']);
  });

  it('keeps one back as long as the other waits for its turn, is not there, or was rolled back', () => {
    const a = member('a', ['c1', 'c2'], { c1: to('b') });
    const waits = member('b', ['c1'], { c1: to('a') }, approved);
    expect(planExchange('a', new Map([a, waits]))).toEqual({ blocked: new Set(['c1']), together: undefined });
    expect(planExchange('a', new Map([a]))).toEqual({ blocked: new Set(['c1']), together: undefined });
  });

  it('keeps nobody back once both have what they are to have', () => {
    const [a, b] = [member('a', ['c1'], { c1: to('b') }), member('b', ['c1'], { c1: to('a') })];
    for (const [, { input }] of [a, b])
      (input.observed as Map<string, ObservedCluster>).set('c1', had('new'));
    expect(planExchange('a', new Map([a, b]))).toEqual({ blocked: new Set(), together: undefined });
  });

  it('takes three that pass objects round in a circle together', () => {
    const members = new Map([
      member('a', ['c1'], { c1: [...to('b'), ...to('c')] }),
      member('b', ['c1'], { c1: to('a') }),
      member('c', ['c1'], { c1: to('a') }),
    ]);
    expect(who(planExchange('b', members))).toEqual(['b: c1', 'a: c1', 'c: c1']);
  });
});

describe('applications whose waves hold each other up', () => {
  const inOrder = (
    application: string,
    other: string,
    order: readonly string[],
  ): [string, ExchangeMember] => {
    const handOvers = Object.fromEntries(order.map((cluster) => [cluster, to(other)]));
    const [name, { state, input }] = member(application, order, handOvers);
    const waves = order.map((cluster) => ({ ...defaultWave, name: cluster }));
    const planned = {
      ...{ ...state, strategy: { ...defaultStrategy, waves } },
      waves: order.map((cluster, spec) => ({ name: cluster, spec, clusters: [cluster] })),
    };
    const facts = new Map(
      order.map((cluster) => [
        cluster,
        { name: cluster, labels: {}, region: cluster, pair: '', primary: false },
      ]),
    );
    const own = { ...input, facts };
    const blocked = new Set(order);
    return [name, { input: own, state: advanceRollout(planned, { ...own, blocked }).state }];
  };
  const crossed = () => new Map([inOrder('a', 'b', ['c1', 'c2']), inOrder('b', 'a', ['c2', 'c1'])]);

  it.each(['a', 'b'])('meet in a wave that is under way, whoever looks (%s)', (looks) => {
    const exchange = planExchange(looks, crossed());
    expect(who(exchange)?.sort()).toEqual(['a: c1', 'b: c1']);
    expect(exchange.together?.get('b')?.state.waves.map(({ clusters }) => clusters)).toEqual([
      ['c1', 'c2'],
      [],
    ]);
  });

  it('are left alone while another of them goes on still, or waits for somebody', () => {
    const busy = crossed();
    const b = busy.get('b')!;
    (b.input.observed as Map<string, ObservedCluster>).set('c9', had('new'));
    const wave = { ...b.state.waves[0]!, clusters: ['c2', 'c9'] };
    const clusters = clusterStates({ c9: { assignedAtMs: 1 } });
    const release = { ...b.input.release, targets: { ...b.input.release.targets, c9: 'new' } };
    const state = { ...b.state, clusters, waves: [wave, ...b.state.waves.slice(1)] };
    busy.set('b', { input: { ...b.input, release }, state });
    expect(planExchange('a', busy).together).toBeUndefined();
    const paused = crossed();
    const one = paused.get('b')!;
    paused.set('b', { ...one, state: { ...one.state, phase: 'Paused' } });
    expect(planExchange('a', paused).together).toBeUndefined();
  });
});
