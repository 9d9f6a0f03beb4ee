import { describe, expect, it } from 'vitest';
import type { Drift } from '../../shared/manifest/health.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { isWithin, splitPath } from './field-path.ts';
import { deployment } from './fixture.test-support.ts';
import { withDrift } from './object-pair.ts';

const driftOf = (fields: Drift['fields']): Drift => ({ fields, managers: [], kind: 'changed', foundAtMs: 1 });
const at = (fields: Drift['fields'], object: KubeObject = deployment(2)) =>
  withDrift(object, driftOf(fields), 'one')['spec'];

describe('withDrift', () => {
  it('sets, adds and takes away fields, items of lists by key among them', () => {
    expect(
      at([
        { path: '/spec/replicas', desired: '2', live: '5' },
        { path: '/spec/template/spec/containers/[name=web]/image', desired: '"web:1"', live: '"web:9"' },
        { path: '/spec/paused', live: 'true' },
      ]),
    ).toEqual({
      ...{ replicas: 5, paused: true },
      template: { spec: { containers: [{ name: 'web', image: 'web:9' }] } },
    });
    expect(at([{ path: '/spec/replicas', desired: '2' }])).not.toHaveProperty('replicas');
  });

  it('adds an item with the key that names it, and takes one away', () => {
    const path = '/spec/template/spec/containers/[name=side]';
    const added = at([
      { path, live: 'true' },
      { path: `${path}/image`, live: '"side:1"' },
    ]);
    expect(added).toMatchObject({
      template: {
        spec: {
          containers: [
            { name: 'web', image: 'web:1' },
            { name: 'side', image: 'side:1' },
          ],
        },
      },
    });
    expect(at([{ path: '/spec/template/spec/containers/[name=web]', desired: 'true' }])).toMatchObject({
      template: { spec: { containers: [] } },
    });
  });

  it('keeps a value that was cut as text, and marks one that is not told', () => {
    expect(at([{ path: '/spec/a', live: '{"long' }])).toMatchObject({ a: '{"long... (in one)' });
    expect(at([{ path: '/spec/a' }])).toMatchObject({ a: '*** (changed in one)' });
  });
});

describe('paths', () => {
  it('are split at slashes, but not within the key of an item', () => {
    expect(splitPath('/spec/volumeMounts/[mountPath=/var/lib]/name')).toEqual([
      ...['spec', 'volumeMounts', '[mountPath=/var/lib]', 'name'],
    ]);
    expect(splitPath('/metadata/labels/app.kubernetes.io~1name')).toEqual([
      ...['metadata', 'labels', 'app.kubernetes.io/name'],
    ]);
    expect(splitPath('')).toEqual([]);
  });

  it('lie at or below a pattern', () => {
    expect(isWithin('/spec/a/b', '/spec/a')).toBe(true);
    expect(isWithin('/spec/ab', '/spec/a')).toBe(false);
    expect(isWithin('/spec/[mountPath=~1x]/name', '/spec/[mountPath=/x]')).toBe(true);
    expect(isWithin('/spec/containers/[name=web]/image', '/spec/containers/*/image')).toBe(true);
    expect(isWithin('/spec', '/spec/a')).toBe(false);
  });
});
