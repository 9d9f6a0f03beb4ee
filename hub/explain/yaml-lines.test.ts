import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Json } from '../../shared/manifest/object.ts';
import { valueAt } from '../model/trace-chain.ts';
import { leafPaths, yamlLines } from './yaml-lines.ts';

const write = (value: Json) =>
  yamlLines(value, [], {})
    .map(({ text }) => `${text}\n`)
    .join('');

describe('yamlLines', () => {
  it('writes as people do, and knows the field of each line', () => {
    const value = {
      kind: 'ConfigMap',
      list: [{ name: 'a', ports: [80, 443] }, 'b', [], {}],
      'dotted.key': { 'a b': null, yes: 'on' },
      text: 'one\n  two\n\nthree\n',
    };
    const lines = yamlLines(value, [], { list: ['name'] });
    expect(
      lines.map(({ text, path }) => `${text} # ${path === undefined ? '-' : JSON.stringify(path)}`),
    ).toEqual([
      'kind: ConfigMap # ["kind"]',
      'list: # -',
      '  - name: a # ["list",{"item":{"name":"a"}},"name"]',
      '    ports: # -',
      '      - 80 # ["list",{"item":{"name":"a"}},"ports",0]',
      '      - 443 # ["list",{"item":{"name":"a"}},"ports",1]',
      '  - b # ["list",1]',
      '  - [] # ["list",2]',
      '  - {} # ["list",3]',
      'dotted.key: # -',
      '  a b: null # ["dotted.key","a b"]',
      '  "yes": "on" # ["dotted.key","yes"]',
      'text: | # ["text"]',
      '  one # ["text"]',
      '    two # ["text"]',
      ' # ["text"]',
      '  three # ["text"]',
    ]);
    expect(parse(write(value))).toEqual(value);
  });

  it.each([
    'a\nb',
    'a\nb\n',
    'a\nb\n\n',
    ' a\nb',
    '\na',
    'a\r\nb',
    'a\n\tb',
    'a\u0007\nb',
    '- a',
    '# a',
    'a: b',
    '007',
    '1e3',
    '~',
    '',
  ])('writes %j so that it is read again', (text) => {
    expect(parse(write({ a: text, b: [text, { c: text }] }))).toEqual({ a: text, b: [text, { c: text }] });
  });

  it('can be read again, whatever the value, and every line leads to its value', () => {
    const key = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text !== '__proto__');
    const { value } = fc.letrec<{ value: Json; map: Json }>((tie) => ({
      map: fc.dictionary(key, tie('value'), { maxKeys: 4 }) as fc.Arbitrary<Json>,
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'grapheme', maxLength: 12 }),
        fc.stringMatching(/^[ab\n\t -]{0,8}$/),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        tie('map'),
        fc.array(tie('value'), { maxLength: 4 }) as fc.Arbitrary<Json>,
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, value, { minKeys: 1, maxKeys: 4 }), (object) => {
        const json = JSON.parse(JSON.stringify(object)) as Json;
        expect(parse(write(json))).toEqual(json);
        for (const { path } of yamlLines(json, [], {}))
          if (path) expect(valueAt(json, path, {})).toBeDefined();
        expect(leafPaths(json, [], {}).every((path) => valueAt(json, path, {}) !== undefined)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
