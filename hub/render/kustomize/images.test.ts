import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { createResource, withStems } from '../resource.ts';
import { fieldTables } from './field-tables.ts';
import { imageTransform } from './images.ts';

const podOf = (...images: readonly string[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a' },
  spec: { containers: images.map((image) => ({ name: 'c', image })) },
});
const resourceOf = (object: KubeObject) => createResource(object, { file: 'a.yaml', line: 1 });
const toNew = (name: string) => imageTransform({ name, newTag: 'new' }, fieldTables.images);

const letters = (alphabet: string) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 5 });
const name = letters('ab./-_');
const image = fc.oneof(
  letters('ab./-_:@\n'),
  fc.tuple(name, letters('ab:@.'), letters('ab:@\n')).map(([head, tag, rest]) => `${head}:${tag}${rest}`),
);

describe('imageTransform', () => {
  it('takes names for the patterns that kustomize makes of them', () => {
    fc.assert(
      fc.property(name, image, (wanted, found) => {
        const pattern = new RegExp(
          `^${wanted}(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?$`,
        );
        const pod = podOf(found);
        expect(toNew(wanted)(resourceOf(pod)) !== pod).toBe(pattern.test(found) && !found.endsWith(':new'));
      }),
      { numRuns: 3_000 },
    );
  });

  it('sees what a layer changed of an object whose other images it knows', () => {
    const [base] = withStems([resourceOf(podOf('web:1', 'db:1'))]);
    const changed = { ...base!, object: podOf('web:1', 'proxy:1') };
    expect(toNew('proxy')(changed)).toEqual(podOf('web:1', 'proxy:new'));
    expect(toNew('db')(changed)).toEqual(podOf('web:1', 'proxy:1'));
    expect(toNew('web')(changed)).toEqual(podOf('web:new', 'proxy:1'));
  });
});
