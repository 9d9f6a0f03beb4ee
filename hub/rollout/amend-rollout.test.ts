import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import { advanceRollout, startRollout } from './advance-rollout.ts';
import { type AmendInput, amendRollout, goesOn } from './amend-rollout.ts';
import { clusterState, clusterStates } from './cluster-states.ts';
import type { ClusterFacts } from './plan-waves.ts';
import { describeRollout } from './report/describe-rollout.ts';
import { type ObservedCluster, type RolloutState, targetsOf } from './rollout-state.ts';

const factsOf = (name: string, pair = ''): ClusterFacts => {
  const region = name.split('-')[0] ?? '';
  return { name, labels: { region }, region, pair, primary: false };
};
const has = (targetDigest: string | undefined, removed = false): ObservedCluster => ({
  ...{ targetDigest, releaseId: 'r1', removed, connected: true, report: undefined },
  acknowledgements:
    targetDigest === undefined
      ? undefined
      : { receivedAtMs: 1, appliedAtMs: 1, healthyAtMs: 1, refused: undefined },
  lastHealthyDigest: targetDigest,
});

type Running = Readonly<Record<string, string | undefined>>;

/** A rollout of `new` to these clusters, as far as it gets while all of them are `running` what they are. */
function begin(running: Running, strategy: RolloutStrategy = defaultStrategy) {
  const names = Object.keys(running);
  const facts = new Map(names.map((name) => [name, factsOf(name)]));
  const targets = Object.fromEntries(names.map((name) => [name, 'new']));
  const release = {
    ...{ id: 'r1', application: 'web', revisionId: 'one', createdAtMs: 0, reason: 'release' as const },
    ...{ targets, removes: new Set<string>() },
  };
  const observed = new Map(names.map((name) => [name, has(running[name])]));
  const input = { release, facts, observed, nowMs: 1 };
  const old = new Map(names.map((name) => [name, has('old')]));
  let state = startRollout(strategy, { ...input, observed: old }, () => true);
  for (let pass = 0; pass < 10; pass += 1) state = advanceRollout(state, input).state;
  return { state, targets };
}

function amend(
  before: { state: RolloutState; targets: Readonly<Record<string, string>> },
  wanted: Readonly<Record<string, string>>,
  running: Running,
  more: Partial<AmendInput> = {},
) {
  const names = new Set([...Object.keys(wanted), ...Object.keys(running)]);
  const input: AmendInput = {
    ...{ before, removes: new Set(), matches: () => true, revisionId: 'two', nowMs: 9 },
    wanted: new Map(Object.entries(wanted)),
    observed: new Map([...names].map((name) => [name, has(running[name], running[name] === 'gone')])),
    facts: new Map([...names].map((name) => [name, factsOf(name)])),
    ...more,
  };
  return { goesOn: goesOn(input), state: amendRollout(input), input };
}
const waves = (state: RolloutState | undefined) =>
  state?.waves.map(({ name, clusters }) => `${name}: ${clusters.join(' ')}`);

const underWay = () => begin({ 'eu-1': 'new', 'eu-2': 'old', 'us-1': 'old', 'us-2': 'old' });
const complete = () => begin({ 'eu-1': 'new', 'us-1': 'new' });

