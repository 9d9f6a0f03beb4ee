/** How contents lie in the store: compressed where that pays, sealed for secrets. */
import { deflateRawSync, inflateRawSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { FairwayError } from '../../shared/error/error.ts';
import type { Sealer } from './seal.ts';

/** Stored as a number beside the bytes; numbers are never reused. */
export const blobEncodings = { raw: 0, zstd: 1, deflate: 2 } as const;

export interface StoredBlob {
  readonly encoding: number;
  readonly sealed: boolean;
  readonly bytes: Uint8Array;
}

/** Shorter texts stay raw: packing them saves half a kilobyte each. */
const compressFromBytes = 1_024;
/**
 * From here on zstd. Unpacking makes a context anew for each text (Node has none that is used again): 31 us of processor time for zstd, 9 us for deflate (RFC 1951), which is what
 * reading thousands of objects takes most of. Of 2 KB both leave the same, of 3 KB zstd leaves a sixth less, of 10 KB two fifths.
 */
const zstdFromBytes = 4_096;
/** Room for what is unpacked, beside packed bytes: texts grow about threefold. Node takes 16 KiB where nothing is said, for every text. */
const roomFactor = 6;
const roomBytes = { min: 1_024, max: 1_048_576 } as const;
/** A text that would grow past this when opened was not written by us. */
const contentBytesMax = 64 * 1024 * 1024;

type Unpack = (
  bytes: Uint8Array,
  limits: { readonly maxOutputLength: number; readonly chunkSize: number },
) => Buffer;

const packings: Readonly<
  Record<'zstd' | 'deflate', { readonly pack: (plain: Buffer) => Buffer; readonly unpack: Unpack }>
> = {
  zstd: { pack: (plain) => zstdCompressSync(plain), unpack: zstdDecompressSync },
  deflate: { pack: (plain) => deflateRawSync(plain), unpack: inflateRawSync },
};

function packingOf(bytes: number): keyof typeof blobEncodings {
  if (bytes < compressFromBytes) return 'raw';
  return bytes < zstdFromBytes ? 'deflate' : 'zstd';
}

function unpackOf(encoding: number): Unpack | undefined {
  if (encoding === blobEncodings.zstd) return packings.zstd.unpack;
  return encoding === blobEncodings.deflate ? packings.deflate.unpack : undefined;
}

/** @param context names the content (its digest); a sealed blob opens only under it. */
export function encodeBlob(content: string, secret: boolean, context: string, sealer: Sealer): StoredBlob {
  const plain = Buffer.from(content);
  const packing = packingOf(plain.length);
  const packed = packing === 'raw' ? plain : packings[packing].pack(plain);
  const smaller = packed.length < plain.length;
  const bytes = smaller ? packed : plain;
  return {
    encoding: smaller ? blobEncodings[packing] : blobEncodings.raw,
    sealed: secret,
    bytes: secret ? sealer.seal(bytes, context) : bytes,
  };
}

/** @throws data_loss when the bytes are not what was stored; unsupported for an encoding of a newer Fairway. */
export function decodeBlob(blob: StoredBlob, context: string, sealer: Sealer): string {
  const bytes = blob.sealed ? sealer.open(blob.bytes, context) : blob.bytes;
  if (blob.encoding === blobEncodings.raw)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const unpack = unpackOf(blob.encoding);
  if (unpack === undefined)
    throw new FairwayError('unsupported', 'content is stored in an unknown encoding', { subject: context });
  try {
    const chunkSize = Math.min(Math.max(bytes.length * roomFactor, roomBytes.min), roomBytes.max);
    return unpack(bytes, { maxOutputLength: contentBytesMax, chunkSize }).toString('utf8');
  } catch (cause) {
    throw new FairwayError('data_loss', 'stored content cannot be unpacked', { subject: context, cause });
  }
}
