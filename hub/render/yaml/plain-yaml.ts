/**
 * The YAML that nearly all manifests are written in: mappings, lists, scalars on one line, literal blocks and short flow collections. Reads them several
 * times as fast as the library, which matters where thousands of files are read once. Anything else, and anything that might be an error, is left to the
 * library (undefined): a property holds the two to the same values.
 */
import type { PlainResolver } from './schema.ts';

/** Thrown within this file only: the text is for the library. */
const unusual = new Error('for the library');

/** Less than any limit on depth that the library is given. */
const depthMax = 40;

/** Line breaks and printable text without tabs, byte order marks and the line breaks of other worlds. */
const usualText = /^[\n\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/;

const keyPattern = /([A-Za-z_][\w./-]*):(?=[ \n]|$)/y;
const flowKeyPattern = /([A-Za-z_][\w./-]*): +/y;
/** Keys that may be no texts, or mean something. */
const oddKey = /^(?:null|true|false|y|n|yes|no|on|off|__proto__)$/i;

const doubleQuoted = /"([^"\\\n]*)"/y;
const singleQuoted = /'((?:[^'\n]|'')*)'/y;
const restOfLine = /(?: +#[^\n]*| *)(?=\n|$)/y;
const literal = /\|(-?)(?=\n)/y;
const plainStart = /^(?:[A-Za-z0-9_./$(+~=;\\^]|-[^ ])/;
const flowPlain = /(?:[A-Za-z0-9_./$(+~=;^]|-(?=[^ \n,[\]{}]))(?:[^\n,[\]{}#:]|:(?=[^ \n,[\]{}]))*/y;

type Value = unknown;

/** Undefined: for the library. `wrapped`, since a document's value may be anything. */
export function readPlainYaml(text: string, resolve: PlainResolver): { readonly value: Value } | undefined {
  if (!usualText.test(text)) return undefined;
  try {
    return { value: new Reader(text, resolve).document() };
  } catch (caught) {
    if (caught !== unusual) throw caught;
    return undefined;
  }
}

class Reader {
  readonly #text: string;
  readonly #resolve: PlainResolver;
  /** Of the line that is read: where its content starts, in which column, and where it ends. */
  #at = 0;
  #column = 0;
  #end = -1;
  #isOver = false;
  #depth = 0;

  constructor(text: string, resolve: PlainResolver) {
    this.#text = text;
    this.#resolve = resolve;
  }

  document(): Value {
    this.#next();
    if (!this.#isOver && this.#column === 0 && this.#isText('---')) this.#next();
    if (this.#isOver || this.#column !== 0) throw unusual;
    const value = this.#block();
    if (!this.#isOver) throw unusual;
    return value;
  }

  #isText(text: string): boolean {
    return this.#end - this.#at === text.length && this.#text.startsWith(text, this.#at);
  }

  /** Goes to the next line that has more than a comment. */
  #next(): void {
    const text = this.#text;
    while (this.#end < text.length) {
      const start = this.#end + 1;
      if (start >= text.length) break;
      const found = text.indexOf('\n', start);
      this.#end = found < 0 ? text.length : found;
      let at = start;
      while (text.charCodeAt(at) === 32) at += 1;
      if (at >= this.#end || text.charCodeAt(at) === 35) continue;
      this.#at = at;
      this.#column = at - start;
      return;
    }
    this.#isOver = true;
    this.#column = -1;
  }

  #block(): Value {
    this.#depth += 1;
    if (this.#depth > depthMax) throw unusual;
    const value = this.#isItem(this.#at) ? this.#list(this.#column) : this.#map(this.#column);
    this.#depth -= 1;
    return value;
  }

  #isItem(at: number): boolean {
    return this.#text.charCodeAt(at) === 45 && (at + 1 === this.#end || this.#text.charCodeAt(at + 1) === 32);
  }

  #map(column: number): Record<string, Value> {
    const map: Record<string, Value> = {};
    while (this.#column === column) {
      const key = this.#match(keyPattern, this.#at)?.[1];
      if (key === undefined || oddKey.test(key) || Object.hasOwn(map, key)) throw unusual;
      map[key] = this.#value(this.#content(keyPattern.lastIndex), column, true);
    }
    if (this.#column > column) throw unusual;
    return map;
  }

  #list(column: number): Value[] {
    const list: Value[] = [];
    while (this.#column === column && this.#isItem(this.#at)) {
      const start = this.#content(this.#at + 1);
      if (start < this.#end && this.#isItem(start)) throw unusual;
      if (this.#match(keyPattern, start) === undefined) {
        list.push(this.#value(start, column, false));
        continue;
      }
      this.#column += start - this.#at;
      this.#at = start;
      list.push(this.#block());
    }
    if (this.#column > column) throw unusual;
    return list;
  }

  /** Where the content of the line goes on after blanks; its end where only a comment follows. */
  #content(from: number): number {
    let at = from;
    while (at < this.#end && this.#text.charCodeAt(at) === 32) at += 1;
    return this.#text.charCodeAt(at) === 35 ? this.#end : at;
  }

  /** What follows a key or a dash, and the lines after it that belong to it. */
  #value(start: number, column: number, mayBeListBeside: boolean): Value {
    if (start >= this.#end) {
      this.#next();
      if (this.#column > column) return this.#block();
      if (mayBeListBeside && this.#column === column && this.#isItem(this.#at)) return this.#block();
      return this.#resolve('');
    }
    if (this.#text.charCodeAt(start) === 124) return this.#literal(start, column);
    const value = this.#inline(start);
    this.#next();
    // A scalar that goes on in the next line.
    if (this.#column > column) throw unusual;
    return value;
  }

  #inline(start: number): Value {
    const text = this.#text;
    switch (text.charCodeAt(start)) {
      case 34:
      case 39: {
        const value = this.#quoted(start);
        this.#endLine(this.#quotedEnd);
        return value;
      }
      case 91:
      case 123: {
        const flow = new Flow(text, start, this.#resolve);
        const value = flow.value(this.#depth);
        this.#endLine(flow.at);
        return value;
      }
      default:
        return this.#plain(start);
    }
  }

  #plain(start: number): Value {
    let scalar = this.#text.slice(start, this.#end);
    const comment = scalar.indexOf(' #');
    if (comment >= 0) scalar = scalar.slice(0, comment);
    scalar = scalar.trimEnd();
    if (!plainStart.test(scalar) || scalar.includes(': ') || scalar.endsWith(':')) throw unusual;
    return this.#resolve(scalar);
  }

  #quotedEnd = 0;

  #quoted(start: number): string {
    const [text, end] = quotedAt(this.#text, start);
    this.#quotedEnd = end;
    return text;
  }

  #endLine(from: number): void {
    if (this.#match(restOfLine, from) === undefined) throw unusual;
  }

  #match(pattern: RegExp, from: number): RegExpExecArray | undefined {
    pattern.lastIndex = from;
    return pattern.exec(this.#text) ?? undefined;
  }

  /** A literal block: lines as they are, deeper than the key or dash. */
  #literal(start: number, column: number): string {
    const strip = this.#match(literal, start)?.[1];
    if (strip === undefined) throw unusual;
    const text = this.#text;
    const lines: string[] = [];
    let indent = -1;
    for (;;) {
      const from = this.#end + 1;
      if (from >= text.length) break;
      const found = text.indexOf('\n', from);
      const to = found < 0 ? text.length : found;
      let at = from;
      while (at < to && text.charCodeAt(at) === 32) at += 1;
      const isBlank = at === to;
      if (indent < 0 && !isBlank) indent = at - from;
      if (indent < 0) {
        // Blanks before the first line could be part of it.
        if (at > from) throw unusual;
      } else if (!isBlank && at - from < indent) break;
      if (indent >= 0 && indent <= column) break;
      lines.push(isBlank && (indent < 0 || at - from <= indent) ? '' : text.slice(from + indent, to));
      this.#end = to;
    }
    if (indent <= column) throw unusual;
    this.#next();
    if (this.#column > column) throw unusual;
    let last = lines.length;
    while (last > 0 && lines[last - 1] === '') last -= 1;
    const value = lines.slice(0, last).join('\n');
    return strip === '-' ? value : `${value}\n`;
  }
}

/** The text in quotes, and where it ends. */
function quotedAt(text: string, start: number): readonly [string, number] {
  const isDouble = text.charCodeAt(start) === 34;
  const pattern = isDouble ? doubleQuoted : singleQuoted;
  pattern.lastIndex = start;
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw unusual;
  return [isDouble || !found.includes("''") ? found : found.replaceAll("''", "'"), pattern.lastIndex];
}

/** Collections in brackets, on one line. */
class Flow {
  readonly #text: string;
  readonly #resolve: PlainResolver;
  at: number;

  constructor(text: string, at: number, resolve: PlainResolver) {
    this.#text = text;
    this.at = at;
    this.#resolve = resolve;
  }

  value(depth: number): Value {
    if (depth > depthMax) throw unusual;
    switch (this.#text.charCodeAt(this.at)) {
      case 91:
        return this.#list(depth);
      case 123:
        return this.#map(depth);
      case 34:
      case 39: {
        const [text, end] = quotedAt(this.#text, this.at);
        this.at = end;
        return text;
      }
      default:
        return this.#resolve(this.#take(flowPlain)[0].trimEnd());
    }
  }

  #list(depth: number): Value[] {
    const list: Value[] = [];
    this.at += 1;
    this.#skip();
    if (this.#is(93)) return list;
    do {
      this.#skip();
      list.push(this.value(depth + 1));
      this.#skip();
    } while (this.#is(44));
    if (!this.#is(93)) throw unusual;
    return list;
  }

  #map(depth: number): Record<string, Value> {
    const map: Record<string, Value> = {};
    this.at += 1;
    this.#skip();
    if (this.#is(125)) return map;
    do {
      this.#skip();
      const key = this.#take(flowKeyPattern)[1] ?? '';
      if (oddKey.test(key) || Object.hasOwn(map, key)) throw unusual;
      map[key] = this.value(depth + 1);
      this.#skip();
    } while (this.#is(44));
    if (!this.#is(125)) throw unusual;
    return map;
  }

  /** Steps over the character, if it is this one. */
  #is(code: number): boolean {
    if (this.#text.charCodeAt(this.at) !== code) return false;
    this.at += 1;
    return true;
  }

  #skip(): void {
    while (this.#text.charCodeAt(this.at) === 32) this.at += 1;
  }

  #take(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found === null) throw unusual;
    this.at = pattern.lastIndex;
    return found;
  }
}
