import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createColours } from './colour.ts';
import { parseDurationSeconds, renderDuration, renderRelative } from './relative-time.ts';
import { cut, renderTable } from './table.ts';

const now = Date.UTC(2026, 0, 1);
const at = (ms: number) => new Date(now + ms).toISOString();

describe('renderRelative', () => {
  it('says how long ago, or until when, in the largest unit', () => {
    expect(renderRelative(at(-59_999), now)).toBe('59 s ago');
    expect(renderRelative(at(-60_000), now)).toBe('1 min ago');
    expect(renderRelative(at(7_200_000), now)).toBe('in 2 h');
    expect(renderRelative(at(400), now)).toBe('now');
    expect(renderRelative(at(-7_100_000), now)).toBe('1 h ago');
  });

  it('says of what is to come how much of the next unit is left, too', () => {
    expect(renderRelative(at(14_399_000), now)).toBe('in 3 h 59 min');
    expect(renderRelative(at(86_400_000 + 3_599_000), now)).toBe('in 1 d');
    expect(renderRelative(at(59_999), now)).toBe('in 59 s');
    expect(renderRelative(null, now)).toBe('-');
  });
});

describe('parseDurationSeconds', () => {
  it('takes units together and refuses anything else', () => {
    expect(parseDurationSeconds('1h30m')).toBe(5400);
    expect(parseDurationSeconds('2d')).toBe(172_800);
    for (const bad of ['', '1', 'h', '1.5h', '-1h', '0s', '1h '])
      expect(parseDurationSeconds(bad)).toBeUndefined();
  });

  it('reads what it can say, for every whole unit', () => {
    fc.assert(
      fc.property(fc.constantFrom('s', 'm', 'h', 'd'), fc.integer({ min: 1, max: 23 }), (unit, count) => {
        const seconds = parseDurationSeconds(`${count}${unit}`) ?? 0;
        const words = { s: 's', m: 'min', h: 'h', d: 'd' }[unit];
        expect(renderDuration(seconds * 1000)).toBe(`${count} ${words}`);
      }),
    );
  });
});

describe('renderTable', () => {
  it('aligns columns whatever their colours, without trailing spaces', () => {
    const { good } = createColours({ terminal: true, env: {} });
    const text = renderTable(
      ['A', 'B'],
      [
        [good('long'), 'x'],
        ['y', ''],
      ],
    );
    expect(text).toBe(`A     B\n${good('long')}  x\ny\n`);
  });

  it('cuts the last column to the width of the terminal', () => {
    expect(renderTable(['A', 'B'], [['a', 'a long message']], { columns: 12 })).toBe('A  B\na  a long m…\n');
    expect(cut('short', 10)).toBe('short');
  });

  it('keeps a row on one line', () => {
    expect(renderTable(['A'], [['one\n  two']])).toBe('A\none two\n');
  });
});

describe('createColours', () => {
  it('colours on a terminal only, and not against NO_COLOR', () => {
    const paint = (terminal: boolean, env = {}) => createColours({ terminal, env }).bad('x') !== 'x';
    expect([
      paint(true),
      paint(false),
      paint(true, { NO_COLOR: '1' }),
      paint(true, { TERM: 'dumb' }),
    ]).toEqual([true, false, false, false]);
    expect(paint(false, { FORCE_COLOR: '1' })).toBe(true);
  });
});
