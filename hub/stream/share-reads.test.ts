import { describe, expect, it } from 'vitest';
import type { Store } from '../store/store.ts';
import { shareReads } from './share-reads.ts';

function countingStore() {
  const counts = { epoch: 0, confirmations: 0, pauses: 0 };
  /** Clusters in each read of assignments; what was read by digest. */
  const reads: number[] = [];
  const targets: string[] = [];
  const store = {
    meta: { epoch: async () => ({ counter: ++counts.epoch, id: 'a' }) },
    releases: {
      confirmations: async () => {
        counts.confirmations += 1;
        if (counts.confirmations === 2) throw new Error('away');
        return [];
      },
      pauses: async (cluster?: string) => {
        counts.pauses += 1;
        const all = [{ cluster: 'a' }, { cluster: 'b' }, { cluster: 'c' }];
        return all.filter((one) => cluster === undefined || one.cluster === cluster);
      },
      assignments: async ({ clusters = [] }: { readonly clusters?: readonly string[] }) => {
        reads.push(clusters.length);
        return clusters.flatMap((cluster) => [
          { cluster, application: 'shop' },
          { cluster, application: 'web' },
        ]);
      },
    },
    content: {
      target: async (digest: string) => {
        targets.push(digest);
        return { digest };
      },
      objects: async (digests: readonly string[]) => {
        targets.push(digests.join('+'));
        return new Map(digests.map((digest) => [digest, { content: digest }]));
      },
    },
  } as unknown as Store;
  return { counts, reads, targets, shared: shareReads(store) };
}

describe('shareReads', () => {
  it('reads once for all who ask at once, and anew for who asks later', async () => {
    const { counts, shared } = countingStore();
    const first = await Promise.all([shared.meta.epoch(), shared.meta.epoch()]);
    expect(first.map(({ counter }) => counter)).toEqual([1, 1]);
    expect(await shared.meta.epoch()).toMatchObject({ counter: 2 });
    expect(counts).toEqual({ epoch: 2, confirmations: 0, pauses: 0 });
  });

  it('tells each session of its own cluster from a read for all', async () => {
    const { reads, shared, counts } = countingStore();
    const { releases } = shared;
    const names = Array.from({ length: 1_200 }, (_, at) => `c${at}`);
    const told = await Promise.all(names.map((cluster) => releases.assignments({ cluster })));
    expect(reads).toEqual([500, 500, 200]);
    expect(told.map((rows) => rows.map(({ cluster }) => cluster))).toEqual(names.map((name) => [name, name]));
    const pauses = await Promise.all(['a', 'c', 'd'].map((cluster) => releases.pauses(cluster)));
    expect(pauses).toEqual([[{ cluster: 'a' }], [{ cluster: 'c' }], []]);
    expect(await releases.pauses('b')).toEqual([{ cluster: 'b' }]);
    expect(counts.pauses).toBe(2);
    await releases.assignments({ cluster: 'c1' });
    expect(reads).toEqual([500, 500, 200, 1]);
  });

  it('reads content that many lack once in a turn, and keeps none of it', async () => {
    const { targets, shared } = countingStore();
    const { content } = shared;
    const both = await Promise.all([content.target('t1'), content.target('t1'), content.target('t2')]);
    expect(both.map((target) => target?.digest)).toEqual(['t1', 't1', 't2']);
    await Promise.all([content.objects(['a', 'b']), content.objects(['a', 'b'])]);
    expect(await content.objects([])).toEqual(new Map());
    await content.target('t1');
    expect(targets).toEqual(['t1', 't2', 'a+b', 't1']);
  });

  it('does not keep a failure', async () => {
    const { shared } = countingStore();
    await shared.releases.confirmations();
    await expect(shared.releases.confirmations()).rejects.toThrow('away');
    expect(await shared.releases.confirmations()).toEqual([]);
  });
});
