/**
 * Paths in the way of jq, as Argo CD's `jqPathExpressions` has them, for fields that a JSON pointer cannot name. A stated part of jq:
 * `.name`, `."a b"`, `["name"]`, `[0]`, `[-1]`, `[]`, each with an optional `?`, and `| select(CONDITION)`, after which a path may go on. A condition compares a path
 * with a literal (`.name == "x"`, `!=`), asks a text (`.name | startswith("x")`, `endswith`, `contains`), or joins such by `and`, `or`. https://jqlang.org/manual/
 */
import type { Json, JsonObject } from './object.ts';

type Step =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'item'; readonly index: number }
  | { readonly kind: 'each' }
  | { readonly kind: 'select'; readonly holds: (value: Json) => boolean };

export interface JqPath {
  readonly steps: readonly Step[];
}
export type ParsedJqPath =
  | { readonly ok: true; readonly path: JqPath }
  | { readonly ok: false; readonly message: string };

const supported =
  'supported are .name, ["name"], [0], [] and | select(.name == "x"), with !=, and, or, startswith, endswith, contains';

class JqSyntaxError extends Error {}

const tokenPattern =
  /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|(==|!=|[.[\]|()?]))/y;

interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'sign';
  readonly text: string;
  readonly at: number;
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  const end = text.trimEnd().length;
  while (tokenPattern.lastIndex < end) {
    const at = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (!match) throw new JqSyntaxError(`cannot be read at "${text.slice(at, at + 20).trim()}"`);
    const [, quoted, number, word, sign] = match;
    const kind = quoted ? 'text' : number ? 'number' : word ? 'word' : 'sign';
    tokens.push({ kind, text: quoted ?? number ?? word ?? sign ?? '', at });
  }
  return tokens;
}

interface Reader {
  readonly peek: (ahead?: number) => Token | undefined;
  /** Takes the next token if it is that sign or word. */
  readonly take: (text: string) => boolean;
  readonly expect: (text: string) => void;
  readonly next: () => Token;
}

function createReader(tokens: readonly Token[]): Reader {
  let at = 0;
  const fail = (wanted: string): never => {
    const found = tokens[at];
    throw new JqSyntaxError(`expected ${wanted}, found ${found ? `"${found.text}"` : 'its end'}`);
  };
  const take = (text: string) => {
    const token = tokens[at];
    if (token?.text !== text || token.kind === 'text') return false;
    at += 1;
    return true;
  };
  return {
    peek: (ahead = 0) => tokens[at + ahead],
    take,
    expect: (text) => {
      if (!take(text)) fail(`"${text}"`);
    },
    next: () => {
      const token = tokens[at] ?? fail('more');
      at += 1;
      return token;
    },
  };
}

function unquote(token: Token): string {
  try {
    return JSON.parse(token.text) as string;
  } catch {
    throw new JqSyntaxError(`${token.text} is no text as JSON has it`);
  }
}

function readBracket(reader: Reader): Step {
  if (reader.take(']')) return { kind: 'each' };
  const token = reader.next();
  reader.expect(']');
  if (token.kind === 'text') return { kind: 'member', name: unquote(token) };
  if (token.kind === 'number' && /^-?\d+$/.test(token.text))
    return { kind: 'item', index: Number(token.text) };
  throw new JqSyntaxError(`[${token.text}] is not supported; ${supported}`);
}

/** `.a.b[0]["c"][]`; `.` alone is the value itself. */
function readSteps(reader: Reader): readonly Step[] {
  const steps: Step[] = [];
  for (;;) {
    if (reader.take('.')) {
      const token = reader.peek();
      if (token?.kind === 'word' || token?.kind === 'text') {
        reader.next();
        steps.push({ kind: 'member', name: token.kind === 'word' ? token.text : unquote(token) });
      } else if (token?.text !== '[' && steps.length > 0) throw new JqSyntaxError('a dot leads nowhere');
    } else if (reader.take('[')) steps.push(readBracket(reader));
    else return steps;
    // What is not there is no error anyway.
    reader.take('?');
  }
}

type Condition = (value: Json) => boolean;

const textTests: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startswith: (text, part) => text.startsWith(part),
  endswith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
};

function readLiteral(reader: Reader): Json {
  const token = reader.next();
  if (token.kind === 'text') return unquote(token);
  if (token.kind === 'number') return Number(token.text);
  const words: Readonly<Record<string, Json>> = { true: true, false: false, null: null };
  if (token.kind === 'word' && Object.hasOwn(words, token.text)) return words[token.text] ?? null;
  throw new JqSyntaxError(`expected a text, number, true, false or null, found "${token.text}"`);
}

