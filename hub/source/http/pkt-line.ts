/** Git's pkt-line framing (https://git-scm.com/docs/gitprotocol-common#_pkt_line_format). */
import { sourceError } from '../source-error.ts';

/** A data packet, or one of the markers flush (0000), delimiter (0001), response end (0002). */
export type Packet = Buffer | 'flush' | 'delimiter' | 'end';

const markers = { 0: 'flush', 1: 'delimiter', 2: 'end' } as const;
const lengthMax = 65_520;

export const flushPacket = '0000';
export const delimiterPacket = '0001';

/** One data packet of text. */
export function packet(text: string): string {
  return (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text;
}

const bad = (subject: string) =>
  sourceError('unavailable', 'BadAnswer', 'the answer is not in the form of the Git protocol', { subject });

function lengthOf(head: Buffer, subject: string): number {
  const text = head.toString('latin1');
  if (!/^[0-9a-fA-F]{4}$/.test(text)) throw bad(subject);
  const length = Number.parseInt(text, 16);
  if (length === 3 || length > lengthMax) throw bad(subject);
  return length;
}

/** Cuts a stream into packets. @throws unavailable (BadAnswer) for other bytes and for a stream that ends within a packet. */
export async function* readPackets(stream: AsyncIterable<Buffer>, subject: string): AsyncGenerator<Packet> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 4) {
      const length = lengthOf(rest.subarray(at, at + 4), subject);
      if (length < 4) {
        at += 4;
        yield markers[length as 0 | 1 | 2];
        continue;
      }
      if (rest.length - at < length) break;
      const data = rest.subarray(at + 4, at + length);
      at += length;
      yield data;
    }
    rest = rest.subarray(at);
  }
  if (rest.length > 0) throw bad(subject);
}

/** A packet's text without its line end. */
export function packetText(data: Buffer): string {
  const text = data.toString('utf8');
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
