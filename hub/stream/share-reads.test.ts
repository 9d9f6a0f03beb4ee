import { describe, expect, it } from 'vitest';
import type { Store } from '../store/store.ts';
import { shareReads } from './share-reads.ts';

function countingStore() {
  const counts = { epoch: 0, confirmations: 0, pauses: 0 };
  const store = {
    meta: { epoch: async () => ({ counter: ++counts.epoch, id: 'a' }) },
    releases: {
      confirmations: async () => {
        counts.confirmations += 1;
        if (counts.confirmations === 2) throw new Error('away');
        return [];
      },
      pauses: async () => {
        counts.pauses += 1;
        return [];
      },
    },
  } as unknown as Store;
  return { counts, shared: shareReads(store) };
}

describe('shareReads', () => {
  it('reads once for all who ask at once, and anew for who asks later', async () => {
    const { counts, shared } = countingStore();
    const first = await Promise.all([shared.meta.epoch(), shared.meta.epoch()]);
    expect(first.map(({ counter }) => counter)).toEqual([1, 1]);
    expect(await shared.meta.epoch()).toMatchObject({ counter: 2 });
    await Promise.all([shared.releases.pauses('a'), shared.releases.pauses('b')]);
    expect(counts).toEqual({ epoch: 2, confirmations: 0, pauses: 2 });
  });

  it('does not keep a failure', async () => {
    const { shared } = countingStore();
    await shared.releases.confirmations();
    await expect(shared.releases.confirmations()).rejects.toThrow('away');
    expect(await shared.releases.confirmations()).toEqual([]);
  });
});
