import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { type ErrorCode, FairwayError } from '../../../shared/error/error.ts';
import { createLru } from '../lru.ts';
import type { ObjectType } from './pack-entry.ts';
import { damaged, type GitObject, openPack, type PackCaches, type PackFile, tooLarge } from './pack-file.ts';

/** Reads objects of one repository by id, from packs and loose files; each is checked against its id. */
export interface ObjectReader {
  /** Undefined where there is no such object. @throws data_loss (MirrorDamaged), resource_exhausted (TooLarge). */
  read(oid: string, bytesMax: number): Promise<GitObject | undefined>;
  /** The packs that are there, the largest first. @throws data_loss (MirrorDamaged). */
  packs(): Promise<readonly PackFile[]>;
  /** Forgets the indexes; the next read looks at the disk anew. */
  refresh(): void;
}

/** @param bytesMax bound of pack blocks and delta bases kept, together. Of bases those count that the next objects of a walk stand on. */
export function createPackCaches(bytesMax: number): PackCaches {
  return { blocks: createLru((bytesMax * 3) / 4), bases: createLru(bytesMax / 8) };
}

const isMissing = (caught: unknown) => {
  const code = (caught as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
};

/** `shape`: zlib's own errors carry codes that start with `Z_`, and one of Node for output over the limit. */
function isZlibError(caught: unknown): boolean {
  const code = (caught as NodeJS.ErrnoException).code;
  return typeof code === 'string' && (code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE');
}

function verify(oid: string, object: GitObject): GitObject {
  const head = Buffer.from(`${object.type} ${object.bytes.length}\0`, 'latin1');
  if (hash('sha1', Buffer.concat([head, object.bytes])) !== oid) throw damaged(oid);
  return object;
}

async function readLoose(folder: string, oid: string, bytesMax: number): Promise<GitObject | undefined> {
  let deflated: Buffer;
  try {
    deflated = await readFile(join(folder, oid.slice(0, 2), oid.slice(2)));
  } catch (caught) {
    if (isMissing(caught)) return undefined;
    throw caught;
  }
  let data: Buffer;
  try {
    data = inflateSync(deflated, { maxOutputLength: bytesMax + 64 });
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(oid, bytesMax);
    throw damaged(oid, caught);
  }
  const end = data.indexOf(0);
  const match = /^(commit|tree|blob|tag) (\d+)$/.exec(
    data.toString('latin1', 0, Math.max(0, Math.min(end, 40))),
  );
  const bytes = data.subarray(end + 1);
  if (!match || Number(match[2]) !== bytes.length) throw damaged(oid);
  if (bytes.length > bytesMax) throw tooLarge(oid, bytesMax);
  return { type: match[1] as ObjectType, bytes };
}

async function listPacks(folder: string, caches: PackCaches): Promise<readonly PackFile[]> {
  const names = await readdir(join(folder, 'pack')).catch((caught: unknown) => {
    if (isMissing(caught)) return [];
    throw caught;
  });
  const packs: PackFile[] = [];
  for (const name of names) {
    if (!name.endsWith('.idx')) continue;
    const index = join(folder, 'pack', name);
    const pack = index.replace(/idx$/, 'pack');
    try {
      packs.push(await openPack(index, pack, caches));
    } catch (caught) {
      // Taken away by a repack since the listing: what it held is in another pack, found by the next listing.
      if (!isMissing(caught)) throw caught;
    }
  }
  // The largest first: most objects are there.
  return packs.sort((a, b) => b.index.objects - a.index.objects);
}

/** @param objectFolders `objects` folders, the repository's own first, then its alternates. */
export function createObjectReader(objectFolders: readonly string[], caches: PackCaches): ObjectReader {
  let packs: Promise<readonly PackFile[]> | undefined;

  const load = (): Promise<readonly PackFile[]> => {
    packs ??= Promise.all(objectFolders.map((folder) => listPacks(folder, caches))).then((lists) =>
      lists.flat(),
    );
    packs.catch(refresh);
    return packs;
  };
  const refresh = () => {
    packs = undefined;
  };

  const find = async (oid: string, bytesMax: number): Promise<GitObject | undefined> => {
    for (const pack of await load()) {
      const offset = pack.index.offsetOf(oid);
      if (offset !== undefined) return pack.readAt(offset, bytesMax);
    }
    for (const folder of objectFolders) {
      const object = await readLoose(folder, oid, bytesMax);
      if (object) return object;
    }
    return undefined;
  };

  /** A repack may have moved everything since packs were listed: anything missing or broken is looked for once more on a fresh listing. */
  const retried: readonly ErrorCode[] = ['data_loss', 'internal'];
  const attempt = async (oid: string, bytesMax: number): Promise<GitObject | FairwayError | undefined> => {
    try {
      const object = await find(oid, bytesMax);
      return object && verify(oid, object);
    } catch (caught) {
      if (caught instanceof FairwayError && retried.includes(caught.code)) return caught;
      if (isMissing(caught) || isZlibError(caught)) return damaged(oid, caught);
      throw caught;
    }
  };

  return {
    packs: load,
    refresh,
    async read(oid, bytesMax) {
      const first = await attempt(oid, bytesMax);
      if (first && !(first instanceof FairwayError)) return first;
      refresh();
      const second = await attempt(oid, bytesMax);
      if (second instanceof FairwayError) throw second;
      return second;
    },
  };
}
