import { describe, expect, it } from 'vitest';
import { formatMark, isNewer } from './fence.ts';

const mark = (generation: number, id = 'life-1') => formatMark({ epoch: { id, counter: 3 }, generation });

describe('isNewer', () => {
  it('compares generations of one life of the hub, as numbers', () => {
    expect(isNewer(mark(10), mark(9))).toBe(true);
    expect(isNewer(mark(9), mark(9))).toBe(false);
    expect(isNewer(mark(9), mark(10))).toBe(false);
  });

  it('lets nobody stand back for a mark of another life, or none', () => {
    expect(isNewer(mark(300, 'life-0'), mark(1))).toBe(false);
    expect(isNewer(undefined, mark(1))).toBe(false);
    expect(isNewer('nonsense', mark(1))).toBe(false);
  });
});
