import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { canonicalText } from './canonical-text.ts';
import { withNulls } from './kustomize/values.ts';

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('canonicalText', () => {
  it('writes what canonicalJson writes once nothing is null, the first time and later', () => {
    fc.assert(
      fc.property(value, (spec) => {
        const object = { kind: 'Foo', apiVersion: 'v1', metadata: { name: 'a' }, spec };
        const expected = canonicalJson(withNulls(object as Json));
        for (let time = 0; time < 3; time += 1)
          expect(canonicalText(object as unknown as KubeObject)).toBe(expected);
      }),
    );
  });

  it('writes the same with the help of what the object was made from', () => {
    fc.assert(
      fc.property(value, value, value, (shared, before, after) => {
        const head = { kind: 'Foo', apiVersion: 'v1', metadata: { name: 'a'.repeat(200) } };
        const stem = { ...head, spec: { shared, list: [shared, before], changes: before } };
        const object = { ...stem, spec: { ...stem.spec, list: [shared, after], changes: after } };
        const expected = canonicalJson(withNulls(object as Json));
        for (let time = 0; time < 3; time += 1)
          expect(canonicalText(object as unknown as KubeObject, stem as unknown as KubeObject)).toBe(
            expected,
          );
      }),
    );
  });
});
