/** Who last wrote a line: given by hub/source from Git objects, told by hub/explain. */
import type { Commit } from './revision.ts';

/** Lines of one file that are asked for. */
export interface BlameFile {
  /** From the repository's top. */
  readonly path: string;
  /** 1-based; those that the file has not are left out of the answer. */
  readonly lines: readonly number[];
  /** The file as it lies on disk, after the commit: lines are counted in it, and those that the commit has not are left out of the answer. */
  readonly content?: Uint8Array | undefined;
}

/** The commit that last wrote a line. */
export interface BlamedLine {
  readonly commit: Commit;
  /** The file's path in that commit: another one where it was renamed since. */
  readonly path: string;
  /** Where the line stands in it. */
  readonly line: number;
  /**
   * The line was written in `commit` or before it: `shallow`, its parents are not here; `bounded`, the walk ended there at a limit of its own. Undefined: it was
   * written in `commit`.
   */
  readonly atOrBefore?: 'shallow' | 'bounded' | undefined;
}

/** By path, then by the line asked for, in order. Files that the commit has not are not in it. */
export type Blame = ReadonlyMap<string, ReadonlyMap<number, BlamedLine>>;
