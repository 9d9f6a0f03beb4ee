/**
 * Lists of 32-bit hashes as text: an object keeps two of them, and a typed array costs some 200 bytes of the heap before its first number. As text they
 * are also written down as they are.
 */

/** Base64 of four bytes each. */
export function packHashes(hashes: readonly number[]): string {
  return hashes.length === 0 ? '' : Buffer.from(Uint32Array.from(hashes).buffer).toString('base64');
}

export function unpackHashes(text: string): Uint32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
}
