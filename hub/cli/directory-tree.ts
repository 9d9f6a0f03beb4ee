/** A plain directory as a TreeReader, so that `fairway render --path` builds what is on disk, committed or not. */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import type { TreeEntry, TreeReader } from '../model/tree.ts';

/** A file larger than this is refused, as the hub does. */
const fileBytesMax = 16 * 1024 * 1024;

/**
 * Reads below `top` only; symbolic links are given as such and never followed. Object ids are digests of content: the tree is expected to hold still
 * while it is read.
 */
export function createDirectoryTree(top: string): TreeReader {
  const base = resolve(top);
  const locate = (path: string): string => {
    const full = resolve(base, path);
    if (full !== base && !full.startsWith(base.endsWith(sep) ? base : base + sep))
      throw new FairwayError('invalid_argument', 'the path leads out of the folder', { subject: path });
    return full;
  };
  const entry = async (path: string): Promise<TreeEntry | undefined> => {
    const full = locate(path);
    const stat = await lstat(full).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw toFairwayError(error, path);
    });
    if (stat === undefined) return undefined;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (stat.isDirectory()) return { name, type: 'directory', oid: await digestDirectory(full) };
    if (stat.isSymbolicLink()) return { name, type: 'symlink', oid: digest(await readlink(full)) };
    if (!stat.isFile()) return undefined;
    return { name, type: 'file', oid: digest(await readBounded(full, path)) };
  };
  return {
    name: base,
    commit: 'working-directory',
    entry,
    async list(path) {
      const full = locate(path);
      const names = await readdir(full).catch((error: NodeJS.ErrnoException) => {
        const code = error.code === 'ENOTDIR' ? 'invalid_argument' : 'not_found';
        throw new FairwayError(code, `${path || base} is no folder`, { subject: path, cause: error });
      });
      const entries = await Promise.all(
        names.filter((name) => name !== '.git').map((name) => entry(path === '' ? name : `${path}/${name}`)),
      );
      return entries.filter((one) => one !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async read(path) {
      const full = locate(path);
      try {
        const stat = await lstat(full);
        if (stat.isSymbolicLink()) return new TextEncoder().encode(await readlink(full));
        return await readBounded(full, path);
      } catch (error) {
        if (error instanceof FairwayError) throw error;
        throw new FairwayError('not_found', `${path} cannot be read`, { subject: path, cause: error });
      }
    },
  };
}

function digest(content: string | Uint8Array): string {
  return createHash('sha1').update(content).digest('hex');
}

/** By the names, sizes and times of all below it: cheap, and it changes when anything does. */
async function digestDirectory(full: string): Promise<string> {
  const hash = createHash('sha1');
  const names = (await readdir(full, { recursive: true })).filter(
    (name) => !name.split(sep).includes('.git'),
  );
  for (const name of names.sort()) {
    const { size, mtimeMs, mode } = await lstat(join(full, name));
    hash.update(`${name}\0${size}\0${mtimeMs}\0${mode}\n`);
  }
  return hash.digest('hex');
}

async function readBounded(full: string, path: string): Promise<Uint8Array> {
  const { size } = await lstat(full);
  if (size > fileBytesMax)
    throw new FairwayError('resource_exhausted', `${path} is larger than ${fileBytesMax} bytes`, {
      subject: path,
      retry: false,
    });
  return readFile(full);
}
