/** A file as lines: numbers that are equal where the lines are, with their line ends. */
export interface LineFile {
  readonly bytes: Uint8Array;
  /** Number of each line. */
  readonly lines: Int32Array;
  /** Byte at which each line starts. */
  readonly starts: Int32Array;
}

/** Gives equal lines equal numbers, over all files of one walk. */
export class LineNumbers {
  private readonly known = new Map<string, number>();

  /** Lines end with a line feed; the last one may lack it, and is then another line than the same one with it. */
  split(bytes: Uint8Array): LineFile {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const starts: number[] = [];
    const lines: number[] = [];
    for (let at = 0; at < buffer.length; ) {
      const feed = buffer.indexOf(0x0a, at);
      const end = feed < 0 ? buffer.length : feed + 1;
      const text = buffer.toString('latin1', at, end);
      let number = this.known.get(text);
      if (number === undefined) {
        number = this.known.size;
        this.known.set(text, number);
      }
      starts.push(at);
      lines.push(number);
      at = end;
    }
    return { bytes, lines: Int32Array.from(lines), starts: Int32Array.from(starts) };
  }
}
