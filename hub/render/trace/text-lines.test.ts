import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { WrittenPath } from './lineage.ts';
import { TextLines } from './text-lines.ts';

const key = fc.stringMatching(/^[a-z]{1,6}$/);
const text = fc.oneof(fc.stringMatching(/^[a-zA-Z0-9 .:#-]{0,12}$/), fc.nat(), fc.boolean());
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.array(tie('value'), { minLength: 1, maxLength: 3 }),
    fc.dictionary(key, tie('value'), { minKeys: 1, maxKeys: 4 }),
  ),
}));
const document = fc.dictionary(key, value, { minKeys: 1, maxKeys: 4 });

function leavesOf(node: unknown, path: WrittenPath): readonly (readonly [WrittenPath, unknown])[] {
  if (typeof node !== 'object' || node === null) return [[path, node]];
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(node)
    ? node.map((item, index) => [index, item] as const)
    : Object.entries(node);
  return entries.flatMap(([name, member]) => leavesOf(member, [...path, name]));
}

describe('TextLines', () => {
  it('finds the line of every scalar, in every spelling and document', () => {
    const spelled = fc.tuple(document, fc.constantFrom('block', 'flow', 'json'));
    const spell = (one: unknown, how: string): string =>
      how === 'json'
        ? `${JSON.stringify(one, undefined, 2)}\n`
        : stringify(one, { collectionStyle: how === 'flow' ? 'flow' : 'block', lineWidth: 0 });
    fc.assert(
      fc.property(fc.array(spelled, { minLength: 1, maxLength: 3 }), (documents) => {
        const whole = documents.map(([one, how]) => spell(one, how)).join('---\n# nothing\n---\n');
        const found = new TextLines(whole);
        const lines = whole.split('\n');
        for (const [index, [one]] of documents.entries())
          for (const [path, leaf] of leavesOf(one, [])) {
            const { line, depth } = found.find(index, path);
            const shown = lines[line - 1] ?? '';
            expect(depth).toBe(path.length);
            expect(shown.includes(String(leaf)) || shown.includes(String(path.at(-1)))).toBe(true);
          }
      }),
    );
  });

  it('tells the nearest line for what is not there', () => {
    const lines = new TextLines('a:\n  b:\n    c: 1\n');
    expect(lines.find(0, ['a', 'b', 'x', 'y'])).toEqual({ line: 2, depth: 2 });
    expect(lines.find(3, ['a'])).toEqual({ line: 1, depth: 0 });
  });

  it('takes any text, also what is no YAML', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'a: -\n{}[]&*!|>"\'#?%\t,') }),
        fc.array(fc.oneof(key, fc.nat(3))),
        (any, path) => {
          const { line } = new TextLines(any).find(0, path);
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(any.split('\n').length + 1);
        },
      ),
    );
  });

  it('does not follow aliases for ever', () => {
    const loop = new TextLines('a: &x\n  <<: *x\n  b: *x\n');
    expect(loop.find(0, ['a', 'b', 'b', 'c'])).toMatchObject({ depth: 3 });
  });
});
