import { describe, expect, it } from 'vitest';
import { formatMark, formatMarks, isNewer, parseMarks } from './marks.ts';

const mark = (generation: number, id = 'life-1') => formatMark({ epoch: { id, counter: 3 }, generation });

describe('marks', () => {
  it('of one life are compared by generation, and those of others not at all', () => {
    expect(isNewer(mark(8), mark(7))).toBe(true);
    expect(isNewer(mark(7), mark(7))).toBe(false);
    expect(isNewer(mark(8, 'life-2'), mark(7))).toBe(false);
    expect(isNewer(undefined, mark(7))).toBe(false);
  });

  it('are read as they were written', () => {
    const epoch = { id: 'a/b', counter: 3 };
    const text = formatMarks([
      { application: 'shop', epoch, generation: 7 },
      { application: 'web', epoch, generation: 9 },
      { application: 'old', epoch: { id: 'c', counter: 1 }, generation: 2 },
    ]);
    expect([...parseMarks(text)]).toEqual([
      ['shop', 'a/b/3/7'],
      ['web', 'a/b/3/9'],
      ['old', 'c/1/2'],
    ]);
  });

  it('that say nothing are none', () => {
    for (const text of [undefined, '', 'x', 'null', '[]', '{"a/1":null}', '{"a/1":{"shop":"7"}}'])
      expect(parseMarks(text).size, text).toBe(0);
  });

  it('are not written where an annotation could not hold them', () => {
    const epoch = { id: 'a', counter: 1 };
    const many = Array.from({ length: 5_000 }, (_none, generation) => ({
      application: `application-with-a-long-name-${generation}`,
      ...{ epoch, generation },
    }));
    expect(formatMarks(many)).toBeUndefined();
    expect(parseMarks(formatMarks(many.slice(0, 1_000))).size).toBe(1_000);
  });
});
