import { describe, expect, it } from 'vitest';
import type { RenderedObject, RenderedSet } from '../../model/rendered.ts';
import { createSetMemory } from './set-memory.ts';

const object = (digest: string, size: number): RenderedObject => ({
  digest,
  content: 'x'.repeat(size),
  secret: false,
});

function setOf(digest: string, objects: readonly RenderedObject[]): RenderedSet {
  const entries = objects.map((one) => ({
    ...{ objectDigest: one.digest, apiVersion: 'v1', wave: 0, originId: one.digest },
    key: { group: '', kind: 'ConfigMap', namespace: '', name: one.digest },
  }));
  return {
    set: { digest, entries },
    objects: new Map(objects.map((one) => [one.digest, one])),
    builtFrom: '',
  };
}

const memoryOf = (entriesMax: number, bytesMax: number) =>
  createSetMemory<RenderedSet>({ entriesMax, bytesMax }, (set) => set);

describe('createSetMemory', () => {
  it('lets the sets that were used longest ago go when their objects are too many bytes', () => {
    const memory = memoryOf(1_000, 30_000);
    for (const name of ['a', 'b']) memory.set(setOf(name, [object(name, 10_000)]));
    expect(memory.get('a')).toBeDefined();
    memory.set(setOf('c', [object('c', 10_000)]));
    expect(['a', 'b', 'c'].map((name) => memory.get(name) !== undefined)).toEqual([true, false, true]);
    expect(memory.bytes).toBeLessThanOrEqual(30_000);
  });

  it('counts an object once that many sets have, and lets it go with the last of them', () => {
    const memory = memoryOf(10_000, 200_000);
    const base = object('base', 100_000);
    for (let index = 0; index < 50; index += 1)
      memory.set(setOf(`s${index}`, [base, object(`own${index}`, 10)]));
    for (let index = 0; index < 50; index += 1) expect(memory.get(`s${index}`), `s${index}`).toBeDefined();
    // No room for both: all of the others have the base.
    memory.set(setOf('large', [object('large', 150_000)]));
    expect(memory.get('large')).toBeDefined();
    expect(memory.get('s0')).toBeUndefined();
    expect(memory.bytes).toBeLessThan(160_000);
  });

  it('keeps no set that is larger than a bound, nor what was of the same digest before', () => {
    const memory = memoryOf(3, 5_000);
    memory.set(setOf('a', [object('a', 10)]));
    memory.set(setOf('a', [object('a', 9_000)]));
    expect(memory.get('a')).toBeUndefined();
    memory.set(setOf('b', [object('b', 1), object('c', 1), object('d', 1)]));
    expect(memory.get('b')).toBeUndefined();
    expect(memory.bytes).toBe(0);
  });

  it('holds to the bound of entries as well', () => {
    const memory = memoryOf(6, 1_000_000);
    for (const name of ['a', 'b', 'c', 'd']) memory.set(setOf(name, [object(name, 1)]));
    expect(['a', 'b', 'c', 'd'].filter((name) => memory.get(name) !== undefined)).toEqual(['b', 'c', 'd']);
  });
});
