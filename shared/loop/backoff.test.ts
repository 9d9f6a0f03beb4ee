import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../clock/random.ts';
import { planBackoffMs, planJitteredMs } from './backoff.ts';

describe('planBackoffMs', () => {
  it('stays between a tenth of the bound and the bound, which doubles up to the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.integer(), (attempt, seed) => {
        const bound = Math.min(60_000, 200 * 2 ** Math.min(attempt, 30));
        const wait = planBackoffMs(attempt, createSeededRandom(seed));
        expect(wait).toBeGreaterThanOrEqual(Math.floor(bound / 10));
        expect(wait).toBeLessThanOrEqual(bound);
      }),
    );
  });
});

describe('planJitteredMs', () => {
  it('spreads over a fifth to both sides', () => {
    expect(planJitteredMs(1000, { next: () => 0, bytes: () => new Uint8Array() })).toBe(800);
    expect(planJitteredMs(1000, { next: () => 1, bytes: () => new Uint8Array() })).toBe(1200);
  });
});
