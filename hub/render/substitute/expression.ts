/**
 * The grammar of `${...}` in Flux's post-build substitution (fluxcd/pkg envsubst parse/parse.go, 1.8), which is bash's parameter expansion in part. Two
 * forms differ on purpose: `${a-b}`, which its documentation lists and its parser refuses, is taken; `${a:+b}`, which its documentation calls
 * unsupported and its program takes for a default, is refused.
 */
export type Part = string | Call;

/** One `${...}`. */
export interface Call {
  readonly variable: string;
  /** `''` for the bare variable, else the operator as written, `length` for `${#a}`. */
  readonly operator: string;
  readonly operands: readonly Part[];
}

export type Parsed =
  | { readonly ok: true; readonly parts: readonly Part[] }
  | { readonly ok: false; readonly message: string };

/** `${a:=${b:=...}}` deeper than this is refused. */
const depthMax = 50;

class Refusal {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** Text in which nothing is to be done. */
export function isPlainText(text: string): boolean {
  return !text.includes('${') && !text.includes('$$');
}

/** `$$` stands for one dollar sign, so `$${a}` is the text `${a}`. Never throws. */
export function parseText(text: string): Parsed {
  const reader = new Reader(text);
  try {
    const parts: Part[] = [];
    while (!reader.atEnd()) {
      if (reader.take('${')) parts.push(parseCall(reader, 1));
      else parts.push(reader.until(() => false, '$'));
    }
    return { ok: true, parts };
  } catch (caught) {
    if (!(caught instanceof Refusal)) throw caught;
    return { ok: false, message: caught.message };
  }
}

/** All variables that a text names, at any depth. */
export function variablesIn(parts: readonly Part[], into: Set<string>): void {
  for (const part of parts) {
    if (typeof part === 'string') continue;
    into.add(part.variable);
    variablesIn(part.operands, into);
  }
}

class Reader {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#characters = [...text];
  }

  atEnd(): boolean {
    return this.#at >= this.#characters.length;
  }

  peek(ahead = 0): string {
    return this.#characters[this.#at + ahead] ?? '';
  }

  take(expected: string): boolean {
    const found = [...expected].every((character, index) => this.peek(index) === character);
    if (found) this.#at += expected.length;
    return found;
  }

  /** Up to a character that `stops`, the next `${`, or the end; `escapes` are the characters that hide one like them (`$`) or `/` and `\` (a backslash). */
  until(stops: (character: string) => boolean, escapes: '' | '$' | '$\\'): string {
    let text = '';
    for (; !this.atEnd(); this.#at += 1) {
      const [here, next] = [this.peek(), this.peek(1)];
      if (here === '$' && next === '{') break;
      const dollar = here === '$' && next === '$' && escapes !== '';
      const slash = here === '\\' && (next === '/' || next === '\\') && escapes === '$\\';
      if (dollar || slash) this.#at += 1;
      else if (stops(here)) break;
      text += this.peek();
    }
    return text;
  }
}

const isNameCharacter = (character: string): boolean => /^[\p{L}\p{Nd}_]$/u.test(character);

function readName(reader: Reader): string {
  const name = reader.until((character) => !isNameCharacter(character), '');
  if (name === '')
    throw new Refusal(
      `expected a variable's name after "\${", found ${JSON.stringify(reader.peek() || 'the end')}; write $\${ for a "\${" that is to stay`,
    );
  return name;
}

function close(reader: Reader, call: Call): Call {
  if (reader.take('}')) return call;
  throw new Refusal(
    `the "\${${call.variable}" is not closed as expected: found ${JSON.stringify(reader.peek() || 'the end')} for a "}"`,
  );
}

function parseCall(reader: Reader, depth: number): Call {
  if (depth > depthMax) throw new Refusal(`"\${" nested more than ${depthMax} deep`);
  if (reader.take('#')) {
    const variable = readName(reader);
    return close(reader, { variable, operator: 'length', operands: [] });
  }
  const variable = readName(reader);
  const next = reader.peek();
  if (next === ':' && /^[-=?+]$/.test(reader.peek(1))) return parseDefault(reader, variable, depth);
  if (next === '=' || next === '-') return parseDefault(reader, variable, depth);
  if (next === ':') return parsePart(reader, variable, depth);
  if (next === ',' || next === '^') return parseCase(reader, variable);
  if (next === '/') return parseReplace(reader, variable, depth);
  if (next === '#' || next === '%') {
    const operator = doubled(reader, next);
    return close(reader, { variable, operator, operands: [operand(reader, depth, isClosing, '')] });
  }
  if (next === '+') throw unsupported(variable, '+');
  return close(reader, { variable, operator: '', operands: [] });
}

const isClosing = (character: string): boolean => character === '}';

function unsupported(variable: string, operator: string): Refusal {
  return new Refusal(`the form "\${${variable}${operator}...}" is not supported`);
}

function doubled(reader: Reader, character: string): string {
  if (reader.take(character + character)) return character + character;
  reader.take(character);
  return character;
}

/** One operand: a nested `${...}` alone, or text that is not empty. */
function operand(
  reader: Reader,
  depth: number,
  stops: (character: string) => boolean,
  escapes: '' | '$\\',
): Part {
  if (reader.take('${')) return parseCall(reader, depth + 1);
  const text = reader.until(stops, escapes);
  if (text === '')
    throw new Refusal(
      `expected something before ${JSON.stringify(reader.peek() || 'the end')} in a "\${...}"`,
    );
  return text;
}

function parseDefault(reader: Reader, variable: string, depth: number): Call {
  let operator = reader.take(':') ? ':' : '';
  operator += reader.peek();
  if (operator === ':+') throw unsupported(variable, operator);
  reader.take(reader.peek());
  const operands: Part[] = [];
  while (!isClosing(reader.peek())) operands.push(operand(reader, depth, isClosing, ''));
  return close(reader, { variable, operator, operands });
}

function parsePart(reader: Reader, variable: string, depth: number): Call {
  reader.take(':');
  const start = operand(reader, depth, (character) => character === ':' || character === '}', '');
  if (!reader.take(':')) return close(reader, { variable, operator: ':', operands: [start] });
  while (reader.take(':'));
  const length = operand(reader, depth, isClosing, '');
  return close(reader, { variable, operator: ':', operands: [start, length] });
}

function parseCase(reader: Reader, variable: string): Call {
  return close(reader, { variable, operator: doubled(reader, reader.peek()), operands: [] });
}

function parseReplace(reader: Reader, variable: string, depth: number): Call {
  reader.take('/');
  const next = reader.peek();
  const operator = next === '/' || next === '#' || next === '%' ? `/${next}` : '/';
  if (operator !== '/') reader.take(next);
  const pattern = operand(reader, depth, (character) => character === '/', '$\\');
  if (!reader.take('/'))
    throw new Refusal(`expected "/" and a replacement in "\${${variable}${operator}...}"`);
  while (reader.take('/'));
  if (isClosing(reader.peek())) return close(reader, { variable, operator, operands: [pattern] });
  return close(reader, {
    variable,
    operator,
    operands: [pattern, operand(reader, depth, isClosing, '$\\')],
  });
}
