import type { CelProblem } from './cel.ts';

const openers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Positions in the text that lie in no string literal, with their characters. */
function* codeOf(text: string): Generator<readonly [number, string]> {
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === '\\') at += 1;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else yield [at, character];
  }
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** The usual mistakes, which the parser's own words tell of only from afar: brackets, one `=`, optional access. */
function findMistake(text: string): readonly [at: number, message: string] | undefined {
  const open: (readonly [number, string])[] = [];
  for (const [at, character] of codeOf(text)) {
    const next = text[at + 1];
    const last = open.at(-1);
    if (openers[character] !== undefined) open.push([at, character]);
    else if (Object.values(openers).includes(character)) {
      if (!last || openers[last[1]] !== character) return [at, `${character} closes nothing`];
      open.pop();
    } else if (character === '=' && next !== '=' && !'=!<>'.includes(text[at - 1] ?? ' '))
      return [at, '= is no operator: compare with =='];
    else if ((character === '.' || character === '[') && next === '?')
      return [at, 'optional access (.?) is not supported: ask with has()'];
  }
  const left = open.at(-1);
  return left && [left[0], `${left[1]} is never closed`];
}

/** A problem from what the parser threw. */
export function explainSyntax(text: string, thrown: unknown): CelProblem {
  if (text.trim() === '') return { message: 'is empty', line: 1, column: 1 };
  const mistake = findMistake(text);
  if (mistake) return { message: mistake[1], ...placeOf(text, mistake[0]) };
  const error = thrown as {
    readonly rawMessage?: unknown;
    readonly location?: { readonly start?: { readonly line?: number; readonly column?: number } };
  };
  const { line = 1, column = 1 } = error.location?.start ?? {};
  const said = typeof error.rawMessage === 'string' ? error.rawMessage : 'is nested too deeply';
  return { message: `is no valid CEL: ${said.slice(0, 200)}`, line, column };
}
