/** Git's delta format: https://git-scm.com/docs/pack-format#_deltified_representation */

interface Cursor {
  at: number;
}

/** A little-endian base-128 number. Undefined past the end. */
function readSize(delta: Buffer, cursor: Cursor): number | undefined {
  let value = 0;
  let factor = 1;
  for (let count = 0; count < 7; count += 1) {
    const byte = delta[cursor.at];
    if (byte === undefined) return undefined;
    cursor.at += 1;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
  return undefined;
}

/** Size of what a delta makes; undefined for malformed bytes. */
export function deltaResultSize(delta: Buffer): number | undefined {
  const cursor = { at: 0 };
  return readSize(delta, cursor) === undefined ? undefined : readSize(delta, cursor);
}

/** Bits of `opcode` from `shift` say which of `count` little-endian bytes follow. */
function readField(delta: Buffer, cursor: Cursor, bits: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index += 1) {
    if ((bits & (1 << index)) === 0) continue;
    value += (delta[cursor.at] ?? 0) * 2 ** (8 * index);
    cursor.at += 1;
  }
  return value;
}

/** What the delta makes of its base; undefined when the two do not belong together or the bytes are malformed. */
export function applyDelta(base: Buffer, delta: Buffer): Buffer | undefined {
  const cursor = { at: 0 };
  if (readSize(delta, cursor) !== base.length) return undefined;
  const size = readSize(delta, cursor);
  if (size === undefined) return undefined;
  const result = Buffer.alloc(size);
  let written = 0;
  while (cursor.at < delta.length) {
    const opcode = delta[cursor.at] ?? 0;
    cursor.at += 1;
    if (opcode >= 0x80) {
      const from = readField(delta, cursor, opcode & 0x0f, 4);
      const length = readField(delta, cursor, (opcode >> 4) & 0x07, 3) || 0x10000;
      if (from + length > base.length || written + length > size) return undefined;
      base.copy(result, written, from, from + length);
      written += length;
    } else {
      if (opcode === 0 || cursor.at + opcode > delta.length || written + opcode > size) return undefined;
      delta.copy(result, written, cursor.at, cursor.at + opcode);
      cursor.at += opcode;
      written += opcode;
    }
  }
  return written === size ? result : undefined;
}
