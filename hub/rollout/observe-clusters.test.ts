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
});
