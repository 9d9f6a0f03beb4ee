import { describe, expect, it } from 'vitest';
import { compilePattern } from './pattern.ts';

describe('compilePattern', () => {
  it.each(['((a+))+c', '(a|a)*c', '(a|aa)+c', `${'a*'.repeat(12)}c`, '(((a|b)*)*)*c'])(
    'comes to an end with %s',
    (pattern) => {
      for (const where of ['whole', 'anywhere'] as const) {
        const compiled = compilePattern(pattern, where);
        expect(compiled?.test(`${'a'.repeat(250)}b`)).toBe(false);
        expect(compiled?.test(`${'a'.repeat(250)}c`)).toBe(true);
      }
    },
  );

  it('refuses what is written as a repetition of a repetition, and what Go does not have', () => {
    for (const pattern of ['(a+)+', '(a*){2,}', '(?=a)', '(a)\\1'])
      expect(() => compilePattern(pattern, 'whole')).toThrow(/not supported/);
    expect(() => compilePattern('(', 'whole')).toThrow(/no regular expression/);
  });
});
