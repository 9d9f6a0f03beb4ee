import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowsClusterObject, matchesPattern } from './cluster-objects.ts';

describe('matchesPattern', () => {
  it.each([
    ['team-a', 'team-a', true],
    ['team-a', 'team-ab', false],
    ['team-*', 'team-', true],
    ['team-*', 'my-team-a', false],
    ['*', '', true],
    ['*-a', 'team-a', true],
    ['a*a', 'a', false],
    ['a*b*a', 'aba', true],
    ['a*b*a', 'aa', false],
    ['a*bc*c', 'abc', false],
    ['te.m', 'team', false],
    ['', '', true],
    ['', 'x', false],
  ])('%s of %s: %s', (pattern, text, fits) => {
    expect(matchesPattern(pattern, text)).toBe(fits);
  });

  it('says what the same regular expression says', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const texts = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(letters, texts, (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text);
        expect(matchesPattern(pattern, text)).toBe(expected);
      }),
    );
  });
});

describe('allowsClusterObject', () => {
  const namespaces = [{ group: '', kind: 'Namespace', names: ['team-a', 'team-a-*'] }];

  it('asks for group, kind and name together', () => {
    const allows = (group: string, kind: string, name: string) =>
      allowsClusterObject(namespaces, { group, kind, name });
    expect(allows('', 'Namespace', 'team-a-web')).toBe(true);
    expect(allows('', 'Namespace', 'team-b')).toBe(false);
    expect(allows('', 'Node', 'team-a')).toBe(false);
    expect(allows('example.com', 'Namespace', 'team-a')).toBe(false);
  });

  it('takes any name where none is stated, and nothing where there is no rule', () => {
    const any = [{ group: 'example.com', kind: '*', names: [] }];
    expect(allowsClusterObject(any, { group: 'example.com', kind: 'Tenant', name: 'x' })).toBe(true);
    expect(allowsClusterObject([], { group: '', kind: 'Namespace', name: 'x' })).toBe(false);
  });
});
