/** What the operators do to a value, as Flux has them (fluxcd/pkg envsubst funcs.go): lengths and positions count bytes of UTF-8, letter case changes one character for one. */
import { matchingPrefixes } from './glob.ts';

type Operation = (value: string, operands: readonly string[]) => string;

const recase = (text: string, change: (character: string) => string): string =>
  [...text]
    .map((character) => {
      const changed = change(character);
      return [...changed].length === 1 ? changed : character;
    })
    .join('');

const upper = (text: string): string => recase(text, (character) => character.toUpperCase());
const lower = (text: string): string => recase(text, (character) => character.toLowerCase());

function onFirst(text: string, change: (character: string) => string): string {
  const [first = '', ...rest] = [...text];
  return change(first) + rest.join('');
}

const reversed = (text: string): string => [...text].reverse().join('');

function parseWhole(text: string): number | undefined {
  return /^[-+]?[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A position or length that is no number leaves the value as it is; negative ones count from the end. */
function partOf(value: string, [startText = '', lengthText]: readonly string[]): string {
  const bytes = Buffer.from(value);
  const position = parseWhole(startText);
  if (position === undefined) return value;
  const start = position < 0 ? Math.max(0, bytes.length + position) : position;
  const length = lengthText === undefined ? bytes.length : parseWhole(lengthText);
  if (length === undefined) return value;
  const end = length < 0 ? bytes.length + length : Math.min(bytes.length, start + length);
  return end <= start ? '' : bytes.subarray(start, end).toString('utf8');
}

function trim(value: string, pattern: string, which: 'shortest' | 'longest'): string {
  const lengths = matchingPrefixes(pattern, value)?.filter((length) => length > 0) ?? [];
  const length = which === 'shortest' ? lengths[0] : lengths.at(-1);
  return length === undefined ? value : [...value].slice(length).join('');
}

const trimEnd = (value: string, pattern: string, which: 'shortest' | 'longest'): string =>
  reversed(trim(reversed(value), reversed(pattern), which));

/** By operator; those with defaults are the evaluator's. */
export const operations: Readonly<Record<string, Operation>> = {
  '': (value) => value,
  length: (value) => String(Buffer.byteLength(value)),
  ',': (value) => onFirst(value, lower),
  ',,': lower,
  '^': (value) => onFirst(value, upper),
  '^^': upper,
  ':': partOf,
  '#': (value, [pattern = '']) => trim(value, pattern, 'shortest'),
  '##': (value, [pattern = '']) => trim(value, pattern, 'longest'),
  '%': (value, [pattern = '']) => trimEnd(value, pattern, 'shortest'),
  '%%': (value, [pattern = '']) => trimEnd(value, pattern, 'longest'),
  '/': (value, [text = '', by = '']) => value.replace(text, () => by),
  '//': (value, [text = '', by = '']) => value.replaceAll(text, () => by),
  '/#': (value, [text = '', by]) =>
    by !== undefined && value.startsWith(text) ? by + value.slice(text.length) : value,
  '/%': (value, [text = '', by]) =>
    by !== undefined && value.endsWith(text) ? value.slice(0, value.length - text.length) + by : value,
};
