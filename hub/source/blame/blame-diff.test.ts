import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { createGitScript } from './blame.test-support.ts';
import { matchLines } from './blame-diff.ts';
import { LineNumbers } from './blame-file.ts';

function match(before: string, after: string): readonly number[] {
  const numbers = new LineNumbers();
  const split = (text: string) => numbers.split(Buffer.from(text, 'latin1'));
  return [...matchLines(split(before), split(after))];
}

/** A file of few different lines, and an edit of it: where one change can be told in many ways. */
function makePair(seed: number): readonly [string, string] {
  const random = createSeededRandom(seed);
  const below = (max: number) => Math.floor(random.next() * max);
  const different = [3, 6, 12, 40, 200][below(5)] ?? 3;
  const words = Array.from({ length: different }, (_, at) =>
    below(8) === 0 ? '' : `${' '.repeat(2 * below(4))}w${at}`,
  );
  const word = () => words[below(different)] ?? '';
  const some = (most: number) => Array.from({ length: 1 + below(most) }, word);
  const before = some([5, 20, 60, 400][below(4)] ?? 5);
  const after = [...before];
  for (let left = 1 + below(below(3) === 0 ? 60 : 8); left > 0; left -= 1) {
    const at = below(after.length + 1);
    const action = below(4);
    if (action === 0) after.splice(at, below(5));
    else if (action === 1) after.splice(at, 0, ...some(5));
    else if (action === 2) {
      const from = below(after.length + 1);
      after.splice(at, 0, ...after.slice(from, from + 1 + below(6)));
    } else after[Math.min(at, after.length)] = word();
  }
  const text = (lines: readonly string[]) => lines.join('\n') + (below(5) === 0 ? '' : '\n');
  return [text(before), `${text(after)}end`];
}

describe('matchLines', () => {
  it('matches equal lines only, in their order', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', '  c', '', '\t', 'd '), { maxLength: 30 })
      .map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const [old, young] = [before, after].map((one) => one.match(/[^\n]*\n|[^\n]+$/g) ?? []);
        const matches = match(before, after);
        expect(matches).toHaveLength(young?.length ?? 0);
        const matched = matches.flatMap((from, to) => (from < 0 ? [] : [[from, to] as const]));
        for (const [from, to] of matched) expect(young?.[to]).toBe(old?.[from]);
        const places = matched.map(([from]) => from);
        expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
        if (before === after) expect(places).toHaveLength(matches.length);
      }),
    );
  });

  it('chooses among equal lines as git blame does', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fairway-lines-'));
    try {
      const script = createGitScript(join(folder, 'lines.git'));
      const pairs = Array.from({ length: 80 }, (_, seed) => makePair(seed));
      const commit = (side: 0 | 1) =>
        script.commit({ files: Object.fromEntries(pairs.map((pair, at) => [`f${at}`, pair[side]])) });
      commit(0);
      const last = commit(1);
      for (const [seed, [before, after]] of pairs.entries()) {
        const theirs = script.blame(`f${seed}`).map(({ sha, line }) => (sha === last ? -1 : line - 1));
        expect(match(before, after), `seed ${seed}`).toEqual(theirs);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it('ends in bounded time where two long files have little in common', () => {
    const random = createSeededRandom(1);
    const file = () =>
      Array.from({ length: 20_000 }, () => `${Math.floor(random.next() * 5_000)}\n`).join('');
    const [before, after] = [file(), file()];
    const matched = match(before, after).filter((from) => from >= 0);
    expect(matched.length).toBeGreaterThan(100);
    expect(matched).toEqual([...matched].sort((a, b) => a - b));
  });
});
