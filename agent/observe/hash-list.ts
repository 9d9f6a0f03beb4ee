/**
 * Lists of 32-bit hashes as text: an object keeps two of them, and a typed array costs some 200 bytes of the heap before its first number. As text they
 * are also written down as they are.
 */

/** Most lists are short, and one is made at a time. */
const scratch = new Uint32Array(256);
const scratchBytes = Buffer.from(scratch.buffer);

/** Base64 of four bytes each. */
export function packHashes(hashes: readonly number[]): string {
  if (hashes.length === 0) return '';
  const words = hashes.length <= scratch.length ? scratch : new Uint32Array(hashes.length);
  const bytes = words === scratch ? scratchBytes : Buffer.from(words.buffer);
  for (let index = 0; index < hashes.length; index += 1) words[index] = hashes[index] ?? 0;
  return bytes.toString('base64', 0, hashes.length * 4);
}

export function unpackHashes(text: string): Uint32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
}
