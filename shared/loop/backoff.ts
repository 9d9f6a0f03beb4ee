import type { Random } from '../clock/random.ts';

export interface BackoffOptions {
  /** First wait, in milliseconds. Default 200. */
  readonly baseMs: number;
  /** Longest wait, in milliseconds. Default 60,000. */
  readonly maxMs: number;
}

export const defaultBackoff: BackoffOptions = { baseMs: 200, maxMs: 60_000 };

/**
 * Exponential backoff with full jitter: a wait between 0 and min(max, base * 2^attempt), never under a tenth of that bound so
 * that a loop cannot spin. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @param attempt failures so far, from 0.
 */
export function planBackoffMs(
  attempt: number,
  random: Random,
  options: BackoffOptions = defaultBackoff,
): number {
  const bound = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(bound * (0.1 + 0.9 * random.next()));
}

/** A period spread over +-20 %, so that a thousand timers of the same length do not fall together. */
export function planJitteredMs(periodMs: number, random: Random): number {
  return Math.round(periodMs * (0.8 + 0.4 * random.next()));
}
