import { isUtf8 } from 'node:buffer';

/** Text of UTF-8 bytes, a byte order mark left in; undefined for other bytes. (A TextDecoder that is `fatal` takes tens of milliseconds to make the first time.) */
export function utf8Text(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
