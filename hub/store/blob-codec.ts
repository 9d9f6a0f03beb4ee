/** How contents lie in the store: compressed where that pays, sealed for secrets. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { FairwayError } from '../../shared/error/error.ts';
import type { Sealer } from './seal.ts';

/** Stored as a number beside the bytes; numbers are never reused. */
export const blobEncodings = { raw: 0, zstd: 1 } as const;

export interface StoredBlob {
  readonly encoding: number;
  readonly sealed: boolean;
  readonly bytes: Uint8Array;
}

/**
 * Shorter texts stay raw. Unpacking makes a zstd context anew for each of them (Node has none that is used again), 20 to 40 us of processor time, which is what reading
 * thousands of objects takes most of; of a text this short it saves half a kilobyte.
 */
const compressFromBytes = 1_024;
/** Room for what is unpacked, beside packed bytes: texts grow about threefold. Node takes 16 KiB where nothing is said, for every text. */
const roomFactor = 6;
const roomBytes = { min: 1_024, max: 1_048_576 } as const;
/** A text that would grow past this when opened was not written by us. */
const contentBytesMax = 64 * 1024 * 1024;

/** @param context names the content (its digest); a sealed blob opens only under it. */
export function encodeBlob(content: string, secret: boolean, context: string, sealer: Sealer): StoredBlob {
  const plain = Buffer.from(content);
  const packed = plain.length < compressFromBytes ? plain : zstdCompressSync(plain);
  const smaller = packed.length < plain.length;
  const bytes = smaller ? packed : plain;
  return {
    encoding: smaller ? blobEncodings.zstd : blobEncodings.raw,
    sealed: secret,
    bytes: secret ? sealer.seal(bytes, context) : bytes,
  };
}

/** @throws data_loss when the bytes are not what was stored; unsupported for an encoding of a newer Fairway. */
export function decodeBlob(blob: StoredBlob, context: string, sealer: Sealer): string {
  const bytes = blob.sealed ? sealer.open(blob.bytes, context) : blob.bytes;
  if (blob.encoding === blobEncodings.raw) return Buffer.from(bytes).toString('utf8');
  if (blob.encoding !== blobEncodings.zstd)
    throw new FairwayError('unsupported', 'content is stored in an unknown encoding', { subject: context });
  try {
    const chunkSize = Math.min(Math.max(bytes.length * roomFactor, roomBytes.min), roomBytes.max);
    return zstdDecompressSync(bytes, { maxOutputLength: contentBytesMax, chunkSize }).toString('utf8');
  } catch (cause) {
    throw new FairwayError('data_loss', 'stored content cannot be unpacked', { subject: context, cause });
  }
}
