import { open, readFile, stat } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import { applyDelta, deltaResultSize } from './delta.ts';
import type { Lru } from './lru.ts';
import { type PackIndex, parsePackIndex } from './pack-index.ts';
import { sourceError } from './source-error.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

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
/** A delta's base may be larger than what is asked for, within reason. */
const baseBytesMax = 256 * 1024 * 1024;
const types: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };

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

interface Entry {
  readonly type: number;
  /** Declared size, inflated. */
  readonly size: number;
  /** Where the compressed bytes start. */
  readonly dataAt: number;
  readonly baseOffset: number | undefined;
  readonly baseOid: string | undefined;
}

/** The head of an object in a pack: type and size, then the base of a delta (https://git-scm.com/docs/pack-format#_pack_pack_files_have_the_following_format). */
function parseEntry(head: Buffer, offset: number): Entry | undefined {
  let at = 0;
  let byte = head[at++] ?? 0;
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let factor = 16; byte >= 0x80; factor *= 128) {
    byte = head[at++] ?? 0;
    size += (byte & 0x7f) * factor;
  }
  if (type === 7) {
    const baseOid = head.toString('hex', at, at + 20);
    return { type, size, dataAt: offset + at + 20, baseOffset: undefined, baseOid };
  }
  if (type !== 6)
    return types[type]
      ? { type, size, dataAt: offset + at, baseOffset: undefined, baseOid: undefined }
      : undefined;
  byte = head[at++] ?? 0;
  let distance = byte & 0x7f;
  while (byte >= 0x80 && at < head.length) {
    byte = head[at++] ?? 0;
    distance = (distance + 1) * 128 + (byte & 0x7f);
  }
  const baseOffset = offset - distance;
  return baseOffset < 12 || distance === 0
    ? undefined
    : { type, size, dataAt: offset + at, baseOffset, baseOid: undefined };
}

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
  return async (from: number, to: number): Promise<Buffer> => {
    const end = Math.min(to, size);
    const first = Math.floor(from / blockBytes);
    const last = Math.floor(Math.max(from, end - 1) / blockBytes);
    if (last - first > 4) return readRange(path, from, end - from);
    const parts: Buffer[] = [];
    for (let index = first; index <= last; index += 1) parts.push(await block(index));
    const whole = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    return whole.subarray(from - first * blockBytes, end - first * blockBytes);
  };
}

/** Opens a pack by its index. @throws data_loss when the index cannot be read, or the pack is not the one it was made for. */
export async function openPack(indexPath: string, packPath: string, caches: PackCaches): Promise<PackFile> {
  const { size, mtimeMs, ino } = await stat(packPath);
  // A pack that was written anew under the same name must not meet blocks of the old one.
  const id = `${packPath}:${ino}:${mtimeMs}:${size}`;
  const index = parsePackIndex(await readFile(indexPath));
  const read = blockReader(packPath, id, size, caches.blocks);
  const trailer = size >= 32 ? (await readRange(packPath, size - 20, 20)).toString('hex') : '';
  if (!index || trailer !== index.packChecksum) throw damaged(packPath);

  const inflate = async (entry: Entry, offset: number): Promise<Buffer> => {
    const end = index.nextOffset(offset) ?? size - 20;
    const data = inflateSync(await read(entry.dataAt, end), {
      maxOutputLength: Math.max(1, entry.size),
      chunkSize: Math.min(Math.max(64, entry.size + 64), 1024 * 1024),
    });
    if (data.length !== entry.size) throw damaged(packPath);
    return data;
  };

  const baseOf = (entry: Entry): number | undefined =>
    entry.baseOid === undefined ? entry.baseOffset : index.offsetOf(entry.baseOid);

  /** Follows the deltas down to a whole object, then applies them upwards. */
  const readChain = async (start: number, bytesMax: number): Promise<GitObject> => {
    const deltas: { readonly offset: number; readonly delta: Buffer }[] = [];
    let offset = start;
    let object: GitObject | undefined;
    while (!object) {
      object = caches.bases.get(`${id}:${offset}`);
      if (object) break;
      const entry = parseEntry(await read(offset, offset + 64), offset);
      if (!entry || deltas.length > chainMax) throw damaged(packPath);
      if (entry.size > (deltas.length === 0 ? bytesMax : baseBytesMax)) throw tooLarge(packPath, bytesMax);
      const data = await inflate(entry, offset);
      const type = types[entry.type];
      if (type) {
        object = { type, bytes: data };
        break;
      }
      if (deltas.length === 0 && (deltaResultSize(data) ?? 0) > bytesMax) throw tooLarge(packPath, bytesMax);
      deltas.push({ offset, delta: data });
      const base = baseOf(entry);
      if (base === undefined) throw damaged(packPath);
      offset = base;
    }
    if (deltas.length > 0) caches.bases.set(`${id}:${offset}`, object, object.bytes.length);
    for (const { offset: at, delta } of deltas.reverse()) {
      if ((deltaResultSize(delta) ?? Number.POSITIVE_INFINITY) > baseBytesMax)
        throw tooLarge(packPath, bytesMax);
      const bytes = applyDelta(object.bytes, delta);
      if (!bytes) throw damaged(packPath);
      object = { type: object.type, bytes };
      caches.bases.set(`${id}:${at}`, object, bytes.length);
    }
    if (object.bytes.length > bytesMax) throw tooLarge(packPath, bytesMax);
    return object;
  };

  return { path: packPath, index, bytes: size, readAt: readChain };
}
