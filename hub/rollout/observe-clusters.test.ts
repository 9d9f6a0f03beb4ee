import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave } from '../model/strategy.ts';
import { advanceRollout, startRollout } from './advance-rollout.ts';
import { clusterState } from './cluster-states.ts';
import type { ObservedCluster } from './rollout-state.ts';

const strategy = { ...defaultStrategy, waves: [{ ...defaultWave, name: 'all' }], healthTimeoutMs: 1_000 };
const release = {
  ...{ id: 'r', application: 'web', revisionId: 'rev', createdAtMs: 0, reason: 'release' as const },
  ...{ targets: { eu: 'new' }, removes: new Set<string>() },
};
const has = (targetDigest: string): ReadonlyMap<string, ObservedCluster> => {
  const none = { acknowledgements: undefined, report: undefined, lastHealthyDigest: 'old' };
  return new Map([['eu', { ...none, targetDigest, releaseId: '', removed: false, connected: true }]]);
};

describe('observeClusters', () => {
  it('lets time alone end the wait for a cluster of which nothing is heard', () => {
    const input = { release, observed: has('old'), facts: new Map(), nowMs: 1 };
    const assigned = advanceRollout(
      startRollout(strategy, input, () => true),
      input,
    );
    expect(assigned.decisions).toHaveLength(1);
    const quiet = { ...input, observed: has('new'), changed: new Set<string>() };
    const before = advanceRollout(assigned.state, { ...quiet, nowMs: 1_000 });
    expect(clusterState(before.state.clusters, 'eu')?.failure).toBeUndefined();
    expect(before.nextAtMs).toBe(1_001);
    const late = advanceRollout(before.state, { ...quiet, nowMs: 1_001 });
    expect(clusterState(late.state.clusters, 'eu')?.failure?.reason).toBe('TimedOut');
  });

  it('waits for a hook as long as it had left when its agent said so, for a day at most, whatever its clock shows', () => {
    const input = { release, observed: has('old'), facts: new Map(), nowMs: 0 };
    const { state } = advanceRollout(
      startRollout(strategy, input, () => true),
      input,
    );
    const look = (from: typeof state, nowMs: number, leftMs?: number) => {
      const observed = has('new');
      const hook = leftMs === undefined ? undefined : { untilMs: 7, leftMs };
      const report = { sync: 'Pending', health: 'InProgress', message: '', waitsFor: '', hook };
      const eu = { ...(observed.get('eu') as ObservedCluster), report };
      const pass = advanceRollout(from, { ...input, nowMs, observed: new Map([['eu', eu]]) });
      return { ...pass, failure: clusterState(pass.state.clusters, 'eu')?.failure?.reason };
    };
    const begun = look(state, 500, 60_000);
    expect(begun.nextAtMs).toBe(61_500);
    const same = look(begun.state, 61_499, 60_000);
    expect(same).toMatchObject({ failure: undefined, nextAtMs: 61_500 });
    expect(look(same.state, 61_500, 60_000).failure).toBe('TimedOut');
    const ended = look(same.state, 61_499);
    expect(ended).toMatchObject({ failure: undefined, nextAtMs: 62_499 });
    expect(look(ended.state, 62_499).failure).toBe('TimedOut');
    expect(look(state, 500, Number.MAX_SAFE_INTEGER).nextAtMs).toBe(500 + 86_400_000 + 1_000);
    expect(look(state, 500, -5).nextAtMs).toBe(1_500);
  });
});
