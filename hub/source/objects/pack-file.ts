import { open, readFile, stat } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import type { Lru } from '../lru.ts';
import { sourceError } from '../source-error.ts';
import { applyDelta, deltaResultSize } from './delta.ts';
import { entryHeadBytes, type ObjectType, type PackEntry, parsePackEntry, wholeTypes } from './pack-entry.ts';
import { type PackIndex, parsePackIndex } from './pack-index.ts';

export interface GitObject {
  readonly type: ObjectType;
  readonly bytes: Buffer;
}

/** One pack on disk. Read in blocks through a shared cache: neither the pack nor a file handle is held. */
export interface PackFile {
  readonly path: string;
  readonly index: PackIndex;
  /** Size on disk. */
  readonly bytes: number;
  /** @throws data_loss (MirrorDamaged); resource_exhausted (TooLarge) when it has more than `bytesMax`. */
  readAt(offset: number, bytesMax: number): Promise<GitObject>;
}

/** Caches that all packs of all repositories share. */
export interface PackCaches {
  readonly blocks: Lru<Buffer>;
  readonly bases: Lru<GitObject>;
}

const blockBytes = 256 * 1024;
/** Git's own largest chain (pack.depth). */
const chainMax = 4096;
/** The largest object that is inflated at all: a delta's base may be larger than what is asked for, within reason. */
export const objectBytesMax = 256 * 1024 * 1024;

/** The mirror is set aside and fetched again for it. */
export function damaged(subject: string, cause?: unknown) {
  return sourceError(
    'data_loss',
    'MirrorDamaged',
    'a Git object cannot be read: the repository on disk is damaged',
    { subject, cause },
  );
}

export function tooLarge(subject: string, bytesMax: number) {
  return sourceError('resource_exhausted', 'TooLarge', `larger than the limit of ${bytesMax} bytes`, {
    subject,
    retry: false,
  });
}