describe('amendRollout', () => {
  it('has nothing to say while everything is wanted as it was', () => {
    const before = underWay();
    const same = amend(before, before.targets, {
      'eu-1': 'new',
      'eu-2': 'old',
      'us-1': 'old',
      'us-2': 'old',
    });
    expect([same.goesOn, same.state]).toEqual([true, undefined]);
  });

  it('lets a cluster that joins wait for its wave, and passes no gate again', () => {
    const before = underWay();
    expect(before.state.waves.map(({ endedAtMs }) => endedAtMs !== undefined)).toEqual([true, false, false]);
    const running = { 'eu-1': 'new', 'eu-2': 'old', 'us-1': 'old', 'us-2': 'old', 'us-3': undefined };
    const joined = amend(before, { ...before.targets, 'us-3': 'new' }, running);
    expect(joined.goesOn).toBe(true);
    expect(waves(joined.state)).toEqual(['first: eu-1', 'quarter: eu-2', 'rest: us-1 us-2 us-3']);
    expect(joined.state?.releaseId).toBe('r1');
    expect(targetsOf(joined.state!, before.targets)['us-3']).toBe('new');
  });

  it('gives a cluster that joins a complete rollout its Target at once, by the revision that brought it', () => {
    const before = complete();
    expect(before.state.phase).toBe('Complete');
    const running = { 'eu-1': 'new', 'us-1': 'new', 'us-3': undefined };
    const { state, input } = amend(before, { ...before.targets, 'us-3': 'new' }, running);
    const { release, ...rest } = {
      ...input,
      release: {
        ...{ id: 'r1', application: 'web', revisionId: 'one', createdAtMs: 0, reason: 'release' as const },
        ...{ targets: targetsOf(state!, before.targets), removes: new Set<string>() },
      },
    };
    const pass = advanceRollout(state!, { release, ...rest });
    expect(pass.decisions).toMatchObject([{ cluster: 'us-3', targetDigest: 'new', revisionId: 'two' }]);
    expect(pass.state.phase).toBe('Complete');
  });

  it('gives one that joins what was rolled back the release before it, once, with all its hooks', () => {
    const { state, targets } = complete();
    const running = { 'eu-1': 'old', 'us-1': 'old' };
    const back = { state: { ...state, phase: 'RolledBack' as const, held: ['new'] }, targets };
    const wanted = { ...targets, 'us-3': 'new' };
    const { state: amended, input } = amend(back, wanted, running);
    expect(waves(amended)?.at(-1)).toContain('us-3');
    const release = {
      ...{ id: 'r1', application: 'web', revisionId: 'one', createdAtMs: 0, reason: 'release' as const },
      ...{ targets: wanted, removes: new Set<string>() },
    };
    const pass = advanceRollout(amended!, { ...input, release });
    expect(pass.decisions).toMatchObject([{ cluster: 'us-3', targetDigest: 'old', reason: 'release' }]);
    const observed = new Map([...input.observed, ['us-3', has('old')] as const]);
    expect(advanceRollout(pass.state, { ...input, release, observed })).toMatchObject({
      decisions: [],
      state: pass.state,
    });
    // It is as it should be; forgotten and back, it comes in again.
    const after = { state: pass.state, targets };
    expect(amend(after, wanted, { ...running, 'us-3': 'old' }).state).toBeUndefined();
    const again = amend(after, wanted, running);
    expect(advanceRollout(again.state!, { ...again.input, release }).decisions).toHaveLength(1);
  });

  it('gives it nothing where it cannot be told what there was before', () => {
    const { state, targets } = complete();
    const back = { state: { ...state, phase: 'Aborted' as const }, targets };
    const wanted = { ...targets, 'ap-1': 'new', 'us-3': 'new', 'us-4': 'other' };
    const { state: amended, input } = amend(back, wanted, { 'eu-1': 'old-eu', 'us-1': 'old-us' });
    const release = {
      ...{ id: 'r1', application: 'web', revisionId: 'one', createdAtMs: 0, reason: 'release' as const },
      ...{ targets: wanted, removes: new Set<string>() },
    };
    // As each had it before the release that was given up.
    const clusters = {
      'eu-1': { assignedAtMs: 1, previous: 'old-eu' },
      'us-1': { assignedAtMs: 1, previous: 'old-us' },
    };
    const pass = advanceRollout({ ...amended!, clusters: clusterStates(clusters) }, { ...input, release });
    expect(pass.decisions.map(({ cluster, targetDigest }) => `${cluster}=${targetDigest}`)).toEqual([
      'us-3=old-us',
    ]);
    const report = describeRollout(pass.state, { ...input, release });
    const waits = report.waves
      .flatMap((wave) => wave.clusters)
      .find(({ cluster }) => cluster === 'ap-1')?.waitsOn;
    expect(waits).toBe('a release or a retry, since no cluster with the same Target tells what came before');
  });

  it('takes one that leaves through the rollout, and forgets what it had', () => {
    const before = complete();
    const left = amend(
      before,
      { 'eu-1': 'new', 'us-1': 'gone' },
      { 'eu-1': 'new', 'us-1': 'new' },
      {
        removes: new Set(['us-1']),
      },
    );
    expect(left.goesOn).toBe(true);
    expect(left.state).toMatchObject({ removes: ['us-1'], amended: { 'us-1': 'gone' } });
    expect(clusterState(left.state!.clusters, 'us-1')).toBeUndefined();
    // While it goes, and after, it is not wanted any more, and nothing is to be said.
    const going = { state: left.state!, targets: before.targets };
    for (const now of ['gone', undefined])
      expect(amend(going, { 'eu-1': 'new' }, { 'eu-1': 'new', 'us-1': now }).state).toBeUndefined();
    const back = amend(going, { 'eu-1': 'new', 'us-1': 'new' }, { 'eu-1': 'new', 'us-1': undefined });
    expect(back.goesOn).toBe(true);
    expect(back.state?.removes).toBeUndefined();
  });

  it('drops a cluster that is not placed any more before it was its turn', () => {
    const before = underWay();
    const { 'us-2': _, ...wanted } = before.targets;
    const dropped = amend(before, wanted, { 'eu-1': 'new', 'eu-2': 'old', 'us-1': 'old', 'us-2': undefined });
    expect(waves(dropped.state)).toEqual(['first: eu-1', 'quarter: eu-2', 'rest: us-1']);
    expect(targetsOf(dropped.state!, before.targets)).not.toHaveProperty('us-2');
  });

  it('brings in again who was forgotten and has come back with nothing', () => {
    const before = complete();
    const lost = amend(before, before.targets, { 'eu-1': 'new', 'us-1': undefined });
    expect(lost.goesOn).toBe(true);
    expect(clusterState(lost.state!.clusters, 'us-1')).toBeUndefined();
    expect(lost.state?.waves.map(({ whole }) => whole)).toContain(undefined);
  });

  it('gives way to a Target that changes, one that is mended, and an application that leaves', () => {
    const before = complete();
    const running = { 'eu-1': 'new', 'us-1': 'new' };
    expect(amend(before, { 'eu-1': 'newer', 'us-1': 'new' }, running).goesOn).toBe(false);
    const mended = { state: before.state, targets: { 'eu-1': 'new' } };
    expect(amend(mended, { 'eu-1': 'new', 'us-1': 'newer' }, running).goesOn).toBe(false);
    const removes = new Set(['eu-1', 'us-1']);
    expect(amend(before, { 'eu-1': 'gone', 'us-1': 'gone' }, running, { removes }).goesOn).toBe(false);
  });

  it('finds the wave that its labels name, and keeps the sides of a pair apart', () => {
    const byRegion = { ...defaultStrategy, waves: [{ ...defaultWave, name: 'by', groupBy: 'region' }] };
    const before = begin({ 'eu-1': 'old', 'us-1': 'old' }, byRegion);
    const running = { 'eu-1': 'old', 'us-1': 'old', 'ap-1': undefined, 'us-2': undefined };
    const names = Object.keys(running);
    const facts = new Map(names.map((name) => [name, factsOf(name, name === 'ap-1' ? '' : 'dr')]));
    const { state } = amend(before, { ...before.targets, 'ap-1': 'new', 'us-2': 'new' }, running, { facts });
    expect(waves(state)).toEqual(['by/eu: eu-1', 'by/us: us-1', 'by/ap: ap-1', 'by/us (2): us-2']);
  });
});
