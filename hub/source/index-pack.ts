import { createHash } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32, inflateSync } from 'node:zlib';
import { FairwayError } from '../../shared/error/error.ts';
import { createLru } from './lru.ts';
import { entryHeadBytes, type ObjectType, type PackEntry, parsePackEntry, wholeTypes } from './pack-entry.ts';
import { createPackReader, damaged, objectBytesMax, readRange, tooLarge } from './pack-file.ts';

interface Row {
  readonly offset: number;
  readonly end: number;
  readonly crc: number;
  readonly entry: PackEntry;
  oid: string | undefined;
}

const windowBytes = 4 * 1024 * 1024;
/** Work done before other work of the process gets a turn. */
const turnBytes = 1024 * 1024;
const turnObjects = 256;
const headBytes = 12;
const checksumBytes = 20;

function oidOf(type: ObjectType, bytes: Uint8Array): string {
  return createHash('sha1').update(`${type} ${bytes.length}\0`).update(bytes).digest('hex');
}

/** Lets the event loop run now and then: a first fetch may index for seconds. */
function createBreather() {
  let bytes = 0;
  let objects = 0;
  return async (worked: number): Promise<void> => {
    bytes += worked;
    objects += 1;
    if (bytes < turnBytes && objects < turnObjects) return;
    bytes = 0;
    objects = 0;
    await nextTurn();
  };
}

interface Inflated {
  readonly bytes: Buffer;
  /** Compressed bytes that it took. */
  readonly consumed: number;
}

/** Undefined when the input ends too early. */
function inflateSome(input: Buffer, size: number): Inflated | undefined {
  try {
    const options = {
      info: true,
      maxOutputLength: Math.max(1, size),
      chunkSize: Math.min(Math.max(64, size + 64), windowBytes),
    };
    // With `info` the result is of another shape than the types say: https://nodejs.org/api/zlib.html#class-options
    const result = inflateSync(input, options) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    return { bytes: result.buffer, consumed: result.engine.bytesWritten };
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') return undefined;
    throw caught;
  }
}

/** A view of the pack that moves forward, so that it is never in memory whole. */
function createWindow(path: string, size: number) {
  let start = 0;
  let bytes: Buffer = Buffer.alloc(0);
  return async (from: number, length: number): Promise<Buffer> => {
    const end = Math.min(from + length, size);
    if (from < start || end > start + bytes.length) {
      start = from;
      bytes = await readRange(path, from, Math.min(Math.max(length, windowBytes), size - from));
    }
    return bytes.subarray(from - start);
  };
}

/** First pass: every object in order, with its extent and checksum; whole ones get their id. */
async function scan(path: string, size: number): Promise<Row[]> {
  const view = createWindow(path, size);
  const breathe = createBreather();
  const objects = (await view(0, headBytes)).readUInt32BE(8);
  const rows: Row[] = [];
  let offset = headBytes;
  while (rows.length < objects) {
    const entry = parsePackEntry(await view(offset, entryHeadBytes), offset);
    if (!entry || offset >= size - checksumBytes) throw damaged(path);
    if (entry.size > objectBytesMax) throw tooLarge(path, objectBytesMax);
    let inflated: Inflated | undefined;
    for (let length = Math.min(entry.size + 1024, windowBytes / 4); !inflated; length *= 4) {
      inflated = inflateSome(await view(entry.dataAt, length), entry.size);
      if (!inflated && entry.dataAt + length >= size) throw damaged(path);
    }
    if (inflated.bytes.length !== entry.size) throw damaged(path);
    const end = entry.dataAt + inflated.consumed;
    const type = wholeTypes[entry.type];
    const crc = crc32((await view(offset, end - offset)).subarray(0, end - offset));
    rows.push({ offset, end, crc, entry, oid: type && oidOf(type, inflated.bytes) });
    offset = end;
    await breathe(entry.size);
  }
  if (offset !== size - checksumBytes) throw damaged(path);
  return rows;
}

