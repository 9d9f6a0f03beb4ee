/** Shell patterns of `${a#pattern}`: `*`, `?`, `[a-z]`, `[^a]`, a backslash before a character that is meant itself (fluxcd/pkg envsubst path/match.go). */
type Token = '*' | ((character: string) => boolean);

/** Lengths, in characters, of the beginnings of a text that the pattern matches as a whole, shortest first; undefined for a malformed pattern. */
export function matchingPrefixes(pattern: string, text: string): readonly number[] | undefined {
  const tokens = parsePattern([...pattern]);
  if (tokens === undefined) return undefined;
  const characters = [...text];
  let reached: boolean[] = characters.map(() => false);
  reached.unshift(true);
  for (const token of tokens) {
    if (token === '*') {
      const first = reached.indexOf(true);
      reached = reached.map((_, index) => first >= 0 && index >= first);
      continue;
    }
    reached = reached.map((_, index) => {
      const character = characters[index - 1];
      return character !== undefined && reached[index - 1] === true && token(character);
    });
  }
  return reached.flatMap((isReached, index) => (isReached ? [index] : []));
}

function parsePattern(pattern: readonly string[]): readonly Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const here = pattern[at];
    if (here === '*') tokens.push('*');
    else if (here === '?') tokens.push(() => true);
    else if (here === '[') {
      const parsed = parseClass(pattern, at + 1);
      if (parsed === undefined) return undefined;
      tokens.push(parsed.token);
      at = parsed.end;
    } else {
      if (here === '\\') at += 1;
      const meant = pattern[at];
      if (meant === undefined) return undefined;
      tokens.push((character) => character === meant);
    }
  }
  return tokens;
}

/** From after the `[` to the `]` at `end`. */
function parseClass(
  pattern: readonly string[],
  from: number,
): { readonly token: Token; readonly end: number } | undefined {
  const ranges: [string, string][] = [];
  let at = from;
  const negated = pattern[at] === '^';
  if (negated) at += 1;
  const one = (): string | undefined => {
    if (pattern[at] === '-' || pattern[at] === ']') return undefined;
    if (pattern[at] === '\\') at += 1;
    const character = pattern[at];
    at += 1;
    return character;
  };
  while (pattern[at] !== ']' || ranges.length === 0) {
    const low = one();
    if (low === undefined) return undefined;
    let high: string | undefined = low;
    if (pattern[at] === '-') {
      at += 1;
      high = one();
    }
    if (high === undefined || at >= pattern.length) return undefined;
    ranges.push([low, high]);
  }
  const token = (character: string): boolean =>
    ranges.some(([low, high]) => codeOf(low) <= codeOf(character) && codeOf(character) <= codeOf(high)) !==
    negated;
  return { token, end: at };
}

const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
