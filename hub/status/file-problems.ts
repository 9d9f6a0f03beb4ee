import type { Origin } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';

/** What is wrong with the fleet's files. */
export interface FileProblems {
  readonly byFile: ReadonlyMap<string, readonly Problem[]>;
  /** The commit whose fleet files were read last; undefined: not known. */
  readonly readCommit: string | undefined;
}

/** The problems of the resource's own file, if its newest text could not be read, so that an earlier one counts: a file holds several. */
export function ownProblems(
  origin: Origin | undefined,
  { byFile, readCommit }: FileProblems,
): readonly Problem[] {
  return origin === undefined || origin.commit === readCommit ? [] : (byFile.get(origin.file) ?? []);
}
