/** A scalar as Go's strconv and fmt write it: floats with an exponent from the seventh digit on. */
import { isBigInteger } from './values.ts';

/** `%v` of a value that was decoded from JSON. Whole numbers as they are. */
export function goText(value: string | number | bigint | boolean): string {
  return typeof value === 'number' && !Number.isInteger(value) ? floatText(value) : String(value);
}

/**
 * What becomes of a number or flag that is written where a text is expected: whole numbers that 64 bits hold as they are, others shortened to what a float of 32 bits
 * tells (sigs.k8s.io/yaml convertToJSONableObject).
 */
export function asGoText(value: string | number | bigint | boolean): string {
  if (typeof value === 'string' || typeof value === 'boolean') return String(value);
  if (Number.isInteger(value) || isBigInteger(value)) {
    const whole = BigInt(value);
    if (whole >= -(2n ** 63n) && whole < 2n ** 64n) return whole.toString();
  }
  return floatText(shortFloat(Number(value)));
}

/** strconv.FormatFloat(value, 'g', -1, 64). */
function floatText(value: number): string {
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** The number of the fewest digits that is the same float of 32 bits, for which nine are always enough. */
function shortFloat(value: number): number {
  const short = Math.fround(value);
  for (let digits = 1; digits < 9; digits += 1) {
    const candidate = rounded(short, digits);
    if (Math.fround(candidate) === short) return candidate;
  }
  return rounded(short, 9);
}

/** Halves go to the even digit; toPrecision has them go up. */
function rounded(value: number, digits: number): number {
  const [mantissa = '', exponent = '0'] = value.toExponential(100).split('e');
  const exact = mantissa.replace('.', '').replace('-', '');
  const isHalf = /^50*$/.test(exact.slice(digits));
  if (!isHalf || Number(exact[digits - 1]) % 2 === 1) return Number(value.toPrecision(digits));
  const kept = mantissa.slice(0, mantissa.length - (exact.length - digits));
  return Number(`${kept}e${exponent}`);
}
