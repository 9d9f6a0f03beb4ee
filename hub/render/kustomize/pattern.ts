import { GoSyntaxError } from './go-letters.ts';
import { parseGoPattern } from './go-pattern.ts';
import { SelectorError } from './label-selector.ts';
import { PatternMachine, PatternSizeError } from './pattern-machine.ts';

const patternLengthMax = 512;

export interface CompiledPattern {
  test(text: string): boolean;
}

/** Nothing in it means anything but itself. */
const plain = /^[\w /:@%=,;-]*$/;

/** A Go regular expression, as regexp.Compile takes it; undefined for none. @throws SelectorError. */
export function compilePattern(
  pattern: string | undefined,
  where: 'whole' | 'anywhere',
): CompiledPattern | undefined {
  if (pattern === undefined || pattern === '') return undefined;
  if (pattern.length > patternLengthMax) throw new SelectorError('the pattern is too long');
  if (plain.test(pattern))
    return { test: where === 'whole' ? (text) => text === pattern : (text) => text.includes(pattern) };
  try {
    // As kustomize anchors it: a \Q goes on to the end of it all.
    return new PatternMachine(parseGoPattern(where === 'whole' ? `^(?:${pattern})$` : pattern));
  } catch (caught) {
    if (!(caught instanceof GoSyntaxError || caught instanceof PatternSizeError)) throw caught;
    throw new SelectorError(`${pattern} is no regular expression: ${caught.message}`);
  }
}
