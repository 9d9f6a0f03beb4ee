import { type Amount, amountOf, type WaveSpec } from '../model/strategy.ts';

/** What a wave bears, in clusters. */
export interface WaveBounds {
  /** In flight at once. */
  readonly concurrent: number;
  /** Not healthy at once, in flight or not. */
  readonly unavailable: number;
  /** That may fail. */
  readonly failures: number;
  /** That may be away when it ends. */
  readonly offline: number;
}

function atLeastOne(amount: Amount, size: number, rounding: 'up' | 'down'): number {
  return amount.unit === 'percent' ? Math.max(1, amountOf(amount, size, rounding)) : amount.value;
}

/** @param size clusters of the wave. */
export function boundsOf(
  spec: Pick<WaveSpec, 'maxConcurrent' | 'maxUnavailable' | 'failureBudget' | 'offlineBudget'>,
  size: number,
): WaveBounds {
  return {
    concurrent: atLeastOne(spec.maxConcurrent, size, 'up'),
    unavailable: atLeastOne(spec.maxUnavailable, size, 'down'),
    failures: amountOf(spec.failureBudget, size, 'down'),
    offline: amountOf(spec.offlineBudget, size, 'down'),
  };
}
