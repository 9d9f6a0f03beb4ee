import { createHash, type Hash } from 'node:crypto';
import * as fs from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sourceError } from '../source-error.ts';
import type { PackFile } from './pack-file.ts';

/** What a pack brought. */
export interface AddedPack {
  readonly objects: number;
  readonly bytes: number;
}

interface Writer {
  write(chunk: Uint8Array): Promise<void>;
  /** Flushes to the disk. */
  close(): Promise<void>;
}

async function createWriter(path: string): Promise<Writer> {
  const file = await open(path, 'wx');
  return {
    async write(chunk) {
      await file.write(chunk);
    },
    async close() {
      await file.sync();
      await file.close();
    },
  };
}

const badPack = (subject: string, cause?: unknown) =>
  sourceError('unavailable', 'BadAnswer', 'the pack that the server sent is not whole', { subject, cause });

/** Keeps the last 20 bytes, a pack's checksum, out of the hash of what comes before. */
function createTrailerHash() {
  const hash: Hash = createHash('sha1');
  let tail: Buffer = Buffer.alloc(0);
  return {
    update(chunk: Buffer) {
      const all = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
      const keep = Math.max(0, all.length - 20);
      hash.update(all.subarray(0, keep));
      tail = Buffer.from(all.subarray(keep));
    },
    /** The checksum, when the bytes end with it. */
    checksum(): string | undefined {
      const trailer = tail.toString('hex');
      return tail.length === 20 && hash.digest('hex') === trailer ? trailer : undefined;
    },
  };
}

/**
 * Indexes the whole pack in `folder` and moves both into the repository: the pack first, since it counts only with its index. A process that
 * is killed between leaves a pack without index, which the next `sweep` removes.
 */
async function install(
  gitDirectory: string,
  folder: string,
  checksum: string,
  objects: number,
  subject: string,
): Promise<void> {
  // A cache of its own: what indexing learns of a pack is not needed after it.
  // Loaded where a pack came from elsewhere: repositories on the hub's disk need none of it.
  const { indexPack } = await import('isomorphic-git');
  const index = await indexPack({
    fs,
    dir: folder,
    gitdir: gitDirectory,
    filepath: 'new.pack',
    cache: {},
  }).catch((cause: unknown) => {
    throw badPack(subject, cause);
  });
  if (index.oids.length !== objects) throw badPack(subject);
  const target = join(gitDirectory, 'objects', 'pack', `pack-${checksum}`);
  await rename(join(folder, 'new.pack'), `${target}.pack`);
  await rename(join(folder, 'new.idx'), `${target}.idx`);
}

async function inFolder<T>(gitDirectory: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(join(gitDirectory, 'tmp'), { recursive: true });
  const folder = await mkdtemp(join(gitDirectory, 'tmp', 'pack-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Takes a pack from the network: on the disk, checked against its own checksum and completely indexed before it counts. An empty pack is
 * dropped. @throws unavailable (BadAnswer) when it is not whole.
 */
export function addPack(
  gitDirectory: string,
  chunks: AsyncIterable<Buffer>,
  subject: string,
): Promise<AddedPack> {
  return inFolder(gitDirectory, async (folder) => {
    const writer = await createWriter(join(folder, 'new.pack'));
    const trailer = createTrailerHash();
    let head: Buffer = Buffer.alloc(0);
    let bytes = 0;
    try {
      for await (const chunk of chunks) {
        if (head.length < 12) head = Buffer.concat([head, chunk]).subarray(0, 12);
        bytes += chunk.length;
        trailer.update(chunk);
        await writer.write(chunk);
      }
    } finally {
      await writer.close();
    }
    const checksum = trailer.checksum();
    if (!checksum || head.toString('latin1', 0, 4) !== 'PACK' || head.readUInt32BE(4) !== 2)
      throw badPack(subject);
    const objects = head.readUInt32BE(8);
    if (objects > 0) await install(gitDirectory, folder, checksum, objects, subject);
    return { objects, bytes };
  });
}

const mergeChunkBytes = 1024 * 1024;

async function copyBody(pack: PackFile, sink: (chunk: Buffer) => Promise<void>): Promise<number> {
  const file = await open(pack.path, 'r');
  try {
    const head = Buffer.alloc(12);
    await file.read(head, 0, 12, 0);
    for (let at = 12; at < pack.bytes - 20; ) {
      const buffer = Buffer.alloc(Math.min(mergeChunkBytes, pack.bytes - 20 - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw badPack(pack.path);
      await sink(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    return head.readUInt32BE(8);
  } finally {
    await file.close();
  }
}

function packHead(objects: number): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(objects, 8);
  return head;
}

/**
 * Makes one pack of several without the network: offsets of deltas are relative, so the packs' bodies can stand one after the other. The old
 * ones go when the new one counts, so that a reader finds each object at any time.
 */
export function mergePacks(gitDirectory: string, packs: readonly PackFile[], subject: string): Promise<void> {
  return inFolder(gitDirectory, async (folder) => {
    const path = join(folder, 'new.pack');
    const writer = await createWriter(path);
    const hash = createHash('sha1');
    const sink = async (chunk: Buffer) => {
      hash.update(chunk);
      await writer.write(chunk);
    };
    const objects = packs.reduce((sum, pack) => sum + pack.index.objects, 0);
    let checksum = '';
    try {
      await sink(packHead(objects));
      for (const pack of packs) await copyBody(pack, sink);
      const digest = hash.digest();
      checksum = digest.toString('hex');
      await writer.write(digest);
    } finally {
      await writer.close();
    }
    await install(gitDirectory, folder, checksum, objects, subject);
    for (const pack of packs) {
      if (pack.path.endsWith(`pack-${checksum}.pack`)) continue;
      await rm(pack.path.replace(/pack$/, 'idx'), { force: true });
      await rm(pack.path, { force: true });
    }
  });
}
