import { describe, expect, it } from 'vitest';
import { createManifestSet, createTarget, defaultSyncOptions, type SyncOptions } from '../manifest/target.ts';
import { targetFromWire, targetToWire } from './wire.ts';

function targetWith(options: Partial<SyncOptions>) {
  return createTarget({
    set: createManifestSet([]),
    sync: { ...defaultSyncOptions, ...options },
    health: [],
    dependsOn: [],
    deletionPolicy: 'prune',
    removed: false,
  });
}

describe('sync options that came later', () => {
  it.each([
    [{ recreate: true }],
    [{ waveTimeoutSeconds: 60 }],
    [{ pruneLimit: 100 }],
    [{ recreate: true, waveTimeoutSeconds: 1, pruneLimit: 1 }],
  ])('%o go over the wire', (options) => {
    const target = targetWith(options);
    expect(target.digest).not.toBe(targetWith({}).digest);
    expect(targetFromWire(targetToWire(target))).toEqual(target);
  });

  it('at their defaults leave the digest as agents know it that have never heard of them', () => {
    const explicit = targetWith({ recreate: false, waveTimeoutSeconds: 600, pruneLimit: 50 });
    expect(explicit).toEqual(targetWith({}));
    expect(targetFromWire(targetToWire(explicit))).toEqual(explicit);
  });
});