/** Bytes of a file; fewer at its end. */
async function readRange(path: string, from: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function blockReader(path: string, id: string, size: number, blocks: Lru<Buffer>) {
  const block = async (index: number): Promise<Buffer> => {
    const key = `${id}:${index}`;
    const known = blocks.get(key);
    if (known) return known;
    const data = await readRange(path, index * blockBytes, Math.min(blockBytes, size - index * blockBytes));
    blocks.set(key, data, data.length);
    return data;
  };
  /** Most reads are of the block before: the one file after the other. */
  let recent: { readonly index: number; readonly data: Buffer } | undefined;
  return async (from: number, to: number): Promise<Buffer> => {
    const end = Math.min(to, size);
    if (from >= end) return Buffer.alloc(0);
    const first = Math.floor(from / blockBytes);
    const last = Math.floor(Math.max(from, end - 1) / blockBytes);
    const start = first * blockBytes;
    if (first === last) {
      if (recent?.index !== first) recent = { index: first, data: await block(first) };
      return recent.data.subarray(from - start, end - start);
    }
    if (last - first > 4) return readRange(path, from, end - from);
    const parts: Buffer[] = [];
    for (let index = first; index <= last; index += 1) parts.push(await block(index));
    return Buffer.concat(parts).subarray(from - start, end - start);
  };
}

const smallBytesMax = 64 * 1024;

/** What zlib makes of that many bytes at most (`deflateBound` of zlib.h). Others may make more of them. */
const deflatedBytesMax = (bytes: number): number => bytes + (bytes >>> 12) + (bytes >>> 14) + 64;

/** `shape`: zlib's own error for an end within the data. */
const isUnfinished = (caught: unknown): boolean => (caught as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';

/** Reads the objects of a pack whose index is known. `id` is its part of the caches' keys. */
export function createPackReader(
  path: string,
  id: string,
  size: number,
  index: Pick<PackIndex, 'offsetOf' | 'nextOffset'>,
  caches: PackCaches,
): PackFile['readAt'] {
  const read = blockReader(path, id, size, caches.blocks);

  const inflateRange = async (entry: PackEntry, end: number): Promise<Buffer> =>
    inflateSync(await read(entry.dataAt, end), {
      maxOutputLength: Math.max(1, entry.size),
      chunkSize: Math.min(Math.max(64, entry.size + 64), 1024 * 1024),
    });

  /** Where an object ends is told by the order of all objects of the pack: a small one is rather read with what follows it, which zlib leaves alone. */
  const inflateEntry = async (entry: PackEntry, offset: number): Promise<Buffer> => {
    if (entry.size <= smallBytesMax) {
      const end = Math.min(entry.dataAt + deflatedBytesMax(entry.size), size - 20);
      try {
        return await inflateRange(entry, end);
      } catch (caught) {
        if (!isUnfinished(caught)) throw caught;
      }
    }
    return inflateRange(entry, index.nextOffset(offset) ?? size - 20);
  };

  const inflate = async (entry: PackEntry, offset: number): Promise<Buffer> => {
    const data = await inflateEntry(entry, offset);
    if (data.length !== entry.size) throw damaged(path);
    return data;
  };

  const baseOf = (entry: PackEntry): number | undefined =>
    entry.baseOid === undefined ? entry.baseOffset : index.offsetOf(entry.baseOid);

  /** As a base of others. What is a part of a larger block is copied: the block would stay with it. */
  const keep = (offset: number, object: GitObject): GitObject => {
    const { bytes, type } = object;
    const own =
      bytes.buffer.byteLength <= 2 * bytes.length
        ? object
        : { type, bytes: Buffer.allocUnsafeSlow(bytes.length) };
    if (own !== object) bytes.copy(own.bytes);
    caches.bases.set(`${id}:${offset}`, own, bytes.length);
    return own;
  };

  /** Follows the deltas down to a whole object, then applies them upwards. */
  return async (start, bytesMax) => {
    const deltas: { readonly offset: number; readonly delta: Buffer }[] = [];
    let offset = start;
    let object: GitObject | undefined;
    while (!object) {
      object = caches.bases.get(`${id}:${offset}`);
      if (object) break;
      const entry = parsePackEntry(await read(offset, offset + entryHeadBytes), offset);
      if (!entry || deltas.length > chainMax) throw damaged(path);
      if (entry.size > (deltas.length === 0 ? bytesMax : objectBytesMax)) throw tooLarge(path, bytesMax);
      const data = await inflate(entry, offset);
      const type = wholeTypes[entry.type];
      if (type) {
        object = { type, bytes: data };
        break;
      }
      if (deltas.length === 0 && (deltaResultSize(data) ?? 0) > bytesMax) throw tooLarge(path, bytesMax);
      deltas.push({ offset, delta: data });
      const base = baseOf(entry);
      if (base === undefined) throw damaged(path);
      offset = base;
    }
    if (deltas.length > 0) object = keep(offset, object);
    for (const { offset: at, delta } of deltas.reverse()) {
      if ((deltaResultSize(delta) ?? Number.POSITIVE_INFINITY) > objectBytesMax)
        throw tooLarge(path, bytesMax);
      const bytes = applyDelta(object.bytes, delta);
      if (!bytes) throw damaged(path);
      object = keep(at, { type: object.type, bytes });
    }
    if (object.bytes.length > bytesMax) throw tooLarge(path, bytesMax);
    return object;
  };
}

/** Opens a pack by its index. @throws data_loss when the index cannot be read, or the pack is not the one it was made for. */
export async function openPack(indexPath: string, path: string, caches: PackCaches): Promise<PackFile> {
  const { size, mtimeMs, ino } = await stat(path);
  const index = parsePackIndex(await readFile(indexPath));
  const trailer = size >= 32 ? (await readRange(path, size - 20, 20)).toString('hex') : '';
  if (!index || trailer !== index.packChecksum) throw damaged(path);
  // A pack that was written anew under the same name must not meet blocks of the old one.
  const id = `${path}:${ino}:${mtimeMs}:${size}`;
  return { path, index, bytes: size, readAt: createPackReader(path, id, size, index, caches) };
}
