import { describe, expect, it } from 'vitest';
import { asGoText, goText } from './go-text.ts';

describe('goText', () => {
  it('writes floats with an exponent from the seventh digit on, whole numbers as they are', () => {
    const values = [1.5, 123456.5, 1234567.5, 0.0001, 0.00001, 1_000_000, 12345678901234567890n, true];
    expect(values.map(goText)).toEqual([
      ...['1.5', '123456.5', '1.2345675e+06', '0.0001', '1e-05', '1000000'],
      ...['12345678901234567890', 'true'],
    ]);
  });
});

describe('asGoText', () => {
  it('tells of a float what 32 bits hold, and of what is too large for 64 as well', () => {
    const values = [
      1.1,
      0.1234567891,
      1234567.5,
      16777217.5,
      1234567.25,
      -1234567.25,
      5,
      -7,
      2 ** 70,
      2n ** 64n - 1n,
      2n ** 64n,
    ];
    expect(values.map(asGoText)).toEqual([
      ...[
        '1.1',
        '0.12345679',
        '1.2345675e+06',
        '1.6777218e+07',
        '1.2345672e+06',
        '-1.2345672e+06',
        '5',
        '-7',
      ],
      ...['1.1805916e+21', '18446744073709551615', '1.8446744e+19'],
    ]);
  });

  it('takes flags and texts as they are', () => {
    expect([asGoText(false), asGoText('010')]).toEqual(['false', '010']);
  });
});
