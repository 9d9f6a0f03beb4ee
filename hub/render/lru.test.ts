import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lru } from './lru.ts';

describe('Lru', () => {
  it('lets go of what was not used for longest', () => {
    const lru = new Lru<number>(3);
    for (const [index, key] of ['a', 'b', 'c'].entries()) lru.set(key, index);
    expect(lru.get('a')).toBe(0);
    lru.set('d', 3);
    expect(['a', 'b', 'c', 'd'].map((key) => lru.get(key))).toEqual([0, undefined, 2, 3]);
  });

  it('makes room though all of it was used', () => {
    const lru = new Lru<number>(2);
    lru.set('a', 1);
    lru.set('b', 2);
    lru.get('a');
    lru.get('b');
    lru.set('c', 3);
    expect([lru.size, lru.get('c')]).toEqual([2, 3]);
  });

  it('never holds more than its bound, and what was set last unless it is heavier than that', () => {
    const act = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      weight: fc.nat(12),
      get: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const lru = new Lru<number>(10);
        for (const { key, weight, get } of acts) {
          if (get) lru.get(key);
          else {
            lru.set(key, weight, weight);
            expect(lru.get(key)).toBe(weight > 10 ? undefined : weight);
          }
          expect(lru.weight).toBeLessThanOrEqual(10);
        }
      }),
      { seed: 20261121 },
    );
  });
});
