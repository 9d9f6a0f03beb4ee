import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { createObjectTally } from './object-tally.ts';

const object = (spec: number): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: '' }, spec },
});

describe('createObjectTally', () => {
  it('keeps one of objects that are alike, and how many there are', () => {
    const tally = createObjectTally(10);
    const first = object(1);
    expect([tally.put('a', first), tally.put('b', object(1)), tally.put('c', object(2))]).toEqual([
      true,
      true,
      true,
    ]);
    expect(tally.counted()).toEqual([
      [object(1), 2],
      [object(2), 1],
    ]);
    expect(tally.counted()[0]?.[0]).toBe(first);
    expect(tally.size).toBe(3);
  });

  it('tells whether what is kept is another', () => {
    const tally = createObjectTally(10);
    tally.put('a', object(1));
    expect(tally.put('a', object(1))).toBe(false);
    expect(tally.put('a', object(2))).toBe(true);
    expect(tally.put('b', undefined)).toBe(false);
    expect(tally.put('a', undefined)).toBe(true);
    expect(tally.counted()).toEqual([]);
  });

  it('forgets what has not come again', () => {
    const tally = createObjectTally(10);
    for (const name of ['a', 'b', 'c']) tally.put(name, object(1));
    expect(tally.retain(new Set(['b']))).toBe(true);
    expect(tally.retain(new Set(['b']))).toBe(false);
    expect(tally.counted()).toEqual([[object(1), 1]]);
  });

  it('holds no more than it may, says so, and takes what changes of those that it holds', () => {
    const tally = createObjectTally(2);
    for (const name of ['a', 'b']) tally.put(name, object(1));
    expect(tally.cut).toBe(false);
    expect([tally.put('c', object(1)), tally.put('d', object(1))]).toEqual([true, false]);
    expect([tally.size, tally.cut, tally.put('a', object(2))]).toEqual([2, true, true]);
  });

  it('says that there is too much until all of them have come and had room', () => {
    const tally = createObjectTally(2);
    for (const name of ['a', 'b', 'c']) tally.put(name, object(1));
    tally.begin();
    tally.put('a', object(1));
    expect(tally.cut).toBe(true);
    // Nothing more is told of a list that ends in between; the next begins anew.
    tally.begin();
    tally.put('a', object(1));
    expect([tally.retain(new Set(['a', 'b'])), tally.cut]).toEqual([true, false]);
    tally.begin();
    for (const name of ['a', 'b', 'c']) tally.put(name, object(1));
    expect([tally.retain(new Set(['a', 'b', 'c'])), tally.cut]).toEqual([false, true]);
  });
});
