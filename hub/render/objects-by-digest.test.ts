import { describe, expect, it } from 'vitest';
import { ObjectsByDigest } from './objects-by-digest.ts';

const objects = ['a', 'b', 'c'].map((digest) => ({ digest, content: `{"${digest}":1}`, secret: false }));

describe('ObjectsByDigest', () => {
  it('is what a map of the same objects is', () => {
    const expected = new Map(objects.map((object) => [object.digest, object]));
    const map = new ObjectsByDigest(objects);
    expect(new Map(map)).toEqual(expected);
    expect(map.size).toBe(3);
    expect([...map.keys()]).toEqual([...expected.keys()]);
    expect([...map.values()]).toEqual([...expected.values()]);
    expect([...map.entries()]).toEqual([...expected.entries()]);
    const seen: unknown[] = [];
    map.forEach((object, digest) => {
      seen.push([digest, object]);
    });
    expect(seen).toEqual([...expected]);
  });

  it('finds an object by its digest', () => {
    const map = new ObjectsByDigest(objects);
    expect(map.get('b')).toBe(objects[1]);
    expect([map.has('b'), map.has('d'), map.get('d')]).toEqual([true, false, undefined]);
  });
});
