/** One letter of a Go regular expression: classes, escapes and sets (regexp/syntax parse.go). */

/** Whether a code point is one of them. */
export type Letters = (point: number) => boolean;

/** What Go's regexp.Compile refuses. */
export class GoSyntaxError extends Error {}

/** A pattern as it is read, code point by code point. */
export class SyntaxText {
  #rest: string;

  constructor(text: string) {
    this.#rest = text;
  }

  get atEnd(): boolean {
    return this.#rest === '';
  }

  sees(text: string): boolean {
    return this.#rest.startsWith(text);
  }

  take(text: string): boolean {
    if (!this.sees(text)) return false;
    this.#rest = this.#rest.slice(text.length);
    return true;
  }

  match(pattern: RegExp): RegExpExecArray | undefined {
    return pattern.exec(this.#rest) ?? undefined;
  }

  takeMatch(pattern: RegExp): RegExpExecArray | undefined {
    const found = this.match(pattern);
    if (found !== undefined) this.#rest = this.#rest.slice(found[0].length);
    return found;
  }

  /** @throws GoSyntaxError at the end. */
  next(): number {
    const point = this.#rest.codePointAt(0);
    if (point === undefined) throw this.error('something is missing at the end');
    this.#rest = this.#rest.slice(String.fromCodePoint(point).length);
    return point;
  }

  error(message: string): GoSyntaxError {
    return new GoSyntaxError(message);
  }
}

const ranges =
  (...list: readonly (readonly [from: number, to: number])[]): Letters =>
  (point) =>
    list.some(([from, to]) => from <= point && point <= to);
const not =
  (letters: Letters): Letters =>
  (point) =>
    !letters(point);
const inText = (text: string): Letters => {
  const points = new Set([...text].map((letter) => letter.codePointAt(0)));
  return (point) => points.has(point);
};

const digit = ranges([0x30, 0x39]);
const lower = ranges([0x61, 0x7a]);
const upper = ranges([0x41, 0x5a]);
const alpha: Letters = (point) => lower(point) || upper(point);
const alnum: Letters = (point) => alpha(point) || digit(point);
export const isWordLetter: Letters = (point) => alnum(point) || point === 0x5f;
const space = inText('\t\n\f\r ');

const perl: Readonly<Record<string, Letters>> = {
  ...{ d: digit, D: not(digit), s: space, S: not(space), w: isWordLetter, W: not(isWordLetter) },
};

const posix: Readonly<Record<string, Letters>> = {
  ...{ alnum, alpha, digit, lower, upper, word: isWordLetter },
  ascii: ranges([0, 0x7f]),
  blank: inText('\t '),
  cntrl: ranges([0, 0x1f], [0x7f, 0x7f]),
  graph: ranges([0x21, 0x7e]),
  print: ranges([0x20, 0x7e]),
  punct: ranges([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]),
  space: inText('\t\n\v\f\r '),
  xdigit: ranges([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]),
};

const named: Readonly<Record<string, string>> = { a: '\u0007', f: '\f', t: '\t', n: '\n', r: '\r', v: '\v' };

/** A class in brackets or an escape, if one stands here. @throws GoSyntaxError. */
export function readLetters(text: SyntaxText, fold: boolean): Letters | undefined {
  if (text.take('[')) return readClass(text, fold);
  const known = readKnown(text);
  if (known !== undefined) return folded(known, fold);
  if (!text.sees('\\')) return undefined;
  const point = readPoint(text);
  return folded((one) => one === point, fold);
}

function readClass(text: SyntaxText, fold: boolean): Letters {
  const isNot = text.take('^');
  const parts: Letters[] = [];
  for (let isFirst = true; isFirst || !text.sees(']'); isFirst = false) {
    const part = readPosix(text) ?? readKnown(text) ?? readRange(text);
    parts.push(part);
  }
  text.take(']');
  const any = folded((point) => parts.some((part) => part(point)), fold);
  return isNot ? not(any) : any;
}

function readRange(text: SyntaxText): Letters {
  const from = readPoint(text);
  if (!text.sees('-') || text.sees('-]')) return (point) => point === from;
  text.take('-');
  const to = readPoint(text);
  if (to < from) throw text.error('a range whose end comes before its beginning');
  return ranges([from, to]);
}

/** `[:alpha:]` within brackets. */
function readPosix(text: SyntaxText): Letters | undefined {
  const [found, isNot, name = ''] = text.takeMatch(/^\[:(\^?)([^\]]*?):\]/) ?? [];
  if (found === undefined) return undefined;
  const letters = Object.hasOwn(posix, name) ? posix[name] : undefined;
  if (letters === undefined) throw text.error(`there is no class ${found}`);
  return isNot === '' ? letters : not(letters);
}

/** `\d` and the like, and Unicode's properties. */
function readKnown(text: SyntaxText): Letters | undefined {
  const [, name = ''] = text.takeMatch(/^\\([dDsSwW])/) ?? [];
  if (name !== '') return perl[name];
  const [found, big, one, isNot, long] = text.takeMatch(/^\\([pP])(?:(\w)|\{(\^?)(\w+)\})/) ?? [];
  if (found === undefined) return undefined;
  const letters = ofProperty(one ?? long ?? '', text);
  return (big === 'P') === (isNot === '^') ? letters : not(letters);
}

/** A category or a script. */
function ofProperty(name: string, text: SyntaxText): Letters {
  for (const property of [`General_Category=${name}`, `Script=${name}`, name])
    try {
      const pattern = new RegExp(`^\\p{${property}}$`, 'u');
      return (point) => pattern.test(String.fromCodePoint(point));
    } catch (caught) {
      if (!(caught instanceof SyntaxError)) throw caught;
    }
  throw text.error(`there is no property ${name}`);
}

/** A letter, perhaps escaped. */
function readPoint(text: SyntaxText): number {
  if (!text.take('\\')) return text.next();
  const [hex] = text.takeMatch(/^x(?:[\da-fA-F]{2}|\{[\da-fA-F]+\})/) ?? [];
  if (hex !== undefined) {
    const point = Number.parseInt(hex.replace(/[x{}]/g, ''), 16);
    if (point > 0x10_ffff) throw text.error('there is no such letter');
    return point;
  }
  const [octal] = text.takeMatch(/^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/) ?? [];
  if (octal !== undefined) return Number.parseInt(octal, 8);
  const point = text.next();
  const letter = String.fromCodePoint(point);
  const known = Object.hasOwn(named, letter) ? named[letter]?.codePointAt(0) : undefined;
  if (known !== undefined) return known;
  if (point >= 0x80 || alnum(point)) throw text.error(`\\${letter} means nothing`);
  return point;
}

function folded(letters: Letters, fold: boolean): Letters {
  if (!fold) return letters;
  return (point) => {
    const letter = String.fromCodePoint(point);
    const others = [letter.toLowerCase(), letter.toUpperCase()].map((other) => other.codePointAt(0) ?? point);
    return letters(point) || others.some(letters);
  };
}
