import { describe, expect, it } from 'vitest';
import { parseQuantity } from './quantity.ts';

describe('parseQuantity', () => {
  it.each([
    ['250m', 0.25],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['12e3', 12_000],
    ['3E', 3e18],
    ['.5', 0.5],
    ['110', 110],
    ['7k', 7_000],
  ])('reads %s', (text, value) => expect(parseQuantity(text)).toBe(value));

  it.each(['', 'x', '1 Gi', '1Gb', '--1'])('reads nothing in "%s"', (text) =>
    expect(parseQuantity(text)).toBeUndefined(),
  );
});
