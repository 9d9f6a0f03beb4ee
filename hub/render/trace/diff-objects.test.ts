import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import type { Json } from '../../../shared/manifest/object.ts';
import { applyChanges, valueAt } from '../../model/trace-chain.ts';
import { printFieldPath } from '../../model/trace-path.ts';
import { diffObjects, leavesOf } from './diff-objects.ts';
import type { RawChange } from './lineage.ts';

const nowhere = { source: 'none', file: '', line: 0, field: '', holds: 'cause' } as const;
const keys = { items: ['name'], ports: ['port', 'protocol'], set: [] };
const apply = (before: Json, changes: readonly RawChange[]): Json =>
  applyChanges(
    before,
    changes.map((change) => ({ ...change, at: nowhere })),
    keys,
  );

const scalar = fc.constantFrom<Json>('a', 'b', 1, 2, true, null, '');
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('x', 'y', 'z'), tie('value'), { maxKeys: 3 }),
  ),
}));
const named = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), v: value }), {
  selector: ({ name }) => name,
});
const ports = fc.uniqueArray(
  fc.record(
    { port: fc.constantFrom(80, 443), protocol: fc.constantFrom('TCP', 'UDP') },
    { requiredKeys: ['port'] },
  ),
  { selector: (port) => canonicalJson(port) },
);
const object = fc.record(
  { items: named, ports, set: fc.uniqueArray(fc.constantFrom('p', 'q', 'r')), other: value },
  { requiredKeys: [] },
) as fc.Arbitrary<Json>;

describe('diffObjects', () => {
  it('makes the one object out of the other, whatever they are', () => {
    fc.assert(
      fc.property(object, object, (before, after) => {
        expect(canonicalJson(apply(before, diffObjects(before, after, keys)))).toBe(canonicalJson(after));
      }),
    );
  });

  it('says nothing of what is the same', () => {
    fc.assert(
      fc.property(object, (one) => {
        expect(diffObjects(one, structuredClone(one), keys)).toEqual([]);
      }),
    );
  });

  it('moves one item where one moved, and names items by their keys', () => {
    const items = (...names: readonly string[]): Json => ({ items: names.map((name) => ({ name })) });
    const told = diffObjects(items('a', 'b', 'c'), items('c', 'a', 'b'), keys);
    expect(told.map(({ path, index }) => [printFieldPath(path), index])).toEqual([['items[name=c]', 0]]);
  });

  it('tells each field of a new mapping, and a list without keys as a whole where items came in between', () => {
    const told = diffObjects(
      { list: ['a', 'b'] },
      { list: ['x', 'a', 'b'], map: { c: { d: 1 }, e: {} } },
      {},
    );
    expect(told.map(({ path, after }) => [printFieldPath(path), after])).toEqual([
      ['list', ['x', 'a', 'b']],
      ['map.c.d', 1],
      ['map.e', {}],
    ]);
  });
});

describe('leavesOf', () => {
  it('finds every scalar and every empty thing, each where it is', () => {
    fc.assert(
      fc.property(object, (one) => {
        const leaves = leavesOf(one, [], keys);
        const texts = leaves.map((leaf) => printFieldPath(leaf));
        expect(new Set(texts).size).toBe(leaves.length);
        for (const leaf of leaves) {
          const found = valueAt(one, leaf, keys);
          expect(
            found !== undefined && (typeof found !== 'object' || Object.keys(found ?? {}).length === 0),
          ).toBe(true);
        }
      }),
    );
  });
});
