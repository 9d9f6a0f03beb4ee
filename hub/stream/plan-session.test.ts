import { describe, expect, it } from 'vitest';
import type { Assignment } from '../model/release.ts';
import { isAhead, planLacking, planSends } from './plan-session.ts';

const assignment = (
  application: string,
  generation: number,
  targetDigest: string,
  assignedAtMs = 0,
): Assignment => ({
  cluster: 'eu-1',
  application,
  targetDigest,
  releaseId: `r-${targetDigest}`,
  revisionId: 'v',
  reason: 'release',
  generation,
  assignedAtMs,
  removed: false,
});
const held = (generation: number, targetDigest: string) => ({
  generation,
  targetDigest,
  releaseId: `r-${targetDigest}`,
});

describe('planSends', () => {
  it('sends what differs, the oldest decision first', () => {
    const assignments = [assignment('api', 3, 'a'), assignment('jobs', 2, 'j'), assignment('web', 1, 'w')];
    const sends = planSends({
      assignments,
      held: new Map([['jobs', held(2, 'j')]]),
      restoredAtMs: undefined,
    });
    expect(sends.map(({ application }) => application)).toEqual(['web', 'api']);
  });

  it('sends nothing for an application it has no assignment for', () => {
    expect(
      planSends({ assignments: [], held: new Map([['web', held(1, 'w')]]), restoredAtMs: undefined }),
    ).toEqual([]);
  });

  it('takes nobody back after a restore, but sends new decisions and the very target that is held', () => {
    const assignments = [
      assignment('old', 9, 'before'),
      assignment('same', 10, 's'),
      assignment('new', 11, 'n', 200),
    ];
    const before = new Map([
      ['old', held(5, 'after')],
      ['same', held(6, 's')],
    ]);
    const sends = planSends({ assignments, held: before, restoredAtMs: 100 });
    expect(sends.map(({ application }) => application)).toEqual(['same', 'new']);
    expect(planSends({ assignments, held: before, restoredAtMs: undefined })).toHaveLength(3);
  });
});

describe('isAhead', () => {
  const seen = (counter: number, id: string, generation: number) => ({
    epoch: { counter, id },
    generation,
    applications: new Map(),
  });
  it.each([
    ['a new agent', seen(0, '', 0), false],
    ['an agent of an older epoch', seen(1, 'old', 50), false],
    ['the same state', seen(2, 'two', 7), false],
    ['a generation never given', seen(2, 'two', 8), true],
    ['a later epoch', seen(3, 'three', 1), true],
    ['a fork', seen(2, 'other', 1), true],
  ])('%s', (_, summary, expected) => {
    expect(isAhead(summary, { counter: 2, id: 'two' }, 7)).toBe(expected);
  });
});

describe('planLacking', () => {
  it('names each new digest once', () => {
    const entries = (...digests: string[]) => digests.map((objectDigest) => ({ objectDigest }));
    expect(planLacking(entries('a'), entries('a', 'b', 'b', 'c'))).toEqual(['b', 'c']);
  });
});
