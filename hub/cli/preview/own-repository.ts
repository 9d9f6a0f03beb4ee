/** The repository that a work tree is a clone of, for what names it by its address or another ref: bases of the fleet repository itself, and applications at a tag. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FairwayError } from '../../../shared/error/error.ts';
import { findCommit } from '../../loops/source/find-commit.ts';
import type { TreeReader } from '../../model/tree.ts';
import { createLocalSource } from './local-source.ts';

export interface OwnRepository {
  /** Where it was cloned from, without user information; empty where that is not known. */
  readonly url: string;
  /** The tree of another ref, as far as the clone has it: its own branches and tags, then those of `origin`. @throws unavailable where it has it not. */
  readonly treeAt: (ref: string, signal: AbortSignal) => Promise<TreeReader>;
}

const originFolder = 'refs/remotes/origin/';

/** @param top the folder that holds `.git`, or a bare repository. */
export async function openOwnRepository(top: string): Promise<OwnRepository> {
  const source = createLocalSource();
  const find = (revision: string, signal: AbortSignal): Promise<string> =>
    findCommit({ source, url: top, revision, folders: [originFolder], signal });
  return {
    url: originOf(await readConfig(top)),
    async treeAt(ref, signal) {
      try {
        // The default branch is the remote's, whatever is checked out here.
        const commit =
          ref === 'HEAD'
            ? await find(`${originFolder}HEAD`, signal).catch(() => find(ref, signal))
            : await find(ref, signal);
        return await source.tree(top, commit);
      } catch (caught) {
        if (!(caught instanceof FairwayError) || caught.code !== 'not_found') throw caught;
        throw new FairwayError('unavailable', `this clone has no ${ref}: git fetch origin ${ref}`, {
          cause: caught,
          retry: false,
        });
      }
    },
  };
}

/** Git's settings of a clone, a work tree of one (https://git-scm.com/docs/gitrepository-layout) or a bare repository; empty where there are none. */
async function readConfig(top: string): Promise<string> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => undefined);
  const pointer = /^gitdir: (.+)$/m.exec((await read(join(top, '.git'))) ?? '')?.[1];
  const folder = pointer === undefined ? join(top, '.git') : resolve(top, pointer);
  const common = resolve(folder, (await read(join(folder, 'commondir')))?.trim() ?? '.');
  return (await read(join(common, 'config'))) ?? (await read(join(top, 'config'))) ?? '';
}

/** The URL of `[remote "origin"]` (https://git-scm.com/docs/git-config#_syntax). */
function originOf(config: string): string {
  const lines = config.split('\n').map((line) => line.trim());
  const start = lines.indexOf('[remote "origin"]') + 1;
  const length = lines.slice(start).findIndex((line) => line.startsWith('['));
  const section = start === 0 ? [] : lines.slice(start, length < 0 ? undefined : start + length);
  const [url = ''] = section.flatMap((line) => /^url\s*=\s*"?(.*?)"?$/.exec(line)?.[1] ?? []);
  return url.replace(/^(https?:\/\/)[^/?#]*@/i, '$1');
}
