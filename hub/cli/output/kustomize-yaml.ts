/**
 * YAML as `kustomize build` prints it, to the byte: what Go's sigs.k8s.io/yaml makes of JSON (go.yaml.in/yaml/v2: encode.go, emitterc.go, resolve.go, sorter.go).
 * So the output of the two can be compared with `diff`.
 */
import { resolvesToText } from './kustomize-scalars.ts';

/** JSON, with bigints for what a number does not hold. */
export type PrintableJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PrintableJson[]
  | { readonly [key: string]: PrintableJson | undefined };

const widthMax = 80;
/** Bytes of a key that is written before its colon on one line. */
const simpleKeyMax = 128;

/** One document, with a line break at its end. */
export function renderKustomizeYaml(value: PrintableJson): string {
  const emitter = new Emitter();
  emitter.node(value, -2, false);
  return `${emitter.text}\n`;
}

class Emitter {
  text = '';
  #lineStart = 0;

  get #column(): number {
    // Columns count characters, not UTF-16 units.
    return [...this.text.slice(this.#lineStart)].length;
  }

  #newLine(indent: number): void {
    this.text += '\n';
    this.#lineStart = this.text.length;
    this.text += ' '.repeat(indent);
  }

  /** @param indent of the collection that the node is in. @param inMapping its lists are not indented. */
  node(value: PrintableJson, indent: number, inMapping: boolean): void {
    if (Array.isArray(value)) this.#list(value, inMapping ? indent : indent + 2, inMapping);
    else if (typeof value === 'object' && value !== null)
      this.#mapping(value as Readonly<Record<string, PrintableJson>>, indent + 2, inMapping);
    else this.#scalar(value as Exclude<PrintableJson, object> | null, indent + 2, inMapping);
  }

  #list(items: readonly PrintableJson[], indent: number, inMapping: boolean): void {
    if (items.length === 0) {
      this.text += inMapping ? ' []' : '[]';
      return;
    }
    for (const [index, item] of items.entries()) {
      if (index > 0 || inMapping) this.#newLine(indent);
      this.text += '- ';
      this.node(item, indent, false);
    }
  }

  #mapping(map: Readonly<Record<string, PrintableJson>>, indent: number, inMapping: boolean): void {
    const keys = Object.keys(map).filter((key) => map[key] !== undefined);
    if (keys.length === 0) {
      this.text += inMapping ? ' {}' : '{}';
      return;
    }
    for (const [index, key] of keys.sort(compareKeys).entries()) {
      if (index > 0 || inMapping) this.#newLine(indent);
      const simple = !/[\n\r\u0085\u2028\u2029]/.test(key) && Buffer.byteLength(key) <= simpleKeyMax;
      if (simple) this.#string(key, indent + 2, true);
      else {
        this.text += '? ';
        this.#string(key, indent + 2, false);
        this.#newLine(indent);
      }
      // What follows a key that is written before `:` on a line of its own begins on the line of the `:`, as an item of a list does.
      this.text += simple ? ':' : ': ';
      this.node(map[key] ?? null, indent, simple);
    }
  }

  #scalar(value: null | boolean | number | bigint | string, indent: number, inMapping: boolean): void {
    if (inMapping) this.text += ' ';
    if (typeof value === 'string') this.#string(value, indent, false);
    else this.text += typeof value === 'number' ? goNumber(value) : String(value);
  }

  #string(text: string, indent: number, isKey: boolean): void {
    const facts = analyse(text);
    if (text.includes('\n') && facts.block && !isKey) this.#literal(text, indent);
    else if (!text.includes('\n') && resolvesToText(text) && facts.plain) this.#folded(text, indent, isKey);
    else if (!text.includes('\n') && resolvesToText(text) && facts.single) {
      this.text += "'";
      this.#folded(text.replaceAll("'", "''"), indent, isKey, true);
      this.text += "'";
    } else this.#double(text, indent, isKey);
  }

  #literal(text: string, indent: number): void {
    const ends = /\n*$/.exec(text)?.[0].length ?? 0;
    const keep = ends === 0 ? '-' : ends > 1 || text.length === 1 ? '+' : '';
    this.text += `|${/^[ \n]/.test(text) ? '2' : ''}${keep}`;
    for (const line of (ends === 0 ? text : text.slice(0, -1)).split('\n')) {
      if (line === '') {
        this.text += '\n';
        this.#lineStart = this.text.length;
      } else {
        this.#newLine(indent);
        this.text += line;
      }
    }
  }

  /** A line that is too long goes on in the next, at a single space. */
  #folded(text: string, indent: number, isKey: boolean, quoted = false): void {
    const parts = isKey ? [text] : text.split(' ');
    for (const [index, part] of parts.entries()) {
      if (index > 0) {
        const single = parts[index - 1] !== '' && part !== '';
        const inside = !quoted || (index > 0 && index < parts.length);
        if (single && inside && this.#column > widthMax) this.#newLine(indent);
        else this.text += ' ';
      }
      this.text += part;
    }
  }

  #double(text: string, indent: number, isKey: boolean): void {
    this.text += '"';
    const characters = [...text];
    let spaces = false;
    for (const [index, character] of characters.entries()) {
      const escaped = escapeOf(character);
      const breaks = !isKey && !spaces && index > 0 && index < characters.length - 1;
      if (escaped !== undefined) this.text += escaped;
      else if (character === ' ' && breaks && this.#column > widthMax) {
        this.#newLine(indent);
        if (characters[index + 1] === ' ') this.text += '\\';
      } else this.text += character;
      spaces = character === ' ' && escaped === undefined;
    }
    this.text += '"';
  }
}

