import { FairwayError } from '../../shared/error/error.ts';

/** Cuts a byte stream into lines as it comes. */
export interface LineDecoder {
  push(chunk: Buffer): void;
}

/**
 * @param bytesMax a longer line is an error: no answer may fill the memory.
 * @throws resource_exhausted from `push`.
 */
export function createLineDecoder(bytesMax: number, onLine: (line: string) => void): LineDecoder {
  let held: Buffer[] = [];
  let heldBytes = 0;
  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        const piece = chunk.subarray(start, end);
        start = end + 1;
        const line = held.length === 0 ? piece : Buffer.concat([...held, piece]);
        held = [];
        heldBytes = 0;
        if (line.length > 0) onLine(line.toString('utf8'));
      }
      if (start === chunk.length) return;
      held.push(chunk.subarray(start));
      heldBytes += chunk.length - start;
      if (heldBytes > bytesMax)
        throw new FairwayError('data_loss', 'a line of the watch is too long', { retry: true });
    },
  };
}
