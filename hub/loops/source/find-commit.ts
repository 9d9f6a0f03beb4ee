import { FairwayError } from '../../../shared/error/error.ts';
import type { GitSource } from '../../source/git-source.ts';

/** How far back a shortened commit id is looked for. */
const logMax = 5_000;
/** Steps of `~N`. */
const stepsMax = 1_000;

export interface FindCommitRequest {
  readonly source: GitSource;
  readonly url: string;
  /** A branch, tag, commit id (seven digits or more), `HEAD` or nothing for the default branch; with `~N` and `^` as Git counts first parents. */
  readonly revision: string;
  /** Where names are looked for besides branches and tags: `refs/remotes/` in a clone, for `origin/main`. */
  readonly folders?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/**
 * The commit that a revision names now, brought here when it is not: a branch is asked of the remote, a commit only when it is not known.
 * @throws invalid_argument, not_found, and what a fetch throws.
 */
export async function findCommit(request: FindCommitRequest): Promise<string> {
  const { source, url, revision } = request;
  const [, name = '', steps = ''] = /^(.*?)((?:~\d*|\^)*)$/s.exec(revision) ?? [];
  let sha = await findNamed({ ...request, revision: name });
  for (let left = countSteps(steps, revision); left > 0; left -= 1) {
    const [parent] = (await source.commit(url, sha)).parents;
    if (parent === undefined)
      throw new FairwayError('not_found', `${revision} goes back beyond the first commit`);
    sha = parent;
  }
  return sha;
}

function countSteps(steps: string, revision: string): number {
  let count = 0;
  for (const [step] of steps.matchAll(/~\d*|\^/g)) count += step.length < 2 ? 1 : Number(step.slice(1));
  if (count > stepsMax)
    throw new FairwayError('invalid_argument', `${revision} goes back more than ${stepsMax} commits`);
  return count;
}

async function findNamed(request: FindCommitRequest): Promise<string> {
  const { source, url, revision, signal } = request;
  const lower = revision.toLowerCase();
  if (/^[0-9a-f]{40}$/.test(lower) && (await isHere(source, url, lower))) return lower;
  try {
    return (await source.fetch({ url, ref: revision, signal })).head;
  } catch (caught) {
    if (!isMissing(caught)) throw caught;
    for (const folder of request.folders ?? []) {
      const found = await tryFetch(request, folder + revision);
      if (found) return found;
    }
    if (!/^[0-9a-f]{7,39}$/.test(lower)) throw caught;
    return findByPrefix({ ...request, revision: lower }, caught);
  }
}

function isMissing(caught: unknown): caught is FairwayError {
  return caught instanceof FairwayError && caught.code === 'not_found';
}

async function tryFetch(
  { source, url, signal }: FindCommitRequest,
  ref: string,
): Promise<string | undefined> {
  try {
    return (await source.fetch({ url, ref, signal })).head;
  } catch (caught) {
    if (isMissing(caught)) return undefined;
    throw caught;
  }
}

async function isHere(source: GitSource, url: string, sha: string): Promise<boolean> {
  try {
    await source.commit(url, sha);
    return true;
  } catch (caught) {
    if (isMissing(caught)) return false;
    throw caught;
  }
}

/** Among the commits of the default branch. */
async function findByPrefix(
  { source, url, revision, signal }: FindCommitRequest,
  notFound: FairwayError,
): Promise<string> {
  const { head } = await source.fetch({ url, ref: '', signal });
  const commits = await source.log(url, head, undefined, logMax);
  const found = commits.filter(({ sha }) => sha.startsWith(revision));
  if (found.length > 1)
    throw new FairwayError('invalid_argument', `${revision} names ${found.length} commits: give more digits`);
  if (!found[0]) throw notFound;
  return found[0].sha;
}
