export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** The numbers of whole objects in a pack. */
export const wholeTypes: Readonly<Record<number, ObjectType>> = {
  1: 'commit',
  2: 'tree',
  3: 'blob',
  4: 'tag',
};

/** Bytes that hold the head of any object. */
export const entryHeadBytes = 64;

/** One object in a pack, before it is inflated. */
export interface PackEntry {
  /** 1 to 4: a whole object of wholeTypes; 6 and 7: a delta. */
  readonly type: number;
  /** Declared size, inflated. */
  readonly size: number;
  /** Where the compressed bytes start. */
  readonly dataAt: number;
  readonly baseOffset: number | undefined;
  readonly baseOid: string | undefined;
}

/** The head of an object in a pack: type and size, then the base of a delta (https://git-scm.com/docs/pack-format#_pack_pack_files_have_the_following_format). */
export function parsePackEntry(head: Buffer, offset: number): PackEntry | undefined {
  let at = 0;
  let byte = head[at++] ?? 0;
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let factor = 16; byte >= 0x80; factor *= 128) {
    byte = head[at++] ?? 0;
    size += (byte & 0x7f) * factor;
  }
  if (type === 7) {
    const baseOid = head.toString('hex', at, at + 20);
    return { type, size, dataAt: offset + at + 20, baseOffset: undefined, baseOid };
  }
  if (type !== 6)
    return wholeTypes[type]
      ? { type, size, dataAt: offset + at, baseOffset: undefined, baseOid: undefined }
      : undefined;
  byte = head[at++] ?? 0;
  let distance = byte & 0x7f;
  while (byte >= 0x80 && at < head.length) {
    byte = head[at++] ?? 0;
    distance = (distance + 1) * 128 + (byte & 0x7f);
  }
  const baseOffset = offset - distance;
  return baseOffset < 12 || distance === 0
    ? undefined
    : { type, size, dataAt: offset + at, baseOffset, baseOid: undefined };
}
