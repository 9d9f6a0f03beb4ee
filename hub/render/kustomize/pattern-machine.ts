/** Runs a regular expression without ever stepping back: all ways at once, letter by letter (Thompson's construction), in time that grows with text and pattern only. */
import { isWordLetter, type Letters } from './go-letters.ts';
import type { Assertion, Pattern } from './go-pattern.ts';

type Step =
  | { readonly letter: Letters; readonly next: number }
  | { readonly assert: Assertion; readonly next: number }
  | { readonly split: readonly number[] }
  | { readonly matched: true };

/** The pattern has more steps than may be tried for each letter. */
export class PatternSizeError extends Error {}

const stepsMax = 10_000;

export class PatternMachine {
  readonly #steps: Step[] = [{ matched: true }];
  readonly #start: number;

  /** @throws PatternSizeError. */
  constructor(pattern: Pattern) {
    this.#start = this.#compile(pattern, 0);
  }

  /** Whether the pattern matches anywhere in the text. */
  test(text: string): boolean {
    const points = [...text].map((letter) => letter.codePointAt(0) ?? 0);
    let now = new Set<number>();
    for (let at = 0; at <= points.length; at += 1) {
      if (this.#reach(this.#start, now, points, at)) return true;
      const next = new Set<number>();
      const point = points[at];
      if (point === undefined) return false;
      for (const index of now) {
        const step = this.#steps[index];
        if (step === undefined || !('letter' in step) || !step.letter(point)) continue;
        if (this.#reach(step.next, next, points, at + 1)) return true;
      }
      now = next;
    }
    return false;
  }

  /** Adds what is reached without a letter. True: the end. */
  #reach(from: number, reached: Set<number>, points: readonly number[], at: number): boolean {
    const todo = [from];
    for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
      if (reached.has(index)) continue;
      reached.add(index);
      const step = this.#steps[index];
      if (step === undefined || 'letter' in step) continue;
      if ('matched' in step) return true;
      if ('split' in step) todo.push(...step.split);
      else if (holds(step.assert, points[at - 1], points[at])) todo.push(step.next);
    }
    return false;
  }

  /** The index of the pattern's first step, which leads to `next` in the end. */
  #compile(pattern: Pattern, next: number): number {
    if ('letter' in pattern) return this.#add({ letter: pattern.letter, next });
    if ('assert' in pattern) return this.#add({ assert: pattern.assert, next });
    if ('all' in pattern) return pattern.all.reduceRight((after, one) => this.#compile(one, after), next);
    if ('either' in pattern)
      return this.#add({ split: pattern.either.map((one) => this.#compile(one, next)) });
    return this.#repeat(pattern, next);
  }

  #repeat({ repeat, min, max }: Extract<Pattern, { readonly min: number }>, next: number): number {
    let first = next;
    if (max === Number.POSITIVE_INFINITY) {
      const again: number[] = [next];
      first = this.#add({ split: again });
      again.push(this.#compile(repeat, first));
    } else
      for (let count = min; count < max; count += 1)
        first = this.#add({ split: [next, this.#compile(repeat, first)] });
    for (let count = 0; count < min; count += 1) first = this.#compile(repeat, first);
    return first;
  }

  #add(step: Step): number {
    if (this.#steps.length >= stepsMax) throw new PatternSizeError('the pattern is too large');
    return this.#steps.push(step) - 1;
  }
}

function holds(assert: Assertion, before: number | undefined, after: number | undefined): boolean {
  switch (assert) {
    case 'begin':
      return before === undefined;
    case 'end':
      return after === undefined;
    case 'beginOfLine':
      return before === undefined || before === 0x0a;
    case 'endOfLine':
      return after === undefined || after === 0x0a;
    default: {
      const [left, right] = [before, after].map((point) => point !== undefined && isWordLetter(point));
      return (left !== right) === (assert === 'atWord');
    }
  }
}
