import { describe, expect, it } from 'vitest';
import { indexChanges } from './change-index.ts';
import type { FieldChange, FieldPath, Written } from './trace.ts';

const at: Written = { source: 'none', file: '', line: 0, field: '', holds: 'cause' };
const index = indexChanges(
  (
    [
      ['spec', 'replicas'],
      ['data', 'a'],
      ['spec', 'list', { item: { name: 'x' } }, 'image'],
      ['data'],
      ['data', 'a', 'deeper'],
      ['data', 'b'],
    ] satisfies FieldPath[]
  ).map((path): FieldChange => ({ path, after: 1, at })),
);

describe('indexChanges', () => {
  it.each<[FieldPath, readonly number[]]>([
    [['spec', 'replicas'], [0]],
    [
      ['data', 'a'],
      [1, 3, 4],
    ],
    [
      ['data', 'a', 'deeper', 'still'],
      [1, 3, 4],
    ],
    [['data', 'c'], [3]],
    [['data'], [1, 3, 4, 5]],
    [['metadata'], []],
    [[], [0, 1, 2, 3, 4, 5]],
  ])('finds what is at, above and below %j', (path, near) => {
    expect(index.near(path)).toEqual(near);
  });

  it('takes a change of one item for one of all in the list', () => {
    expect(index.near(['spec', 'list', 0, 'name'])).toEqual([2]);
    expect(index.near(['spec', 'list', { item: { name: 'y' } }])).toEqual([2]);
  });
});
