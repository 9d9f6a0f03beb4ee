import { describe, expect, it } from 'vitest';
import { packHashes, unpackHashes } from './hash-list.ts';

describe('packHashes', () => {
  it.each([[[]], [[0]], [[1, 0xffffffff, 0x80000000]]])('gives %j back', (hashes) => {
    expect([...unpackHashes(packHashes(hashes))]).toEqual(hashes);
  });

  it('gives no numbers for half a number', () => {
    expect([...unpackHashes('AAAA')]).toEqual([]);
  });
});
