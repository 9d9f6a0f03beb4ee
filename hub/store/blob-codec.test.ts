import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../shared/clock/random.ts';
import { blobEncodings, decodeBlob, encodeBlob } from './blob-codec.ts';
import { createSealer } from './seal.ts';

const sealer = createSealer(new Uint8Array(32).fill(7), systemRandom);
const textOf = (bytes: number) => 'grüße '.repeat(Math.ceil(bytes / 8)).slice(0, bytes - bytes / 4);

describe('encodeBlob', () => {
  it.each([
    ['raw', 200],
    ['deflate', 2_000],
    ['zstd', 20_000],
  ] as const)('packs as %s a text of %i bytes, plain and sealed, and gives it back', (encoding, bytes) => {
    const text = textOf(bytes);
    for (const secret of [false, true]) {
      const blob = encodeBlob(text, secret, 'digest', sealer);
      expect(blob.encoding).toBe(blobEncodings[encoding]);
      expect(decodeBlob(blob, 'digest', sealer)).toBe(text);
    }
  });
});

describe('decodeBlob', () => {
  it('reads what an older hub has packed by zstd, however short', () => {
    const bytes = zstdCompressSync(Buffer.from('{"kind":"Deployment"}'));
    const blob = { encoding: blobEncodings.zstd, sealed: false, bytes };
    expect(decodeBlob(blob, 'd', sealer)).toBe('{"kind":"Deployment"}');
  });

  it('says that a text is damaged, or of a newer hub', () => {
    const blob = encodeBlob(textOf(2_000), false, 'd', sealer);
    const cut = { ...blob, bytes: blob.bytes.slice(0, 10) };
    expect(() => decodeBlob(cut, 'd', sealer)).toThrow(expect.objectContaining({ code: 'data_loss' }));
    expect(() => decodeBlob({ ...blob, encoding: 9 }, 'd', sealer)).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    );
  });
});