interface Facts {
  readonly plain: boolean;
  readonly single: boolean;
  readonly block: boolean;
}

/** In which styles a text may be written (yaml_emitter_analyze_scalar). */
function analyse(text: string): Facts {
  if (text === '') return { plain: true, single: true, block: false };
  const special =
    [...text].some((character) => !isPrintable(character)) || / [\n\r\u0085\u2028\u2029]/.test(text);
  const breakSpace = /[\n\r\u0085\u2028\u2029] /.test(text);
  const indicators =
    /^(?:---|\.\.\.)/.test(text) ||
    /^[#,[\]{}&*!|>'"%@`]/.test(text) ||
    /^[-?:](?:[ \t]|$)/.test(text) ||
    /:(?:[ \t]|$)/.test(text) ||
    /[ \t\n\r\u0085\u2028\u2029\0]#/.test(text);
  const edges = /^[ \n\r\u0085\u2028\u2029]|[ \n\r\u0085\u2028\u2029]$/.test(text);
  const breaks = /[\n\r\u0085\u2028\u2029]/.test(text);
  return {
    plain: !special && !breakSpace && !indicators && !edges && !breaks,
    single: !special && !breakSpace,
    block: !special && !text.endsWith(' '),
  };
}

function isPrintable(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return code === 0x0a || (code >= 0x20 && code <= 0x7e);
  return code >= 0xa0 && code <= 0xfffd && code !== 0xfeff;
}

const named: Readonly<Record<number, string>> = {
  ...{ 0: '0', 7: 'a', 8: 'b', 9: 't', 10: 'n', 11: 'v', 12: 'f', 13: 'r', 27: 'e', 34: '"', 92: '\\' },
  ...{ 133: 'N', 160: '_', 8232: 'L', 8233: 'P' },
};

function escapeOf(character: string): string | undefined {
  const code = character.codePointAt(0) ?? 0;
  const isBreak = code === 0x0a || code === 0x2028 || code === 0x2029;
  if (isPrintable(character) && !isBreak && character !== '"' && character !== '\\') return undefined;
  const name = named[code];
  if (name !== undefined) return `\\${name}`;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** strconv.FormatFloat(value, 'g', -1, 64) for what is no whole number that Go holds. */
function goNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return BigInt(value).toString();
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(value);
  const sign = exponent < 0 ? '-' : '+';
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

const isLetter = (character: string) => /\p{L}/u.test(character);
const isDigit = (character: string | undefined) => character !== undefined && /\p{Nd}/u.test(character);

/** Letters after everything else, numbers by their value. */
function compareKeys(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let index = 0; index < left.length && index < right.length; index += 1) {
    const [one = '', other = ''] = [left[index], right[index]];
    if (one === other) continue;
    const [letter, otherLetter] = [isLetter(one), isLetter(other)];
    if (letter && otherLetter) return one < other ? -1 : 1;
    if (letter || otherLetter) return otherLetter ? -1 : 1;
    return compareNumbers(left, right, index);
  }
  return left.length - right.length;
}

function compareNumbers(left: readonly string[], right: readonly string[], from: number): number {
  let start = 0;
  if (left[from] === '0' || right[from] === '0')
    for (let at = from - 1; at >= 0 && isDigit(left[at]); at -= 1)
      if (left[at] !== '0') {
        start = 1;
        break;
      }
  const [one, oneEnd] = numberAt(left, from, start);
  const [other, otherEnd] = numberAt(right, from, start);
  if (one !== other) return one < other ? -1 : 1;
  if (oneEnd !== otherEnd) return oneEnd - otherEnd;
  return (left[from] ?? '') < (right[from] ?? '') ? -1 : 1;
}

function numberAt(text: readonly string[], from: number, start: number): readonly [bigint, number] {
  let value = BigInt(start);
  let at = from;
  for (; isDigit(text[at]); at += 1)
    value = BigInt.asIntN(64, value * 10n + BigInt((text[at]?.codePointAt(0) ?? 48) - 48));
  return [value, at];
}
