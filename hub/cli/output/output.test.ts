import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderDuration } from '../../../shared/text/duration.ts';
import { createColours } from './colour.ts';
import { parseDurationSeconds, renderRelative } from './relative-time.ts';
import { renderTable, wrap } from './table.ts';

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

  it('breaks the last column beside the others where there is room, at blanks', () => {
    const message = 'waits for wave eu: 3 of 10 not healthy: eu-2 Deployment web: 2 of 5 ready';
    expect(renderTable(['A', 'B'], [['a', message]], { columns: 50 })).toBe(
      'A  B\na  waits for wave eu: 3 of 10 not healthy: eu-2\n   Deployment web: 2 of 5 ready\n',
    );
  });

  it('puts it below its row where there is no room', () => {
    const cells = ['a-long-first-column', 'eu-1 waits for its turn: fairway rollout status mail'];
    expect(renderTable(['FIRST', 'MESSAGE'], [cells, ['b', 'short']], { columns: 50 })).toBe(
      'FIRST                MESSAGE\na-long-first-column\n    eu-1 waits for its turn: fairway rollout\n    status mail\nb                    short\n',
    );
  });

  it('loses nothing but what takes too many lines', () => {
    expect(wrap('one two three', 7, 8)).toEqual(['one two', 'three']);
    expect(wrap('abcdefghij', 4, 8)).toEqual(['abcd', 'efgh', 'ij']);
    expect(wrap('a b c d e f', 1, 3)).toEqual(['a', 'b', '…']);
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 2, max: 20 }), (text, size) => {
        const lines = wrap(text, size, 1_000);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
        expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(size);
      }),
    );
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
