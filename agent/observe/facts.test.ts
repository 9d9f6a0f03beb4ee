import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { createFactsReader, factsOf, isSuspicious } from './facts.ts';

type Metadata = Record<string, Json>;

function object(metadata: Metadata, entries: readonly Metadata[] = []): KubeObject {
  const own = { manager: 'fairway', operation: 'Apply', time: 't', fieldsV1: {} };
  const managedFields = [own, ...entries] as unknown as Json;
  return { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', uid: 'u', managedFields, ...metadata } };
}

const known = factsOf(object({ resourceVersion: '1', generation: 1 }));
const seen = (metadata: Metadata, entries?: readonly Metadata[]) =>
  isSuspicious(known, factsOf(object({ resourceVersion: '2', generation: 1, ...metadata }, entries)));

describe('isSuspicious', () => {
  it('lets status and scale subresources pass', () => {
    expect(seen({}, [{ manager: 'kcm', operation: 'Update', subresource: 'status', fieldsV1: {} }])).toBe(
      false,
    );
    expect(seen({}, [{ manager: 'hpa', operation: 'Update', subresource: 'scale', fieldsV1: {} }])).toBe(
      false,
    );
  });

  it.each<[string, Metadata, (readonly Metadata[])?]>([
    ['generation', { generation: 2 }],
    ['uid', { uid: 'v' }],
    ['labels', { labels: { a: 'b' } }],
    ['annotations', { annotations: { a: 'b' } }],
    ["another writer's entry", {}, [{ manager: 'kubectl', operation: 'Update', fieldsV1: {} }]],
    ['stripped managedFields', { managedFields: [] }],
  ])('is true for a changed %s', (_name, metadata, entries) => {
    expect(seen(metadata, entries)).toBe(true);
  });

  it('takes any new resourceVersion for suspicious where there is no generation', () => {
    const before = factsOf(object({ resourceVersion: '1' }));
    expect(isSuspicious(before, factsOf(object({ resourceVersion: '2' })))).toBe(true);
    expect(isSuspicious(before, factsOf(object({ resourceVersion: '1' })))).toBe(false);
  });
});

describe('createFactsReader', () => {
  const one = object({ resourceVersion: '1', generation: 1 });

  it('says what factsOf says, and of one version of an object gives the same again', () => {
    const read = createFactsReader();
    expect(read(one)).toEqual(factsOf(one));
    expect(read(structuredClone(one))).toBe(read(one));
    expect(read(object({ resourceVersion: '2', generation: 1 }))).toMatchObject({ resourceVersion: '2' });
    expect(read(object({ resourceVersion: '1', uid: 'v' }))).toMatchObject({ uid: 'v' });
  });

  it('looks anew at what has no version, and at what it has not seen for long', () => {
    const read = createFactsReader();
    expect(read(object({ labels: { a: 'b' } }))).not.toEqual(read(object({})));
    const first = read(one);
    for (let version = 2; version < 2_000; version += 1) read(object({ resourceVersion: String(version) }));
    expect(read(one)).not.toBe(first);
    expect(read(one)).toEqual(first);
  });
});
