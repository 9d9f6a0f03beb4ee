import { describe, expect, it } from 'vitest';
import type { Acknowledgements } from '../model/release.ts';
import { allAtOnce, type ObservedCluster, planRollout, type RolloutRelease } from './plan-rollout.ts';

const release: RolloutRelease = {
  id: 'rel-1',
  application: 'web',
  revisionId: 'r1',
  createdAtMs: 1,
  targets: { 'us-1': 't2', 'eu-1': 't1', 'ap-1': 'gone' },
  removes: new Set(['ap-1']),
  reason: 'release',
};
const none: Acknowledgements = {
  receivedAtMs: undefined,
  appliedAtMs: undefined,
  healthyAtMs: undefined,
  refused: undefined,
};
const at = (targetDigest: string, acknowledgements: Partial<Acknowledgements> = {}): ObservedCluster => ({
  targetDigest,
  releaseId: 'rel-1',
  removed: targetDigest === 'gone',
  acknowledgements: { ...none, ...acknowledgements },
});

describe('planRollout, all at once', () => {
  it('decides for all clusters that differ, in the order of their names', () => {
    const { decisions, state } = planRollout(
      allAtOnce,
      release,
      new Map([
        ['eu-1', at('t1')],
        ['ap-1', at('t0')],
      ]),
      undefined,
      5,
    );
    expect(decisions).toEqual([
      {
        cluster: 'ap-1',
        application: 'web',
        targetDigest: 'gone',
        releaseId: 'rel-1',
        revisionId: 'r1',
        reason: 'release',
        removed: true,
      },
      {
        cluster: 'us-1',
        application: 'web',
        targetDigest: 't2',
        releaseId: 'rel-1',
        revisionId: 'r1',
        reason: 'release',
        removed: false,
      },
    ]);
    expect(state).toMatchObject({
      releaseId: 'rel-1',
      phase: 'Progressing',
      startedAtMs: 5,
      strategy: { kind: 'all-at-once' },
    });
  });

  it('says what each cluster waits on', () => {
    const observed = new Map([
      ['ap-1', at('gone', { receivedAtMs: 1 })],
      ['eu-1', at('t1', { receivedAtMs: 1, appliedAtMs: 2 })],
      ['us-1', at('t2', { refused: 'no such kind' })],
    ]);
    const { report, decisions } = planRollout(allAtOnce, release, observed, undefined, 5);
    expect(decisions).toEqual([]);
    expect(report.clusters).toEqual([
      {
        cluster: 'ap-1',
        step: 'Received',
        waitsOn: 'waits on its agent because the Target is not applied yet',
      },
      {
        cluster: 'eu-1',
        step: 'Applied',
        waitsOn: 'waits on health because the objects are not all current yet',
      },
      {
        cluster: 'us-1',
        step: 'Refused',
        waitsOn: 'waits on a new Target because its agent refused this one: no such kind',
      },
    ]);
  });

  it('is complete when all are healthy or gone, and keeps when', () => {
    const observed = new Map([
      ['ap-1', at('gone', { appliedAtMs: 2 })],
      ['eu-1', at('t1', { healthyAtMs: 2 })],
      ['us-1', at('t2', { healthyAtMs: 2 })],
    ]);
    const first = planRollout(allAtOnce, release, observed, undefined, 5);
    expect(first.state).toMatchObject({ phase: 'Complete', completedAtMs: 5 });
    expect(planRollout(allAtOnce, release, observed, first.state, 9).state).toEqual(first.state);
  });

  it('starts anew when another release supersedes', () => {
    const first = planRollout(allAtOnce, release, new Map(), undefined, 5);
    const next = planRollout(allAtOnce, { ...release, id: 'rel-2' }, new Map(), first.state, 9);
    expect(next.state).toMatchObject({ releaseId: 'rel-2', startedAtMs: 9 });
  });

  it('does not remove again what is gone', () => {
    const { decisions, report } = planRollout(
      allAtOnce,
      release,
      new Map([
        ['eu-1', at('t1', { healthyAtMs: 1 })],
        ['us-1', at('t2', { healthyAtMs: 1 })],
      ]),
      undefined,
      5,
    );
    expect(decisions).toEqual([]);
    expect(report).toMatchObject({
      phase: 'Complete',
      clusters: [{ cluster: 'ap-1', step: 'Removed', waitsOn: '' }, { step: 'Healthy' }, { step: 'Healthy' }],
    });
  });
});
