import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FairwayError } from '../../../shared/error/error.ts';
import { runGit } from './git-program.ts';

export interface CommitOptions {
  readonly message: string;
  /** `Ada Lovelace <ada@example.com>`. Default `Fairway Demo <demo@fairway.dev>`. */
  readonly author?: string;
  /** Author's and committer's time; default now. */
  readonly timeMs?: number;
}

/** A work tree, and the bare repository it pushes to. */
export interface FleetRepository {
  readonly workTree: string;
  readonly bare: string;
  /** Writes files (null deletes one) and commits them, with what else was staged; the new commit's id. Also when nothing changed. */
  commit(
    files: Readonly<Record<string, string | Uint8Array | null>>,
    options: CommitOptions,
  ): Promise<string>;
  /** Pushes a branch, the checked-out one by default. @param options force: may rewrite it. */
  push(branch?: string, options?: { readonly force?: boolean }): Promise<void>;
  /** Makes a commit that undoes another; its id. */
  revert(sha: string): Promise<string>;
  /** The checked-out commit. */
  head(): Promise<string>;
  /** Any other git command in the work tree. */
  git(...args: readonly string[]): Promise<string>;
}

export interface FleetRepositoryOptions {
  /** Both are made when missing. */
  readonly workTree: string;
  readonly bare: string;
  /** Default `main`. */
  readonly branch?: string;
  readonly gitBinary?: string;
}

const identity = {
  GIT_AUTHOR_NAME: 'Fairway Demo',
  GIT_AUTHOR_EMAIL: 'demo@fairway.dev',
  GIT_COMMITTER_NAME: 'Fairway Demo',
  GIT_COMMITTER_EMAIL: 'demo@fairway.dev',
};

function authorOf(author: string | undefined): Record<string, string> {
  if (author === undefined) return {};
  const match = /^(.+?) <([^<>]+)>$/.exec(author);
  if (!match?.[1] || !match[2])
    throw new FairwayError('invalid_argument', 'expected an author in the form `Name <address>`', {
      subject: author,
    });
  return { GIT_AUTHOR_NAME: match[1], GIT_AUTHOR_EMAIL: match[2] };
}

/** Makes (or takes up again) the two repositories, with the user's own Git configuration out of the way. */
export async function createFleetRepository(options: FleetRepositoryOptions): Promise<FleetRepository> {
  const { workTree, bare } = options;
  const branch = options.branch ?? 'main';
  await mkdir(workTree, { recursive: true });
  await mkdir(bare, { recursive: true });
  const run = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    runGit(args, { binary: options.gitBinary, cwd: workTree, environment: { ...identity, ...environment } });
  await run(['init', '--quiet', '--bare', `--initial-branch=${branch}`, bare]);
  await run(['init', '--quiet', `--initial-branch=${branch}`]);
  // A plain `git push` by hand goes there, too.
  await run(['config', 'remote.origin.url', bare]);
  await run(['config', `branch.${branch}.remote`, 'origin']);
  await run(['config', `branch.${branch}.merge`, `refs/heads/${branch}`]);
  const head = async () => (await run(['rev-parse', 'HEAD'])).trim();

  return {
    workTree,
    bare,
    head,
    git: (...args) => run(args),
    async commit(files, { message, author, timeMs }) {
      for (const [path, text] of Object.entries(files)) {
        const target = join(workTree, path);
        if (text === null) await rm(target, { force: true, recursive: true });
        else {
          await mkdir(dirname(target), { recursive: true });
          await writeFile(target, text);
        }
      }
      await run(['add', '--all']);
      const time = timeMs === undefined ? undefined : `@${Math.floor(timeMs / 1000)} +0000`;
      const times = time === undefined ? {} : { GIT_AUTHOR_DATE: time, GIT_COMMITTER_DATE: time };
      await run(['commit', '--quiet', '--allow-empty', '--message', message], {
        ...authorOf(author),
        ...times,
      });
      return head();
    },
    async push(name = 'HEAD', { force = false } = {}) {
      await run(['push', '--quiet', ...(force ? ['--force'] : []), bare, name]);
    },
    async revert(sha) {
      await run(['revert', '--no-edit', sha]);
      return head();
    },
  };
}
