import { FairwayError } from '../../shared/error/error.ts';
import type { Problem } from '../model/problem.ts';
import { describeWay } from './remote/circles.ts';

/** Where something was written. */
export interface Place {
  /** Path within the repository. */
  readonly file: string;
  /** 1-based; 0 where unknown. */
  readonly line: number;
}

/** An error that carries the Problem it becomes at the renderer's border. */
export function problemError(
  code: Problem['code'],
  place: Partial<Place> & { readonly field?: string },
  message: string,
): FairwayError {
  const problem: Problem = {
    code,
    file: place.file ?? '',
    line: place.line ?? 0,
    field: place.field ?? '',
    message,
  };
  return new FairwayError(code, message, { details: { problem }, retry: false });
}

/** The Problem inside an error made by problemError; undefined for any other. */
export function problemOf(caught: unknown): Problem | undefined {
  if (!(caught instanceof FairwayError)) return undefined;
  return caught.details?.['problem'] as Problem | undefined;
}

/** What the language itself throws: a fault of the renderer's, or a bound of the engine's, such as the depth of calls. */
const faults = [TypeError, RangeError, ReferenceError, SyntaxError, URIError];

/**
 * As problemOf, and for a fault of the renderer's own as well: what one application sets off must not stop the others. Says where it happened, not the fault's message,
 * which may hold a piece of what was read.
 */
export function problemOrFaultOf(caught: unknown): Problem | undefined {
  const problem = problemOf(caught);
  if (problem !== undefined || !(caught instanceof Error) || !faults.some((fault) => caught instanceof fault))
    return problem;
  const at = /\n\s+at (?:(?:async )?(\S+) \()?[^\n()]*\/([^\n/()]+:\d+):\d+\)?/.exec(caught.stack ?? '');
  const where = at === null ? '' : ` at ${[at[1], at[2]].filter((part) => part !== undefined).join(' ')}`;
  const message = `the renderer failed here (${caught.name}${where}): this is a fault of Fairway's, please report it`;
  return { code: 'internal', file: '', line: 0, field: '', message };
}

/** The same error, saying also by which way the file was reached: `overlays/eu -> base: ...`. */
export function withWay(caught: unknown, way: readonly string[]): unknown {
  const problem = problemOf(caught);
  if (problem === undefined || way.length < 2) return caught;
  const text = ` (by way of ${describeWay(way)})`;
  if (problem.message.includes(' (by way of ')) return caught;
  return problemError(problem.code, problem, problem.message + text);
}
