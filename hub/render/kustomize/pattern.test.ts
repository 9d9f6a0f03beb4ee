import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SelectorError } from './label-selector.ts';
import { compilePattern } from './pattern.ts';

const matching = (pattern: string, texts: readonly string[]) =>
  texts.filter((text) => compilePattern(pattern, 'whole')?.test(text) === true);

describe('compilePattern', () => {
  it.each(['(a+)+c', '((a+))+c', '(a|a)*c', '(a|aa)+c', `${'a*'.repeat(12)}c`, '(((a|b)*)*)*c', '(a*)*c'])(
    'comes to an end with %s',
    (pattern) => {
      for (const where of ['whole', 'anywhere'] as const) {
        const compiled = compilePattern(pattern, where);
        expect(compiled?.test(`${'a'.repeat(2_000)}b`)).toBe(false);
        expect(compiled?.test(`${'a'.repeat(2_000)}c`)).toBe(true);
      }
    },
  );

  it('reads what is something else in JavaScript as Go does', () => {
    expect(matching('[[:alpha:]]+', ['web', 'WEB', 'a]', '5'])).toEqual(['web', 'WEB']);
    expect(matching('\\Aweb\\z', ['web', 'Awebz'])).toEqual(['web']);
    expect(matching('\\Qa.b\\E', ['a.b', 'axb'])).toEqual(['a.b']);
    expect(matching('[]a]+', ['a]', 'a'])).toEqual(['a]', 'a']);
    expect(matching('(?P<name>web)(?i)-X', ['web-x', 'WEB-x'])).toEqual(['web-x']);
  });

  it('refuses what Go refuses, and says why', () => {
    for (const pattern of [
      '(?=a)',
      '(a)\\1',
      '(',
      'a)',
      '[z-a]',
      'a**',
      '\\e',
      'a{1001}',
      '(a{100}){11}',
      '[[:x:]]',
    ])
      expect(() => compilePattern(pattern, 'whole'), pattern).toThrow(SelectorError);
    expect(() => compilePattern('web[', 'whole')).toThrow('web[ is no regular expression: missing closing ]');
    expect(() => compilePattern('(a{500}b{500}c{500})'.repeat(10), 'whole')).toThrow(
      'the pattern is too large',
    );
  });

  it('finds as JavaScript does where both mean the same', () => {
    const { pattern } = fc.letrec<{ pattern: string; atom: string }>((tie) => ({
      atom: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\W', '\\b', '^', '$', 'a|b', '-'),
        tie('pattern').map((inner) => `(${inner})`),
      ),
      pattern: fc
        .array(
          fc
            .tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,2}', '*?'))
            .map(([atom, repetition]) => (/^(?:[$^-]|\\b|a\|b)$/.test(atom) ? atom : atom + repetition)),
          { maxLength: 4 },
        )
        .map((parts) => parts.join('')),
    }));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '-', ' '), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (source, given) => {
        if (source === '') return;
        for (const [where, own] of [
          ['anywhere', source],
          ['whole', `^(?:${source})$`],
        ] as const)
          expect(compilePattern(source, where)?.test(given), `${where} ${source}`).toBe(
            new RegExp(own).test(given),
          );
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throws anything but what the pattern is told with, and always comes to an end', () => {
    const letters = [...'ab()[]{}*+?|\\^$.-,:=!<>PQEAzdpLx0179i\n\u00e9\u{1f600}'];
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...letters), maxLength: 30 }), (source) => {
        try {
          compilePattern(source, 'whole')?.test('aab-\u{1f600}');
        } catch (caught) {
          expect(caught).toBeInstanceOf(SelectorError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
