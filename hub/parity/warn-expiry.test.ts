import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FailoverKind } from '../model/failover.ts';
import { aFailover, startedAtMs } from './failover.test-support.ts';
import { nextWarningAtMs, warnExpiry } from './warn-expiry.ts';

const hour = 3_600_000;
const lasting = (ms: number, kind: FailoverKind = 'failover') =>
  aFailover({ kind, override: { untilMs: startedAtMs + ms, signature: 's', ended: undefined } });

/** When warnings come, in ms before the end, where somebody looks at each of these times. */
function warnings(lastMs: number, looks: readonly number[], kind?: FailoverKind): readonly number[] {
  const told: number[] = [];
  let one = lasting(lastMs, kind);
  for (const at of looks) {
    const next = warnExpiry(one, startedAtMs + at);
    if (next !== one) told.push(next.override?.warnedMs ?? Number.NaN);
    one = next;
  }
  return told;
}

describe('warnExpiry', () => {
  it.each<[string, number, readonly number[]]>([
    ['a day, an hour and ten minutes', 72 * hour, [24 * hour, hour, hour / 6]],
    ['an hour and ten minutes', 4 * hour, [hour, hour / 6]],
    ['ten minutes', hour, [hour / 6]],
    ['not at all', hour / 6, []],
  ])('warns %s ahead of what leaves time for it', (_, lastMs, expected) => {
    const looks = Array.from({ length: 1_000 }, (_empty, at) => (lastMs / 1_000) * at);
    expect(warnings(lastMs, looks)).toEqual(expected);
    expect(warnings(lastMs, looks, 'drill')).toEqual([]);
  });

  it('tells once what was slept through', () => {
    expect(warnings(72 * hour, [72 * hour - 1])).toEqual([hour / 6]);
  });

  it('says when it has to look next, and then has something to say, whatever was looked at before', () => {
    const looks = fc.array(fc.integer({ min: 0, max: 100 * hour }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 * hour }), looks, (lastMs, times) => {
        let one = lasting(lastMs);
        for (const at of [...times].sort((a, b) => a - b)) {
          one = warnExpiry(one, startedAtMs + at);
          const next = nextWarningAtMs(one);
          expect(warnExpiry(one, startedAtMs + at)).toBe(one);
          if (next === undefined) continue;
          expect(next).toBeGreaterThan(startedAtMs + at);
          expect(warnExpiry(one, next - 1)).toBe(one);
          expect(warnExpiry(one, next)).not.toBe(one);
        }
      }),
    );
  });
});
