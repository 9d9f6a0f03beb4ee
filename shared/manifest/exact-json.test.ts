import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical.ts';
import { parseExactJson, stringifyExactJson } from './exact-json.ts';

describe('exact JSON', () => {
  it('keeps integers that a number would round', () => {
    const text = '{"a":9007199254740993,"b":[-9223372036854775808],"c":"9007199254740993"}';
    expect(stringifyExactJson(parseExactJson(text))).toBe(text);
    expect(canonicalJson(parseExactJson(text))).toBe(text);
  });

  it('reads all else as JSON.parse does', () => {
    expect(parseExactJson('{"a":1234567890123456,"b":1.2345678901234567,"c":1e20}')).toEqual({
      a: 1234567890123456,
      b: 1.2345678901234567,
      c: 1e20,
    });
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(stringifyExactJson(parseExactJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('still refuses what is no JSON, and cycles', () => {
    expect(() => parseExactJson('{')).toThrow(SyntaxError);
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => stringifyExactJson(cycle)).toThrow(TypeError);
  });
});
