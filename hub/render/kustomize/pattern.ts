import { RE2JS, RE2JSSyntaxException } from 're2js';
import { SelectorError } from './label-selector.ts';

const patternLengthMax = 512;
/** Each of them may be tried for each letter of a text. */
const programSizeMax = 10_000;

export interface CompiledPattern {
  test(text: string): boolean;
}

/** Nothing in it means anything but itself. */
const plain = /^[\w /:@%=,;-]*$/;

/**
 * A Go regular expression, as regexp.Compile takes it; undefined for none. JavaScript's own would be neither: `[[:alpha:]]`, `\z` and `\Q` silently mean something else there, and
 * a repetition of a repetition takes time without a bound. @throws SelectorError.
 */
export function compilePattern(
  pattern: string | undefined,
  where: 'whole' | 'anywhere',
): CompiledPattern | undefined {
  if (pattern === undefined || pattern === '') return undefined;
  if (pattern.length > patternLengthMax) throw new SelectorError('the pattern is too long');
  if (plain.test(pattern))
    return { test: where === 'whole' ? (text) => text === pattern : (text) => text.includes(pattern) };
  // As kustomize anchors it: a \Q goes on to the end of it all.
  const compiled = compileGo(where === 'whole' ? `^(?:${pattern})$` : pattern, pattern);
  if (compiled.programSize() > programSizeMax)
    throw new SelectorError(`${pattern} is no regular expression: the pattern is too large`);
  return compiled;
}

function compileGo(text: string, pattern: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (caught) {
    if (!(caught instanceof RE2JSSyntaxException)) throw caught;
    throw new SelectorError(`${pattern} is no regular expression: ${caught.getDescription()}`);
  }
}
