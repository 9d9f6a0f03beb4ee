import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPackCaches } from './object-reader.ts';
import { createPackReader } from './pack-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-pack-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Many empty blocks before the text: far more bytes than zlib itself would make of it. */
function deflatedAtLength(text: string): Buffer {
  const empty = Buffer.from([0, 0, 0, 0xff, 0xff]);
  const plain = deflateSync(text, { strategy: constants.Z_FIXED });
  return Buffer.concat([plain.subarray(0, 2), ...Array.from({ length: 40 }, () => empty), plain.subarray(2)]);
}

/** A pack of blobs, none longer than 15 bytes, and a reader of it. */
function packOf(...deflated: readonly (readonly [string, Buffer])[]) {
  const parts: Buffer[] = [Buffer.from('PACK\0\0\0\x02\0\0\0\x02', 'latin1')];
  const offsets: number[] = [];
  let at = 12;
  for (const [text, data] of deflated) {
    offsets.push(at);
    parts.push(Buffer.from([0x30 | text.length]), data);
    at += 1 + data.length;
  }
  const path = join(folder, 'a.pack');
  writeFileSync(path, Buffer.concat([...parts, Buffer.alloc(20)]));
  const index = {
    offsetOf: () => undefined,
    nextOffset: (offset: number) => offsets.find((other) => other > offset),
  };
  return { offsets, read: createPackReader(path, 'a', at + 20, index, createPackCaches(1 << 20)) };
}

describe('createPackReader', () => {
  it('reads an object whatever follows it, and one that takes more bytes than it should', async () => {
    const { offsets, read } = packOf(
      ['first', deflateSync('first')],
      ['second', deflatedAtLength('second')],
      ['third', deflateSync('third')],
    );
    const texts = await Promise.all(
      offsets.map(async (offset) => (await read(offset, 100)).bytes.toString()),
    );
    expect(texts).toEqual(['first', 'second', 'third']);
  });

  it('refuses an object that ends before it should', async () => {
    const { offsets, read } = packOf(['broken', deflateSync('broken').subarray(0, 6)]);
    await expect(read(offsets[0] ?? 0, 100)).rejects.toThrow();
  });
});
