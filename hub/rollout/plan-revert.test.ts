import { describe, expect, it } from 'vitest';
import { defaultStrategy } from '../model/strategy.ts';
import { clusterStates } from './cluster-states.ts';
import {
  describeRevert,
  needsRevert,
  noteRevert,
  revertAttemptsMax,
  revertBranch,
  revertMessage,
  revertTrailers,
} from './plan-revert.ts';
import type { RolloutState } from './rollout-state.ts';

const failure = (message: string) => ({ reason: 'Unhealthy', message, atMs: 1 }) as const;
const state = (over: Partial<RolloutState> = {}): RolloutState => ({
  ...{ version: 2, application: 'web', releaseId: 'abcdef0123', revisionId: 'c2', phase: 'RolledBack' },
  strategy: { ...defaultStrategy, onFailure: 'rollback', revert: 'branch' },
  ...{ startedAtMs: 0, waves: [], held: [] },
  stopped: { by: 'failure', actor: 'fairway', reason: 'wave canary: eu-1:\n  bad image', atMs: 1 },
  clusters: clusterStates({ 'eu-1': { failure: failure('bad image') }, 'us-1': { countedAtMs: 1 } }),
  ...over,
});
const person = { name: 'Ann', email: 'ann@example.com', timeMs: 0 };
const revision = (parents: readonly string[]) => ({
  commit: { sha: 'c2', author: person, committer: person, message: 'Take 2\n\nbecause', parents },
});

describe('needsRevert', () => {
  it('is so for what was rolled back by itself, where the strategy asks for it, until it is done or given up', () => {
    expect(needsRevert(state())).toBe(true);
    expect(needsRevert(state({ phase: 'RollingBack' }))).toBe(false);
    // Some cluster had no healthy Target to go back to: Git asks for what failed all the same.
    expect(needsRevert(state({ phase: 'Paused' }))).toBe(true);
    const waits = { ...defaultStrategy, onFailure: 'pause', revert: 'branch' } as const;
    expect(needsRevert(state({ phase: 'Paused', strategy: waits }))).toBe(false);
    expect(needsRevert(state({ strategy: { ...defaultStrategy, onFailure: 'rollback' } }))).toBe(false);
    const byHand = { by: 'operator', actor: 'ann', reason: 'no', atMs: 1 } as const;
    expect(needsRevert(state({ stopped: byHand }))).toBe(false);
    const tried = (kind: 'pending' | 'written' | 'nothing' | 'failed') =>
      state({ revert: { state: kind, attempts: 1, ref: '', commit: '', message: '' } });
    expect(
      (['pending', 'written', 'nothing', 'failed'] as const).map((kind) => needsRevert(tried(kind))),
    ).toEqual([...[true, false, false, false]]);
  });
});

describe('what a revert says', () => {
  it('has a branch that follows from the release, or none where it goes onto the followed one', () => {
    expect(revertBranch(state())).toBe('fairway/revert/web-abcdef01');
    expect(revertBranch(state({ strategy: { ...defaultStrategy, revert: 'commit' } }))).toBe('');
  });

  it('is worded as git revert does, and gives the reason in one line', () => {
    expect(revertMessage(state(), revision(['c1']), 'c1')).toBe(
      'Revert "Take 2"\n\nThis reverts commit c2.\nThe rollout of web failed and was rolled back: wave canary: eu-1: bad image',
    );
    expect(revertMessage(state(), revision(['c1', 'x']), 'c0')).toContain(
      'takes back what came after c0 up to c2',
    );
  });

  it('names rollout, clusters and reason in trailers, whatever a message may hold', () => {
    expect(revertTrailers(state())).toEqual([
      'Fairway-Rollout: abcdef0123',
      'Fairway-Application: web',
      'Fairway-Revision: c2',
      'Fairway-Cluster: eu-1 (Unhealthy)',
      'Fairway-Reason: wave canary: eu-1: bad image',
    ]);
    const many = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`c-${index}`, { failure: failure('x') }]),
    );
    expect(revertTrailers(state({ clusters: clusterStates(many) })).length).toBeLessThan(30);
  });
});

describe('noteRevert', () => {
  it('tells of a commit once, and of nothing where Git holds none of it', () => {
    const written = noteRevert(state(), { result: 'written', commit: 'f'.repeat(40), ref: 'refs/heads/x' });
    expect(written.changes.map(({ type }) => type)).toEqual(['rollout.revert-written']);
    expect(describeRevert(written.state)).toBe('its revert is commit ffffffff on x');
    expect(noteRevert(state(), { result: 'nothing', commit: 'a', ref: 'b' }).changes).toEqual([]);
  });

  it('tries again what may pass, a bounded number of times, and then says why it gave up', () => {
    let now = state();
    const told: string[] = [];
    for (let attempt = 0; attempt < revertAttemptsMax; attempt += 1) {
      expect(needsRevert(now)).toBe(true);
      const noted = noteRevert(now, { error: 'busy', retryAtMs: 5 });
      now = noted.state;
      told.push(...noted.changes.map(({ message }) => message));
    }
    expect(needsRevert(now)).toBe(false);
    expect(told).toEqual(['its revert was not written: busy']);
    expect(noteRevert(state(), { error: 'no', retryAtMs: undefined }).state.revert).toMatchObject({
      ...{ state: 'failed', attempts: 1 },
    });
  });
});
