import { describe, expect, it } from 'vitest';
import type { ParityDifference } from '../../model/parity.ts';
import type { AssignmentState } from '../../store/repositories/release-repository.ts';
import { estimateCatchUp } from './parity-catch-up.ts';
import type { Placed } from './parity-inputs.ts';

const behind = (application: string, side = 'standby') =>
  ({ class: 'lagging', side, application }) as ParityDifference;
const placed = (assignedAtMs: number, tookMs: number | undefined, wantedDigest = 'd'): Placed => ({
  wantedDigest,
  assignment: {
    ...{ assignedAtMs, targetDigest: 'd' },
    acknowledgements: { appliedAtMs: tookMs === undefined ? undefined : assignedAtMs + tookMs },
  } as AssignmentState,
});
const others = [placed(0, 1_000), placed(0, 4_000), placed(0, 9_000)].map(
  (one, at) => [`other-${at}`, one] as const,
);

describe('estimateCatchUp', () => {
  const estimate = (one: Placed, nowMs: number, differences = [behind('web')]) =>
    estimateCatchUp(differences, new Map([...others, ['web', one]]), nowMs);

  it('is what applications usually take, less what has passed', () => {
    expect(estimate(placed(10_000, undefined), 11_000)).toBe(3_000);
  });

  it('is not told where nothing is behind, or the primary alone', () => {
    expect(estimate(placed(10_000, undefined), 11_000, [])).toBeUndefined();
    expect(estimate(placed(10_000, undefined), 11_000, [behind('web', 'primary')])).toBeUndefined();
  });

  it('is not told where it takes longer than usual, waits for a wave, or nothing is known', () => {
    expect(estimate(placed(10_000, undefined), 14_001)).toBeUndefined();
    expect(estimate(placed(10_000, undefined, 'newer'), 11_000)).toBeUndefined();
    expect(estimateCatchUp([behind('web')], new Map([['web', placed(0, undefined)]]), 1)).toBeUndefined();
  });
});
