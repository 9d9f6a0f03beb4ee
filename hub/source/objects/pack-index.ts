/** A pack's index, version 2 (https://git-scm.com/docs/pack-format#_version_2_pack_idx_files_support_packs_larger_than_4_gib_and), kept as its bytes. */
export interface PackIndex {
  readonly objects: number;
  /** Checksum of the pack it belongs to, hex. */
  readonly packChecksum: string;
  /** Where the object starts in the pack; undefined when it is not there. */
  offsetOf(oid: string): number | undefined;
  /** Where the next object starts; undefined for the last. */
  nextOffset(offset: number): number | undefined;
}

const headerBytes = 8;
const fanoutBytes = 1024;
const trailerBytes = 40;

function sortedOffsets(offsetAt: (index: number) => number, objects: number): Float64Array {
  const offsets = new Float64Array(objects);
  for (let index = 0; index < objects; index += 1) offsets[index] = offsetAt(index);
  return offsets.sort();
}

/** First index in a sorted array whose value is over `value`. */
function upperBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Undefined when the bytes are no whole index of version 2. */
export function parsePackIndex(bytes: Buffer): PackIndex | undefined {
  if (bytes.length < headerBytes + fanoutBytes + trailerBytes) return undefined;
  if (bytes.readUInt32BE(0) !== 0xff744f63 || bytes.readUInt32BE(4) !== 2) return undefined;
  const fanout = (byte: number) => (byte < 0 ? 0 : bytes.readUInt32BE(headerBytes + byte * 4));
  const objects = fanout(255);
  const names = headerBytes + fanoutBytes;
  const offsets = names + objects * 24;
  const large = offsets + objects * 4;
  if (bytes.length < large + trailerBytes) return undefined;
  const offsetAt = (index: number): number => {
    const offset = bytes.readUInt32BE(offsets + index * 4);
    if (offset < 0x80000000) return offset;
    const at = large + (offset - 0x80000000) * 8;
    return at + 8 + trailerBytes <= bytes.length ? Number(bytes.readBigUInt64BE(at)) : 0;
  };
  let sorted: Float64Array | undefined;
  return {
    objects,
    packChecksum: bytes.toString('hex', bytes.length - 40, bytes.length - 20),
    offsetOf(oid) {
      const wanted = Buffer.from(oid, 'hex');
      const first = wanted[0];
      if (wanted.length !== 20 || first === undefined) return undefined;
      let low = fanout(first - 1);
      let high = Math.min(fanout(first), objects);
      while (low < high) {
        const middle = (low + high) >>> 1;
        const order = bytes.compare(wanted, 0, 20, names + middle * 20, names + middle * 20 + 20);
        if (order === 0) return offsetAt(middle);
        if (order < 0) low = middle + 1;
        else high = middle;
      }
      return undefined;
    },
    nextOffset(offset) {
      sorted ??= sortedOffsets(offsetAt, objects);
      return sorted[upperBound(sorted, offset)];
    },
  };
}