function readComparison(reader: Reader): Condition {
  if (reader.take('(')) {
    const inner = readCondition(reader);
    reader.expect(')');
    return inner;
  }
  if (reader.peek()?.text !== '.') throw new JqSyntaxError(`expected a path in select(); ${supported}`);
  const steps = readSteps(reader);
  const firstOf = (value: Json): Json => findAll(value, steps)[0]?.value ?? null;
  if (reader.take('|')) {
    const name = reader.next().text;
    const test = textTests[name];
    if (!test) throw new JqSyntaxError(`${name} is not supported in select(); ${supported}`);
    reader.expect('(');
    const part = readLiteral(reader);
    reader.expect(')');
    return (value) => {
      const found = firstOf(value);
      return typeof found === 'string' && typeof part === 'string' && test(found, part);
    };
  }
  const equal = reader.take('==');
  if (!equal && !reader.take('!=')) throw new JqSyntaxError('expected == or != in select()');
  const literal = readLiteral(reader);
  return (value) => (firstOf(value) === literal) === equal;
}

/** `and` binds closer than `or`, as in jq. */
function readCondition(reader: Reader): Condition {
  const readAll = (): Condition => {
    let holds = readComparison(reader);
    while (reader.take('and')) {
      const [left, right] = [holds, readComparison(reader)];
      holds = (value) => left(value) && right(value);
    }
    return holds;
  };
  let holds = readAll();
  while (reader.take('or')) {
    const [left, right] = [holds, readAll()];
    holds = (value) => left(value) || right(value);
  }
  return holds;
}

function readPath(reader: Reader): readonly Step[] {
  if (reader.peek()?.text !== '.') throw new JqSyntaxError(`begins with a dot; ${supported}`);
  const steps = [...readSteps(reader)];
  while (reader.take('|')) {
    if (reader.take('select')) {
      reader.expect('(');
      const holds = readCondition(reader);
      reader.expect(')');
      steps.push({ kind: 'select', holds }, ...readSteps(reader));
    } else if (reader.peek()?.text === '.') steps.push(...readSteps(reader));
    else throw new JqSyntaxError(`${reader.next().text} is not supported; ${supported}`);
  }
  const left = reader.peek();
  if (left) throw new JqSyntaxError(`"${left.text}" is not supported here; ${supported}`);
  if (!steps.some(({ kind }) => kind !== 'select')) throw new JqSyntaxError('names the whole object');
  return steps;
}

/** Pure; never throws. */
export function parseJqPath(text: string): ParsedJqPath {
  try {
    return { ok: true, path: { steps: readPath(createReader(tokenize(text))) } };
  } catch (caught) {
    if (caught instanceof JqSyntaxError) return { ok: false, message: caught.message };
    throw caught;
  }
}

interface Found {
  readonly pointer: string;
  readonly value: Json;
}

function stepInto({ pointer, value }: Found, step: Step): readonly Found[] {
  if (step.kind === 'select') return step.holds(value) ? [{ pointer, value }] : [];
  if (value === null || typeof value !== 'object') return [];
  const list = Array.isArray(value) ? (value as readonly Json[]) : undefined;
  if (step.kind === 'each') {
    const entries = list ? list.entries() : Object.entries(value as JsonObject);
    return [...entries].map(([name, item]) => below(pointer, String(name), item ?? null));
  }
  if (step.kind === 'item') {
    const index = step.index < 0 ? (list?.length ?? 0) + step.index : step.index;
    const item = list?.[index];
    return item === undefined ? [] : [below(pointer, String(index), item)];
  }
  const member = list ? undefined : (value as JsonObject)[step.name];
  return member === undefined ? [] : [below(pointer, step.name, member)];
}

function below(pointer: string, name: string, value: Json): Found {
  return { pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, value };
}

function findAll(value: Json, steps: readonly Step[]): readonly Found[] {
  return steps.reduce<readonly Found[]>(
    (found, step) => found.flatMap((one) => stepInto(one, step)),
    [{ pointer: '', value }],
  );
}

/** JSON pointers (RFC 6901) of all that the path names in the value; what is not there has none. */
export function findPointers(path: JqPath, value: Json): readonly string[] {
  return findAll(value, path.steps).map(({ pointer }) => pointer);
}