/** Second pass: ids of deltas. A delta against an id waits until that object has its own. */
async function resolveDeltas(path: string, size: number, rows: readonly Row[]): Promise<void> {
  const byOffset = new Map(rows.map((row) => [row.offset, row]));
  const byOid = new Map(
    rows.flatMap((row) => (row.oid === undefined ? [] : [[row.oid, row.offset] as const])),
  );
  const caches = {
    blocks: createLru<Buffer>(32 * 1024 * 1024),
    bases: createLru<{ type: ObjectType; bytes: Buffer }>(64 * 1024 * 1024),
  };
  const index = {
    offsetOf: (oid: string) => byOid.get(oid),
    nextOffset: (offset: number) => byOffset.get(offset)?.end,
  };
  const read = createPackReader(path, 'new', size, index, caches);
  const breathe = createBreather();
  let waiting = rows.filter((row) => row.oid === undefined);
  while (waiting.length > 0) {
    const later: Row[] = [];
    for (const row of waiting) {
      const { baseOid, baseOffset } = row.entry;
      const base = byOffset.get(baseOffset ?? byOid.get(baseOid ?? '') ?? -1);
      if (base?.oid === undefined) {
        later.push(row);
        continue;
      }
      const { type, bytes } = await read(row.offset, objectBytesMax);
      row.oid = oidOf(type, bytes);
      byOid.set(row.oid, row.offset);
      await breathe(bytes.length);
    }
    // Bases that are nowhere: a thin pack, which was not asked for.
    if (later.length === waiting.length) throw damaged(path);
    waiting = later;
  }
}

/** Index version 2, byte for byte what `git index-pack` writes: https://git-scm.com/docs/pack-format */
function encodeIndex(rows: readonly Row[], packChecksum: Buffer): Buffer {
  const sorted = [...rows].sort((a, b) =>
    (a.oid ?? '') < (b.oid ?? '') ? -1 : (a.oid ?? '') > (b.oid ?? '') ? 1 : a.offset - b.offset,
  );
  const count = sorted.length;
  const names = 8 + 1024;
  const index = Buffer.alloc(names + count * 28 + 40);
  index.writeUInt32BE(0xff744f63, 0);
  index.writeUInt32BE(2, 4);
  const perByte = new Uint32Array(256);
  for (const [at, row] of sorted.entries()) {
    index.write(row.oid ?? '', names + at * 20, 'hex');
    perByte[index[names + at * 20] ?? 0] = (perByte[index[names + at * 20] ?? 0] ?? 0) + 1;
    index.writeUInt32BE(row.crc, names + count * 20 + at * 4);
    index.writeUInt32BE(row.offset, names + count * 24 + at * 4);
  }
  let sum = 0;
  for (const [byte, inByte] of perByte.entries()) {
    sum += inByte;
    index.writeUInt32BE(sum, 8 + byte * 4);
  }
  packChecksum.copy(index, index.length - 40);
  createHash('sha1')
    .update(index.subarray(0, -20))
    .digest()
    .copy(index, index.length - 20);
  return index;
}

/**
 * Writes the index of a pack whose checksum was verified, in bounded memory and without holding up the process.
 * @returns how many objects there are.
 * @throws data_loss (MirrorDamaged) for a pack that is not well formed or not complete in itself; resource_exhausted (TooLarge) for one with an
 * object over objectBytesMax; unsupported for a pack of 2 GiB and more.
 */
export async function indexPack(path: string, indexPath: string): Promise<number> {
  const { size } = await stat(path);
  if (size >= 2 ** 31)
    throw new FairwayError('unsupported', 'packs of 2 GiB and more are not supported', { subject: path });
  try {
    const rows = await scan(path, size);
    await resolveDeltas(path, size, rows);
    await writeFile(
      indexPath,
      encodeIndex(rows, await readRange(path, size - checksumBytes, checksumBytes)),
      { flush: true },
    );
    return rows.length;
  } catch (caught) {
    const code = (caught as NodeJS.ErrnoException).code ?? '';
    if (code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE') throw damaged(path, caught);
    throw caught;
  }
}
