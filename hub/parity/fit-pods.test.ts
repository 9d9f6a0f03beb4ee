import { describe, expect, it } from 'vitest';
import { countUnplaced, parseSizes } from './fit-pods.ts';

describe('countUnplaced', () => {
  it('tells pods that no node has room for, though the sum of them would do', () => {
    expect(countUnplaced([[1_000, 100, 10, 4]], [[1_500, 1, 1, 2]])?.pods).toBe(2);
    expect(countUnplaced([[1_000, 100, 10, 4]], [[500, 1, 1, 8]])?.pods).toBe(0);
    expect(countUnplaced([[1_000, 100, 10, 4]], [[600, 1, 1, 5]])?.pods).toBe(1);
  });

  it('keeps to memory and to the number of pods as well', () => {
    expect(countUnplaced([[1_000, 100, 2, 1]], [[0, 0, 1, 3]])?.pods).toBe(1);
    expect(countUnplaced([[1_000, 100, 9, 2]], [[1, 60, 1, 3]])?.pods).toBe(1);
  });

  it('places the large ones first, so that the small ones fill what is left', () => {
    const pods = [
      [300, 1, 1, 4],
      [700, 1, 1, 4],
    ] as const;
    expect(countUnplaced([[1_000, 100, 10, 4]], pods)?.pods).toBe(0);
  });

  it('keeps pods to nodes that take them, and gives those the room first', () => {
    const nodes = [
      [1_000, 100, 10, 1, { labels: { pool: 'gpu' } }],
      [1_000, 100, 10, 1, { labels: { pool: 'web' } }],
      [1_000, 100, 10, 1, { labels: { pool: 'gpu' }, taints: [{ key: 'kept', effect: 'NoSchedule' }] }],
    ] as const;
    const gpu = { selector: { pool: 'gpu' } };
    // The larger one may go anywhere, and has to leave the node to the one that cannot.
    const pods = [
      [900, 1, 1, 1],
      [800, 1, 1, 1, gpu],
    ] as const;
    expect(countUnplaced(nodes, pods)).toEqual({ pods: 0, refused: 0 });
    expect(countUnplaced(nodes, [[800, 1, 1, 3, gpu]])).toEqual({ pods: 2, refused: 0 });
    const bearing = { ...gpu, tolerations: [{ key: 'kept', operator: 'Exists' }] };
    expect(countUnplaced(nodes, [[800, 1, 1, 3, bearing]])).toEqual({ pods: 1, refused: 0 });
    expect(countUnplaced(nodes, [[1, 1, 1, 2, { selector: { pool: 'none' } }]])).toEqual({
      pods: 2,
      refused: 2,
    });
  });

  it('says nothing of more than it looks at, and reads no nonsense', () => {
    expect(countUnplaced([[1, 1, 1, 5_001]], [])).toBeUndefined();
    expect(countUnplaced([[1, 1, 1, 5_000]], [[1, 1, 1, 1_000_000]])?.pods).toBe(995_000);
    expect(parseSizes([[1, 2, 3, 1e300]])).toBeUndefined();
    expect(parseSizes([[1, 2, 3]])).toBeUndefined();
    expect(parseSizes([[1, 2, 3, -4]])).toBeUndefined();
    expect(parseSizes([[1, 2, 3, 4, 'x']])).toBeUndefined();
    expect(parseSizes([[1, 2, 3, 4]])).toEqual([[1, 2, 3, 4]]);
  });

  it('looks at no more sizes than an agent of ours tells, however few are said to be of each', () => {
    const none = Array.from({ length: 501 }, (_, at) => [at, at, 1, 0] as const);
    expect(countUnplaced(none, [])).toBeUndefined();
    expect(countUnplaced([], none)).toBeUndefined();
    expect(countUnplaced(none.slice(1), none.slice(1))).toEqual({ pods: 0, refused: 0 });
  });
});
