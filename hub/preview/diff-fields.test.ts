import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../shared/manifest/object.ts';
import { applyFields } from './apply-fields.test-support.ts';
import { diffFields, pathText } from './diff-fields.ts';
import type { FieldSchema } from './list-keys.ts';

const ports: FieldSchema = {
  mergeKeys: ['containerPort', 'protocol'],
  field: () => undefined,
  items: () => undefined,
};
const schema: FieldSchema = {
  mergeKeys: undefined,
  field: (name) => (name === 'ports' ? ports : undefined),
  items: () => undefined,
};

const show = (before: Json, after: Json) =>
  diffFields(before, after, schema).map((diff) => [pathText(diff.path), diff.before, diff.after]);

describe('diffFields', () => {
  it('names items by the merge key of the schema, also where a part has its default', () => {
    const before = { ports: [{ containerPort: 80, protocol: 'TCP', name: 'a' }, { containerPort: 53 }] };
    const after = {
      ports: [
        { containerPort: 80, protocol: 'TCP', name: 'b' },
        { containerPort: 53, x: 1 },
      ],
    };
    expect(show(before, after)).toEqual([
      ['/ports/[containerPort=80,protocol=TCP]/name', 'a', 'b'],
      ['/ports/[containerPort=53]/x', undefined, 1],
    ]);
  });

  it('names items of unknown lists by name where each has its own, and by position otherwise', () => {
    expect(show({ a: [{ name: 'x', v: 1 }] }, { a: [{ name: 'x', v: 2 }] })).toEqual([
      ['/a/[name=x]/v', 1, 2],
    ]);
    const twice = [
      { name: 'x', v: 1 },
      { name: 'x', v: 2 },
    ];
    expect(show({ a: twice }, { a: [twice[0] as Json, { name: 'x', v: 3 }] })).toEqual([['/a/1/v', 2, 3]]);
  });

  it('tells one new argument as one, wherever it stands', () => {
    expect(show(['--a', '--b'], ['--new', '--a', '--b'])).toEqual([['/0', undefined, '--new']]);
    expect(show(['--a', '--b', '--c'], ['--a', '--c'])).toEqual([['/1', '--b', undefined]]);
  });

  it('tells a new order of the same items', () => {
    expect(show([{ name: 'a' }, { name: 'b' }], [{ name: 'b' }, { name: 'a' }])).toEqual([
      ['', ['name=a', 'name=b'], ['name=b', 'name=a']],
    ]);
  });

  it('escapes names as JSON pointers do, and takes no field for one of its own language', () => {
    expect(show({ 'a/b~c': 1 }, { 'a/b~c': 2 })).toEqual([['/a~1b~0c', 1, 2]]);
    expect(show({}, { constructor: 'x' })).toEqual([['/constructor', undefined, 'x']]);
  });
});

const text = fc.constantFrom('a', 'b', 'c', 'name', 'ports');
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, 1, 80, '', 'a', 'b'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
    fc.uniqueArray(fc.record({ name: text, containerPort: fc.constantFrom(80, 53), value: tie('value') }), {
      selector: ({ name }) => name,
      maxLength: 4,
    }),
  ),
}));

describe('properties of diffFields', () => {
  it('a value does not differ from itself', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(diffFields(one, structuredClone(one), schema)).toEqual([]);
      }),
    );
  });

  it('applying the differences to the old value gives the new one', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        expect(applyFields(before, diffFields(before, after, schema))).toEqual(after);
      }),
      { numRuns: 2_000 },
    );
  });
});
