/**
 * Go's regular expressions (regexp/syntax, Perl flags, as regexp.Compile takes them), which differ from JavaScript's in what a character means: `[[:alpha:]]`, `\z`,
 * `\Q...\E` and `[]a]` are something else there, silently. Groups capture nothing: only whether a text matches is asked.
 */
import { type Letters, readLetters, SyntaxText } from './go-letters.ts';

export type Assertion = 'begin' | 'end' | 'beginOfLine' | 'endOfLine' | 'atWord' | 'notAtWord';

export type Pattern =
  | { readonly letter: Letters }
  | { readonly assert: Assertion }
  /** One after another. */
  | { readonly all: readonly Pattern[] }
  | { readonly either: readonly Pattern[] }
  | { readonly repeat: Pattern; readonly min: number; readonly max: number };

/** How letters are read from here to the end of the group. */
interface Flags {
  readonly fold: boolean;
  readonly dotAll: boolean;
  readonly lines: boolean;
}

const repeatMax = 1_000;
const depthMax = 200;

const assertions: Readonly<Record<string, Assertion>> = { A: 'begin', z: 'end', b: 'atWord', B: 'notAtWord' };

/** @throws GoSyntaxError. */
export function parseGoPattern(text: string): Pattern {
  const parser = new Parser(new SyntaxText(text));
  return parser.parse();
}

class Parser {
  readonly #text: SyntaxText;
  #flags: Flags = { fold: false, dotAll: false, lines: false };

  constructor(text: SyntaxText) {
    this.#text = text;
  }

  parse(): Pattern {
    const pattern = this.#alternatives(0);
    if (!this.#text.atEnd) throw this.#text.error('unexpected )');
    return pattern;
  }

  #alternatives(depth: number): Pattern {
    if (depth > depthMax) throw this.#text.error('groups are nested too deeply');
    const either: Pattern[] = [];
    do either.push(this.#sequence(depth));
    while (this.#text.take('|'));
    const [only] = either;
    return either.length === 1 && only !== undefined ? only : { either };
  }

  #sequence(depth: number): Pattern {
    const all: Pattern[] = [];
    while (!this.#text.atEnd && !this.#text.sees('|') && !this.#text.sees(')')) {
      if (this.#text.take('\\Q')) {
        all.push(...this.#quoted());
        continue;
      }
      const atom = this.#atom(depth);
      if (atom !== undefined) all.push(this.#repeated(atom));
    }
    return { all };
  }

  /** What stands between `\Q` and `\E`; a repetition counts for the last letter. */
  #quoted(): readonly Pattern[] {
    const letters: Pattern[] = [];
    while (!this.#text.atEnd && !this.#text.take('\\E')) letters.push(this.#letter(this.#text.next()));
    const last = letters.pop();
    return last === undefined ? [] : [...letters, this.#repeated(last)];
  }

  /** Undefined: flags alone. */
  #atom(depth: number): Pattern | undefined {
    const text = this.#text;
    if (text.take('(')) return this.#group(depth);
    if (text.take('.')) return { letter: this.#flags.dotAll ? () => true : (point) => point !== 0x0a };
    if (text.take('^')) return { assert: this.#flags.lines ? 'beginOfLine' : 'begin' };
    if (text.take('$')) return { assert: this.#flags.lines ? 'endOfLine' : 'end' };
    if (text.sees('*') || text.sees('+') || text.sees('?') || this.#count() !== undefined)
      throw text.error('there is nothing to repeat');
    for (const [name, assert] of Object.entries(assertions)) if (text.take(`\\${name}`)) return { assert };
    const letters = readLetters(text, this.#flags.fold);
    return letters === undefined ? this.#letter(text.next()) : { letter: letters };
  }

  #letter(point: number): Pattern {
    const text = String.fromCodePoint(point);
    if (!this.#flags.fold) return { letter: (one) => one === point };
    const alike = new Set([text, text.toLowerCase(), text.toUpperCase()]);
    return { letter: (one) => alike.has(String.fromCodePoint(one)) };
  }

  #group(depth: number): Pattern | undefined {
    const text = this.#text;
    const before = this.#flags;
    if (text.take('?') && !text.takeMatch(/^P?<\w+>/)) {
      const [found, on = '', off = '', end] = text.takeMatch(/^([imsU]*)(?:-([imsU]+))?([:)])/) ?? [];
      if (found === undefined || found === ')') throw text.error('a group of an unknown kind');
      const set = (flag: string, was: boolean) => (on.includes(flag) || was) && !off.includes(flag);
      const { fold, dotAll, lines } = before;
      this.#flags = { fold: set('i', fold), dotAll: set('s', dotAll), lines: set('m', lines) };
      if (end === ')') return undefined;
    }
    const pattern = this.#alternatives(depth + 1);
    if (!text.take(')')) throw text.error('a ) is missing');
    this.#flags = before;
    return pattern;
  }

  #repeated(atom: Pattern): Pattern {
    const range = this.#repetition();
    if (range === undefined) return atom;
    // Fewest or most first: the same texts match.
    this.#text.take('?');
    if (this.#repetition() !== undefined)
      throw this.#text.error('a repetition of a repetition without a group');
    const repeated = { repeat: atom, min: range[0], max: range[1] };
    if (!fits(repeated, repeatMax)) throw this.#text.error(`repetitions of more than ${repeatMax} in all`);
    return repeated;
  }

  #repetition(): readonly [min: number, max: number] | undefined {
    const text = this.#text;
    if (text.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (text.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (text.take('?')) return [0, 1];
    const count = this.#count();
    if (count === undefined) return undefined;
    text.takeMatch(/^\{[\d,]+\}/);
    const [min, max] = count;
    if (min > repeatMax || (max > repeatMax && max !== Number.POSITIVE_INFINITY) || min > max)
      throw text.error(`expected a count from 0 to ${repeatMax}`);
    return count;
  }

  /** Of `{2}`, `{2,}` and `{2,3}`; another brace is a letter. */
  #count(): readonly [min: number, max: number] | undefined {
    const [found, min, comma, max] = this.#text.match(/^\{(\d+)(,?)(\d*)\}/) ?? [];
    if (found === undefined || (comma === '' && max !== '')) return undefined;
    const last = comma === '' ? Number(min) : max === '' ? Number.POSITIVE_INFINITY : Number(max);
    return [Number(min), last];
  }
}

/** Whether counts within counts come to no more (regexp/syntax repeatIsValid). */
function fits(pattern: Pattern, times: number): boolean {
  if ('all' in pattern) return pattern.all.every((one) => fits(one, times));
  if ('either' in pattern) return pattern.either.every((one) => fits(one, times));
  if (!('repeat' in pattern) || pattern.max === 0) return true;
  const count = pattern.max === Number.POSITIVE_INFINITY ? pattern.min : pattern.max;
  return count <= times && fits(pattern.repeat, count > 0 ? Math.floor(times / count) : times);
}
