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

/** The same error, saying also by which way the file was reached: `overlays/eu -> base: ...`. */
export function withWay(caught: unknown, way: readonly string[]): unknown {
  const problem = problemOf(caught);
  if (problem === undefined || way.length < 2) return caught;
  const text = ` (by way of ${describeWay(way)})`;
  if (problem.message.includes(' (by way of ')) return caught;
  return problemError(problem.code, problem, problem.message + text);
}
