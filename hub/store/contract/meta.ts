import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import { assign, t0 } from './fixtures.ts';

function describeEpoch(current: () => StoreUnderTest): void {
  describe('epoch', () => {
    it('is made once and kept', async () => {
      const { store, reopen } = current();
      const first = await store.meta.epoch();
      expect(first.counter).toBe(1);
      expect(await store.meta.epoch()).toEqual(first);
      expect(await (await reopen()).meta.epoch()).toEqual(first);
    });

    it('moves past a later epoch, lifts generations and holds for a confirmation', async () => {
      const { store } = current();
      await assign(store, 'eu-1', 'web');
      const own = await store.meta.epoch();
      const moved = await store.meta.advanceEpoch({ counter: 4, id: 'other' }, 'eu-1', 9, t0);
      expect(moved.counter).toBe(5);
      expect(moved.id).not.toBe(own.id);
      const [assignment] = await store.releases.assignments({ cluster: 'eu-1' });
      expect(assignment?.generation).toBeGreaterThan(9);
      expect(await store.releases.confirmations()).toMatchObject([
        { kind: 'restored-hub', subject: 'fleet' },
      ]);
    });

    it('moves once for all agents that saw the same', async () => {
      const { store } = current();
      const seen = { counter: 4, id: 'other' };
      const moved = await store.meta.advanceEpoch(seen, 'eu-1', 9, t0);
      const again = await store.meta.advanceEpoch(seen, 'eu-2', 20, t0);
      expect(again).toEqual(moved);
      expect(await store.releases.confirmations()).toHaveLength(1);
      await assign(store, 'eu-2', 'web');
      const [assignment] = await store.releases.assignments({ cluster: 'eu-2' });
      expect(assignment?.generation).toBeGreaterThan(20);
    });

    it('asks for no second confirmation when an agent comes after the first was given', async () => {
      const { store } = current();
      await store.meta.advanceEpoch({ counter: 4, id: 'other' }, 'eu-1', 9, t0);
      const [open] = await store.releases.confirmations();
      const event = { type: 'audit.confirm', actor: 'ann', timeMs: t0, message: '' } as const;
      const rest = { cluster: '', application: '', revisionId: '', object: '', data: {} };
      await store.releases.confirm(open?.id ?? '', 'ann', { ...event, ...rest });
      await store.meta.advanceEpoch({ counter: 4, id: 'other' }, 'eu-2', 9, t0);
      expect((await store.releases.confirmations()).map((row) => row.confirmedBy)).toEqual(['ann']);
    });

    it('moves when the same epoch has a generation we never gave', async () => {
      const { store } = current();
      const own = await store.meta.epoch();
      expect((await store.meta.advanceEpoch(own, 'eu-1', 3, t0)).counter).toBe(2);
    });

    it('stays for an epoch that is not later', async () => {
      const { store } = current();
      const own = await store.meta.epoch();
      expect(await store.meta.advanceEpoch(own, 'eu-1', 0, t0)).toEqual(own);
      expect(await store.releases.confirmations()).toEqual([]);
    });

    it('moves for a fork: the same counter with another id', async () => {
      const { store } = current();
      expect((await store.meta.advanceEpoch({ counter: 1, id: 'fork' }, 'eu-1', 0, t0)).counter).toBe(2);
    });
  });
}

export function describeMeta(current: () => StoreUnderTest): void {
  describeEpoch(current);
  describe('secrets and values', () => {
    it('keeps the first secret of a name', async () => {
      const { store, reopen } = current();
      expect(await store.meta.secret('ca')).toBeUndefined();
      const [one, two] = await Promise.all([
        store.meta.ensureSecret('ca', Uint8Array.of(1, 2)),
        store.meta.ensureSecret('ca', Uint8Array.of(3, 4)),
      ]);
      expect([...one]).toEqual([1, 2]);
      expect([...two]).toEqual([1, 2]);
      expect([...((await (await reopen()).meta.secret('ca')) ?? [])]).toEqual([1, 2]);
    });

    it('keeps the last value of a name', async () => {
      const { store } = current();
      expect(await store.meta.value('a')).toBeUndefined();
      await store.meta.setValue('a', '1');
      await store.meta.setValue('a', '2');
      expect(await store.meta.value('a')).toBe('2');
    });
  });
}
