/**
 * Lists of 32-bit hashes as text: an object keeps two of them, and a typed array costs some 200 bytes of the heap before its first number. As text they
 * are also written down as they are.
 */

/** Base64 of four bytes each. */
export function packHashes(hashes: readonly number[]): string {
  if (hashes.length === 0) return '';
  const bytes = Buffer.allocUnsafe(hashes.length * 4);
  for (let index = 0; index < hashes.length; index += 1) bytes.writeUInt32LE(hashes[index] ?? 0, index * 4);
  return bytes.toString('base64');
}

export function unpackHashes(text: string): Uint32Array {
  const bytes = Buffer.from(text, 'base64');
  return Uint32Array.from({ length: bytes.length >> 2 }, (_, index) => bytes.readUInt32LE(index * 4));
}
