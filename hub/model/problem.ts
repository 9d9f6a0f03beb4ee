import type { ObjectKey } from '../../shared/manifest/object.ts';

/** Something wrong in what somebody wrote, said so that they can mend it. */
export interface Problem {
  readonly code:
    | 'invalid_manifest'
    | 'unsupported'
    | 'not_found'
    | 'conflict'
    /** A Project does not allow it. */
    | 'permission_denied'
    | 'resource_exhausted'
    /** Not here yet; nobody has to mend anything. */
    | 'unavailable'
    | 'internal';
  /** `apps/web/base/deployment.yaml`; empty where no file can be named. */
  readonly file: string;
  /** 1-based; 0 where unknown. */
  readonly line: number;
  /** `spec.placement.selector`; empty where none. */
  readonly field: string;
  /** What is wrong, what was expected, what to do. */
  readonly message: string;
  /** The rendered object that it is about, where a rule names one. */
  readonly object?: ProblemObject | undefined;
}

export interface ProblemObject {
  readonly key: ObjectKey;
  /** keyText of the identity before prefixes and suffixes. */
  readonly originId: string;
  readonly path: readonly (string | number)[];
}

/** `fleet/eu.yaml:12: spec.region: expected a string`. */
export function describeProblem(problem: Problem): string {
  const place =
    problem.file === '' ? '' : problem.line > 0 ? `${problem.file}:${problem.line}: ` : `${problem.file}: `;
  return place + (problem.field === '' ? '' : `${problem.field}: `) + problem.message;
}
