import { readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { createObjectReader, type ObjectReader } from './objects/object-reader.ts';
import type { PackCaches } from './objects/pack-file.ts';
import { emptyRepository, parseRefName, refNotFound } from './ref-name.ts';
import { sourceError } from './source-error.ts';

/** A repository on the hub's own disk, read where it is: nothing is copied, locked or written, its work tree is never looked at. */
export interface LocalRepository {
  readonly reader: ObjectReader;
  /** The object that a ref names now; it may be an annotated tag. @throws not_found (RefNotFound, EmptyRepository). */
  resolve(ref: string): Promise<string>;
}

const notARepository = (subject: string, cause?: unknown) =>
  sourceError('not_found', 'RepositoryNotFound', 'there is no Git repository at this path', {
    subject,
    cause,
  });

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (caught) {
    const code = (caught as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    if (code === 'EACCES' || code === 'EPERM')
      throw sourceError('permission_denied', 'PermissionDenied', 'the hub may not read this repository', {
        subject: path,
        cause: caught,
      });
    throw caught;
  }
}

/** The Git folder of a path: itself when bare, its `.git`, or where its `.git` file points (https://git-scm.com/docs/gitrepository-layout). */
async function findGitFolder(path: string, subject: string): Promise<string> {
  const inner = join(path, '.git');
  if ((await readText(join(inner, 'HEAD'))) !== undefined) return inner;
  const pointer = await readText(inner);
  const target = pointer && /^gitdir: (.+)$/m.exec(pointer)?.[1];
  if (target) return isAbsolute(target) ? target : resolve(path, target);
  if ((await readText(join(path, 'HEAD'))) === undefined) throw notARepository(subject);
  return path;
}

async function findAlternates(objects: string, depth = 0): Promise<readonly string[]> {
  const text = depth < 5 ? await readText(join(objects, 'info', 'alternates')) : undefined;
  const found: string[] = [];
  for (const line of (text ?? '').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const folder = isAbsolute(line) ? line : resolve(objects, line);
    found.push(folder, ...(await findAlternates(folder, depth + 1)));
  }
  return found;
}

/** Formats that would be read wrongly are refused by name. */
async function checkFormat(common: string, subject: string): Promise<void> {
  const text = (await readText(join(common, 'config'))) ?? '';
  if (/^\s*objectformat\s*=\s*"?sha256/im.test(text))
    throw sourceError(
      'unsupported',
      'Unsupported',
      'the repository has SHA-256 object names; only SHA-1 is supported',
      { subject },
    );
  if (/^\s*refstorage\s*=\s*"?reftable/im.test(text))
    throw sourceError(
      'unsupported',
      'Unsupported',
      'the repository keeps its refs in reftables; serve it over HTTP instead',
      { subject },
    );
}

async function packedRefs(common: string): Promise<ReadonlyMap<string, string>> {
  const refs = new Map<string, string>();
  for (const line of ((await readText(join(common, 'packed-refs'))) ?? '').split('\n')) {
    const match = /^([0-9a-f]{40}) (\S+)$/.exec(line);
    if (match?.[1] && match[2]) refs.set(match[2], match[1]);
  }
  return refs;
}

async function hasFiles(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.some((entry) => entry.isFile());
}

/** @throws not_found (RepositoryNotFound), permission_denied, unsupported. */
export async function openLocalRepository(
  path: string,
  subject: string,
  caches: PackCaches,
): Promise<LocalRepository> {
  const folder = await findGitFolder(path, subject);
  const commonText = await readText(join(folder, 'commondir'));
  const common = commonText === undefined ? folder : resolve(folder, commonText.trim());
  const objects = join(common, 'objects');
  await stat(objects).catch((cause: unknown) => {
    throw notARepository(subject, cause);
  });
  await checkFormat(common, subject);
  const reader = createObjectReader([objects, ...(await findAlternates(objects))], caches);

  const lookUp = async (name: string, packed: ReadonlyMap<string, string>): Promise<string | undefined> => {
    let at = name;
    for (let hops = 0; hops < 5; hops += 1) {
      const base = at.startsWith('refs/') ? common : folder;
      const text = (await readText(join(base, at)))?.trim() ?? packed.get(at);
      if (text === undefined || /^[0-9a-f]{40}$/.test(text)) return text;
      const next = /^ref: (\S+)$/.exec(text)?.[1];
      // A ref's name becomes a path: only names that stay inside may.
      if (!next?.startsWith('refs/') || next.split('/').includes('..')) return undefined;
      at = next;
    }
    return undefined;
  };

  return {
    reader,
    async resolve(ref) {
      const name = parseRefName(ref, subject);
      if (name.kind === 'commit') return name.sha;
      // Loose files are read after the packed ones: a `git pack-refs` in between moves a ref only that way, so that it is seen in one of them.
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const packed = await packedRefs(common);
        for (const candidate of name.kind === 'head' ? ['HEAD'] : name.candidates) {
          const oid = await lookUp(candidate, packed);
          if (oid) return oid;
        }
        if (attempt > 0 && packed.size === 0 && !(await hasFiles(join(common, 'refs'))))
          throw emptyRepository(subject);
      }
      throw refNotFound(ref, subject);
    },
  };
}
