/** Quantities in the spelling the API server gives back (apimachinery's `resource.Quantity`). */

const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;
const PATTERN = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;

/** True for text (or a number) that reads as a quantity. */
export function isQuantity(value: string | number): boolean {
  return PATTERN.test(String(value));
}

/** The canonical spelling: `1000m` becomes `1`, `1024Ki` becomes `1Mi`, `0.5` becomes `500m`. Text that is none stays. */
export function canonicalQuantity(value: string | number): string {
  const match = PATTERN.exec(String(value));
  if (!match) return String(value);
  const [, sign = '', digits = '0', suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const mantissa = BigInt(`${whole}${fraction}` || '0');
  if (mantissa === 0n) return suffix.endsWith('i') || !/[eE]/.test(suffix) ? '0' : '0';
  const minus = sign === '-' ? '-' : '';
  if (suffix.endsWith('i')) {
    const power = BINARY.indexOf(suffix as (typeof BINARY)[number]);
    const nano = (mantissa * 1024n ** BigInt(power) * 10n ** 9n) / 10n ** BigInt(fraction.length);
    if (nano % 10n ** 9n === 0n && nano >= 1024n * 10n ** 9n) return minus + binaryText(nano / 10n ** 9n);
    return minus + decimalText(nano, -9);
  }
  if (/^[eE]/.test(suffix)) return minus + exponentText(mantissa, Number(suffix.slice(1)) - fraction.length);
  return minus + decimalText(mantissa, (DECIMAL[suffix] ?? 0) - fraction.length);
}

/** The value in billionths, rounded down; undefined for text that is none. */
export function quantityNanos(value: string | number): bigint | undefined {
  const match = PATTERN.exec(String(value));
  if (!match) return undefined;
  const [, sign = '', digits = '0', suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const mantissa = BigInt(`${whole}${fraction}` || '0') * (sign === '-' ? -1n : 1n);
  const binary = suffix.endsWith('i') ? BINARY.indexOf(suffix as (typeof BINARY)[number]) : 0;
  const power = binary > 0 ? 0 : /^[eE]./.test(suffix) ? Number(suffix.slice(1)) : (DECIMAL[suffix] ?? 0);
  const exponent = power + 9 - fraction.length;
  const scaled = mantissa * 1024n ** BigInt(binary);
  return exponent >= 0 ? scaled * 10n ** BigInt(exponent) : scaled / 10n ** BigInt(-exponent);
}

function binaryText(value: bigint): string {
  let rest = value;
  let power = 0;
  while (power < BINARY.length - 1 && rest % 1024n === 0n) {
    rest /= 1024n;
    power++;
  }
  return `${rest}${BINARY[power]}`;
}

/** Mantissa times ten to `exponent`, with an exponent that is a multiple of three, rounded up to nano. */
function reduce(
  mantissa: bigint,
  exponent: number,
): { readonly mantissa: bigint; readonly exponent: number } {
  let m = mantissa;
  let e = exponent;
  while (e < -9) {
    m = (m + 9n) / 10n;
    e++;
  }
  while (e % 3 !== 0) {
    m *= 10n;
    e--;
  }
  while (m % 1000n === 0n && e < 18) {
    m /= 1000n;
    e += 3;
  }
  return { mantissa: m, exponent: e };
}

function decimalText(mantissa: bigint, exponent: number): string {
  const reduced = reduce(mantissa, exponent);
  const suffix = Object.entries(DECIMAL).find(([, power]) => power === reduced.exponent)?.[0] ?? '';
  return `${reduced.mantissa}${suffix}`;
}

function exponentText(mantissa: bigint, exponent: number): string {
  const reduced = reduce(mantissa, exponent);
  return reduced.exponent === 0 ? `${reduced.mantissa}` : `${reduced.mantissa}e${reduced.exponent}`;
}
