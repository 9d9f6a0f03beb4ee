import { describe, expect, it } from 'vitest';
import { countUnplaced, parseSizes } from './fit-pods.ts';

describe('countUnplaced', () => {
  it('tells pods that no node has room for, though the sum of them would do', () => {
    expect(countUnplaced([[1_000, 100, 10, 4]], [[1_500, 1, 1, 2]])).toBe(2);
    expect(countUnplaced([[1_000, 100, 10, 4]], [[500, 1, 1, 8]])).toBe(0);
    expect(countUnplaced([[1_000, 100, 10, 4]], [[600, 1, 1, 5]])).toBe(1);
  });

  it('keeps to memory and to the number of pods as well', () => {
    expect(countUnplaced([[1_000, 100, 2, 1]], [[0, 0, 1, 3]])).toBe(1);
    expect(countUnplaced([[1_000, 100, 9, 2]], [[1, 60, 1, 3]])).toBe(1);
  });

  it('places the large ones first, so that the small ones fill what is left', () => {
    const pods = [
      [300, 1, 1, 4],
      [700, 1, 1, 4],
    ] as const;
    expect(countUnplaced([[1_000, 100, 10, 4]], pods)).toBe(0);
  });

  it('says nothing of more than it looks at, and reads no nonsense', () => {
    expect(countUnplaced([[1, 1, 1, 1_001]], [])).toBeUndefined();
    expect(parseSizes([[1, 2, 3]])).toBeUndefined();
    expect(parseSizes([[1, 2, 3, -4]])).toBeUndefined();
    expect(parseSizes([[1, 2, 3, 4]])).toEqual([[1, 2, 3, 4]]);
  });
});
