import { describe, expect, it } from 'vitest';
import { createManifestSet, createTarget, defaultSyncOptions, type ManifestEntry } from './target.ts';

const entry: ManifestEntry = {
  objectDigest: 'aa',
  key: { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' },
  apiVersion: 'apps/v1',
  originId: 'apps/Deployment//web',
  wave: 0,
};

const parts = {
  set: createManifestSet([entry]),
  sync: defaultSyncOptions,
  health: [],
  dependsOn: [],
  deletionPolicy: 'prune',
  removed: false,
} as const;

describe('createTarget', () => {
  const base = createTarget(parts).digest;

  it('gives the same digest for the same parts', () => {
    expect(createTarget({ ...parts, set: createManifestSet([{ ...entry }]) }).digest).toBe(base);
  });

  it.each([
    ['an object', { ...parts, set: createManifestSet([{ ...entry, objectDigest: 'bb' }]) }],
    ['an origin', { ...parts, set: createManifestSet([{ ...entry, originId: 'apps/Deployment//other' }]) }],
    ['a wave', { ...parts, set: createManifestSet([{ ...entry, wave: 1 }]) }],
    ['a sync option', { ...parts, sync: { ...defaultSyncOptions, prune: false } }],
    ['a dependency', { ...parts, dependsOn: ['db'] }],
    ['the deletion policy', { ...parts, deletionPolicy: 'orphan' as const }],
    ['removal', { ...parts, removed: true }],
  ])('gives another digest when %s changes', (_what, changed) => {
    expect(createTarget(changed).digest).not.toBe(base);
  });
});
