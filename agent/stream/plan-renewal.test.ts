import { describe, expect, it } from 'vitest';
import { planRenewalAtMs } from './plan-renewal.ts';

describe('planRenewalAtMs', () => {
  it('renews a long certificate every day, so that most of its life is left when the hub goes away', () => {
    expect(planRenewalAtMs(0, 14 * 86_400_000)).toBe(86_400_000);
  });

  it('renews a short one after two thirds of its life', () => {
    expect(planRenewalAtMs(3_600_000, 2 * 3_600_000)).toBe(3_600_000 + 2_400_000);
  });
});
