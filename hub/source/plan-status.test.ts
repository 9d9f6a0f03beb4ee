import { describe, expect, it } from 'vitest';
import { findCondition } from '../../shared/condition/condition.ts';
import { FairwayError } from '../../shared/error/error.ts';
import type { SourceStatus } from '../model/source-status.ts';
import { planSourceStatus, type SourceAttempt } from './plan-status.ts';
import { sourceError } from './source-error.ts';

const [a, b] = ['a'.repeat(40), 'b'.repeat(40)];
const base = { key: '@main', url: 'https://git.example/fleet', ref: 'main' };
const attempt = (nowMs: number, outcome: SourceAttempt['outcome']): SourceAttempt => ({
  ...base,
  nowMs,
  outcome,
});
const good = (head: string, rewritten = false) => ({ head, moved: true, rewritten });
const unreachable = { error: sourceError('unavailable', 'Unreachable', 'cannot be reached (ECONNREFUSED)') };
const refused = {
  error: sourceError('unauthenticated', 'AuthenticationFailed', 'the server refused the credential'),
};

function run(...attempts: readonly SourceAttempt[]) {
  let status: SourceStatus | undefined;
  const events: string[][] = [];
  for (const each of attempts) {
    const plan = planSourceStatus(status, each);
    status = plan.status;
    events.push(plan.events.map((event) => event.type));
  }
  return { status: status!, events };
}

describe('planSourceStatus', () => {
  it('is ready after a first fetch, without an event', () => {
    const { status, events } = run(attempt(1, { ...good(a) }));
    expect(status).toEqual({
      ...base,
      head: a,
      headSeenAtMs: 1,
      lastAttemptAtMs: 1,
      conditions: [
        { type: 'Ready', status: 'True', reason: 'Fetched', message: 'at aaaaaaa', lastTransitionTimeMs: 1 },
      ],
    });
    expect(events).toEqual([[]]);
  });

  it('keeps the last good head in force and says since when and why it cannot follow', () => {
    const { status, events } = run(
      attempt(1, good(a)),
      attempt(2, unreachable),
      attempt(3, unreachable),
      attempt(4, refused),
    );
    expect(status.head).toBe(a);
    expect(status.headSeenAtMs).toBe(1);
    expect(status.lastAttemptAtMs).toBe(4);
    expect(findCondition(status.conditions, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'AuthenticationFailed',
      lastTransitionTimeMs: 2,
    });
    expect(events).toEqual([[], ['source.failed'], [], ['source.failed']]);
  });

  it('is reconciling while a retry may help and stalled when somebody must act', () => {
    const first = run(attempt(1, unreachable)).status;
    expect(first.conditions.map(({ type }) => type)).toEqual(['Ready', 'Reconciling']);
    const second = run(attempt(1, unreachable), attempt(2, refused)).status;
    expect(second.conditions.map(({ type }) => type)).toEqual(['Ready', 'Stalled']);
  });

  it('tells a recovery once', () => {
    const { status, events } = run(
      attempt(1, good(a)),
      attempt(2, refused),
      attempt(5, good(a)),
      attempt(6, good(a)),
    );
    expect(events.slice(2)).toEqual([['source.recovered'], []]);
    expect(status.headSeenAtMs).toBe(1);
    expect(status.conditions).toHaveLength(1);
    expect(findCondition(status.conditions, 'Ready')?.lastTransitionTimeMs).toBe(5);
  });

  it('follows a rewritten branch, says so, and goes on saying so until the head moves', () => {
    const rewritten = run(attempt(1, good(a)), attempt(2, good(b, true)));
    expect(rewritten.status.head).toBe(b);
    expect(rewritten.events).toEqual([[], ['source.rewritten']]);
    const later = run(attempt(1, good(a)), attempt(2, good(b, true)), attempt(3, good(b)));
    expect(findCondition(later.status.conditions, 'Ready')?.reason).toBe('HistoryRewritten');
    const moved = run(attempt(1, good(a)), attempt(2, good(b, true)), attempt(3, good(a)));
    expect(findCondition(moved.status.conditions, 'Ready')?.reason).toBe('Fetched');
  });

  it('leaves everything as it is when the hub stops in the middle', () => {
    const cancelled = { error: new FairwayError('cancelled', 'cancelled') };
    const before = run(attempt(1, good(a))).status;
    expect(planSourceStatus(before, attempt(2, cancelled))).toEqual({ status: before, events: [] });
    expect(planSourceStatus(undefined, attempt(2, cancelled)).status.conditions).toEqual([]);
  });

  it('names a reason for errors from elsewhere', () => {
    const { status } = run(attempt(1, { error: new FairwayError('resource_exhausted', 'the disk is full') }));
    expect(findCondition(status.conditions, 'Ready')?.reason).toBe('ResourceExhausted');
  });
});
