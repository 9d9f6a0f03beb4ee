/** Which texts YAML would read as something else when they stand without quotes (go.yaml.in/yaml/v2 resolve.go). */

const words = new Set(
  [
    'y Y yes Yes YES true True TRUE on On ON',
    'n N no No NO false False FALSE off Off OFF',
    '~ null Null NULL',
  ]
    .concat('.nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF')
    .flatMap((line) => line.split(' '))
    .concat(''),
);

/** True for a text that stays one. */
export function resolvesToText(text: string): boolean {
  if (words.has(text)) return false;
  if (text.startsWith('.')) return !/^\.\d+(?:[eE][-+]?\d+)?$/.test(text) || !Number.isFinite(Number(text));
  if (!/^[-+0-9]/.test(text)) return true;
  if (/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/.test(text)) return false;
  return !isTimestamp(text) && !isNumber(text.replaceAll('_', ''));
}

function isNumber(text: string): boolean {
  const [, sign = '', digits = ''] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (/^0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+|[0-7]+)$/.test(digits)) {
    const octal = /^0[0-7]/.test(digits);
    const value = BigInt(octal ? `0o${digits.slice(1)}` : digits.toLowerCase());
    if (value <= (sign === '-' ? 2n ** 63n : sign === '+' ? 2n ** 63n - 1n : 2n ** 64n - 1n)) return true;
  }
  return (
    /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text) && Number.isFinite(Number(text))
  );
}

const time =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(Z|[-+]\d\d:\d\d)?)?$/;

function isTimestamp(text: string): boolean {
  const found = time.exec(text);
  if (found === null) return false;
  const [, year = '', month = '', day = '', separator, hour = '0', minute = '0', second = '0', zone] = found;
  // With a T there is a zone, with a space there is none.
  if (separator !== undefined && (separator === ' ') !== (zone === undefined)) return false;
  const last = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return (
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= last &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60
  );
}
