const dayMs = 24 * 3_600_000;

/**
 * When a certificate is renewed: a day after its beginning, or after two thirds of its life if that is sooner. With the hub's two weeks of life an
 * agent that was connected within the last day outlasts any outage of twelve days without being enrolled again.
 */
export function planRenewalAtMs(fromMs: number, untilMs: number): number {
  return fromMs + Math.min(dayMs, (2 / 3) * (untilMs - fromMs));
}
