import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffLines } from './diff-lines.ts';

describe('diffLines', () => {
  it('shows a change with what is around it', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8'];
    const after = before.map((line) => (line === '5' ? 'five' : line));
    expect(diffLines(before.join('\n'), after.join('\n'), 50)).toEqual([
      '@ 2 unchanged',
      ' 3',
      ' 4',
      '-5',
      '+five',
      ' 6',
      ' 7',
      '@ 1 unchanged',
    ]);
  });

  it('ends at its bound and says so', () => {
    expect(diffLines('a\nb\nc', 'd\ne\nf', 3)).toEqual(['-a', '-b', '@ 4 more lines']);
  });

  it('holds all of both texts', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', ''), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const marked = diffLines(before.join('\n'), after.join('\n'), 1_000);
        const side = (sign: string, whole: readonly string[]) => {
          const shown: string[] = [];
          for (const line of marked) {
            const skipped = /^@ (\d+) unchanged$/.exec(line)?.[1];
            if (skipped) shown.push(...whole.slice(shown.length, shown.length + Number(skipped)));
            else if (line.startsWith(' ') || line.startsWith(sign)) shown.push(line.slice(1));
          }
          return shown;
        };
        expect(side('-', before)).toEqual(before);
        expect(side('+', after)).toEqual(after);
      }),
    );
  });
});
