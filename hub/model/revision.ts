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
}
