import { describe, expect, it } from 'vitest';
import { dropCondition, findCondition, mergeCondition } from './condition.ts';

describe('mergeCondition', () => {
  const first = mergeCondition(
    [],
    { type: 'Ready', status: 'False', reason: 'AuthenticationFailed', message: '401' },
    1000,
  );

  it('keeps the time of transition while the status stays', () => {
    const next = mergeCondition(
      first,
      { type: 'Ready', status: 'False', reason: 'Unreachable', message: 'refused' },
      2000,
    );
    expect(next).toEqual([
      {
        type: 'Ready',
        status: 'False',
        reason: 'Unreachable',
        message: 'refused',
        lastTransitionTimeMs: 1000,
      },
    ]);
  });

  it('moves the time when the status changes', () => {
    const next = mergeCondition(
      first,
      { type: 'Ready', status: 'True', reason: 'Fetched', message: '' },
      2000,
    );
    expect(findCondition(next, 'Ready')?.lastTransitionTimeMs).toBe(2000);
  });

  it('leaves its input untouched', () => {
    mergeCondition(first, { type: 'Stalled', status: 'True', reason: 'X', message: '' }, 2000);
    expect(first).toHaveLength(1);
    expect(dropCondition(first, 'Ready')).toEqual([]);
  });
});
