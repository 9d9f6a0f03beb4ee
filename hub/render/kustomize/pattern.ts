import { setFlagsFromString } from 'node:v8';
import { SelectorError } from './label-selector.ts';

const patternLengthMax = 512;

/** What can take more than a few steps for each letter: a group that is repeated, or several repetitions. */
const branching = /\)\s*[*+{]|[*+}].*[*+}]/s;

/**
 * A Go regular expression as a JavaScript one; undefined for none. Go's run in linear time and JavaScript's by trial, so a repetition of a repetition,
 * which can take for ever, is refused, and for whatever else tries too long V8 has a linear engine. @throws SelectorError.
 */
export function compilePattern(pattern: string | undefined, where: 'whole' | 'anywhere'): RegExp | undefined {
  if (pattern === undefined || pattern === '') return undefined;
  if (pattern.length > patternLengthMax) throw new SelectorError('the pattern is too long');
  if (/\([^()]*[*+}][^()]*\)\s*[*+{]/.test(pattern) || /\(\?[=!<]|\\[1-9]/.test(pattern))
    throw new SelectorError(
      `the pattern ${pattern} is not supported: it has a repetition within a repetition, or looks around`,
    );
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const body = flags === null ? pattern : pattern.slice(flags[0].length);
  if (branching.test(body)) allowLinearEngine();
  try {
    return new RegExp(where === 'whole' ? `^(?:${body})$` : body, flags?.[1] ?? '');
  } catch {
    throw new SelectorError(`${pattern} is no regular expression`);
  }
}

let allowed = false;

/**
 * After 50,000 steps back V8 begins anew with an engine that takes none (https://v8.dev/blog/non-backtracking-regexp). Only where a pattern may come to that: code
 * that Node keeps from one start to the next is compiled for the flags of its time.
 */
function allowLinearEngine(): void {
  if (allowed) return;
  allowed = true;
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
}
