import { describe, expect, it } from 'vitest';
import { effectiveObject } from './effective-object.ts';

const key = { group: '', kind: 'Secret', namespace: 'shop', name: 'db' };
const secret = (members: object) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, ...members });

describe('effectiveObject', () => {
  it("leaves out what is the API server's, and adds namespace and inventory label", () => {
    const text = secret({
      metadata: { name: 'db', uid: 'u', resourceVersion: '1', managedFields: [], labels: { a: 'b' } },
      status: { x: 1 },
    });
    expect(effectiveObject(text, key, 'applyset-1')).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'db',
        namespace: 'shop',
        labels: { a: 'b', 'applyset.kubernetes.io/part-of': 'applyset-1' },
      },
    });
  });

  it("sends a Secret's stringData as data, which the agent then owns", () => {
    const body = effectiveObject(
      secret({ data: { a: 'YQ==', b: 'Yg==' }, stringData: { b: 'new', c: '' } }),
      key,
      's',
    );
    expect([body['data'], body['stringData']]).toEqual([{ a: 'YQ==', b: 'bmV3', c: '' }, undefined]);
  });

  it('leaves to the API server what it is to refuse', () => {
    const body = effectiveObject(secret({ stringData: { port: 80 } }), key, 's');
    expect([body['data'], body['stringData']]).toEqual([undefined, { port: 80 }]);
  });

  it('says of no JSON that it is none', () => {
    expect(() => effectiveObject('{', key, 's')).toThrow('the object is not JSON');
  });
});
