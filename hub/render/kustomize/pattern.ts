import { SelectorError } from './label-selector.ts';

const patternLengthMax = 512;

/**
 * A Go regular expression as a JavaScript one; undefined for none. Go's run in linear time and JavaScript's do not, so a repetition of a repetition,
 * which can take for ever, is refused. @throws SelectorError.
 */
export function compilePattern(pattern: string | undefined, where: 'whole' | 'anywhere'): RegExp | undefined {
  if (pattern === undefined || pattern === '') return undefined;
  if (pattern.length > patternLengthMax) throw new SelectorError('the pattern is too long');
  if (/\([^()]*[*+}][^()]*\)\s*[*+{]/.test(pattern) || /\(\?[=!<]|\\[1-9]/.test(pattern))
    throw new SelectorError(
      `the pattern ${pattern} is not supported: it has a repetition within a repetition, or looks around`,
    );
  const flags = /^\(\?([is]+)\)/.exec(pattern);
  const body = flags === null ? pattern : pattern.slice(flags[0].length);
  try {
    return new RegExp(where === 'whole' ? `^(?:${body})$` : body, flags?.[1] ?? '');
  } catch {
    throw new SelectorError(`${pattern} is no regular expression`);
  }
}
