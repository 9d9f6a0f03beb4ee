/** What Git said: commits and the Revision that they make together. */

export interface Person {
  readonly name: string;
  readonly email: string;
  /** Unix milliseconds. */
  readonly timeMs: number;
}

export interface Commit {
  /** 40 hex digits. */
  readonly sha: string;
  readonly author: Person;
  readonly committer: Person;
  /** Whole message, at most 8 KiB kept. */
  readonly message: string;
  readonly parents: readonly string[];
}

/** `name@ref` of a repository resource; the root repository is the empty name. */
export type SourceKey = string;

/** The root's own repository in places that name repositories. */
export const rootRepository = '';

/** Names what is followed: `repository@ref`. */
export function sourceKeyOf(repository: string, ref: string): SourceKey {
  return `${repository}@${ref}`;
}

/** One state of everything in Git: the fleet commit plus one commit per further source. */
export interface Revision {
  /** Digest of commit and sources; equal to the commit's sha while no further source is followed. */
  readonly id: string;
  readonly commit: Commit;
  readonly ref: string;
  readonly sources: Readonly<Record<SourceKey, string>>;
  /** When the hub first saw it. */
  readonly seenAtMs: number;
  /** Absent: nothing was rendered of it, or by an earlier version. */
  readonly rendering?: RevisionRendering;
}

/** What it took to render a revision, over all looks at it, and what came of the last. */
export interface RevisionRendering {
  /** Folders that were built and charts that were run: what was remembered does not count. */
  readonly directoriesBuilt: number;
  readonly filesRead: number;
  readonly filesParsed: number;
  readonly bytesParsed: number;
  /** Applications in clusters, those that could be rendered. */
  readonly placements: number;
  /** Different results among them: placements beyond that share one. */
  readonly sets: number;
}
