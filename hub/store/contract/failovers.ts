import { describe, expect, it } from 'vitest';
import type { Failover } from '../../model/failover.ts';
import type { StoreUnderTest } from '../contract.ts';
import { anEvent, t0 } from './fixtures.ts';

function failoverOf(id: string, group: string, given: Partial<Failover> = {}): Failover {
  return {
    ...{ id, group, kind: 'failover', mode: 'override', from: 'eu-1', to: 'eu-2', reason: 'dark' },
    ...{ actor: 'ops', startedAtMs: t0, fenced: 'unknown', confirmed: [], roles: { 'eu-2': 'primary' } },
    ...{ baseCommit: 'a'.repeat(40), branch: '', strategy: 'failover', together: false },
    commit: { attempts: 0, nextAtMs: undefined, error: '', written: undefined },
    override: { untilMs: t0 + 1, signature: 's', ended: undefined },
    ...{ phase: 'Switching', message: '' },
    applications: [{ application: 'web', readyAtMs: undefined, waitsOn: 'x' }],
    ...{ readyAtMs: undefined, rtoMs: undefined, endedAtMs: undefined, version: 1 },
    ...given,
  };
}

export function describeFailovers(current: () => StoreUnderTest): void {
  describe('failovers', () => {
    it('keeps each as it is now, with its events, across a new start', async () => {
      const { store, reopen } = current();
      const first = failoverOf('one', 'eu');
      expect(await store.failovers.save(first, undefined, [anEvent({ id: 'started' })])).toBe(true);
      const next = failoverOf('one', 'eu', { phase: 'TrafficReady', readyAtMs: t0, rtoMs: 5, version: 2 });
      expect(await store.failovers.save(next, 1, [])).toBe(true);
      const again = await reopen();
      expect(await again.failovers.open()).toEqual([next]);
      expect(await again.failovers.get('one')).toEqual(next);
      expect(await again.failovers.get('two')).toBeUndefined();
    });

    it('refuses who comes too late, with the events', async () => {
      const { store } = current();
      await store.failovers.save(failoverOf('one', 'eu'), undefined, []);
      const late = [anEvent({ id: 'late' })];
      const other = failoverOf('one', 'eu', { message: 'other', version: 3 });
      expect(await store.failovers.save(other, 2, late)).toBe(false);
      expect((await store.failovers.get('one'))?.message).toBe('');
      expect((await store.events.list({}, { limit: 10 })).items).toEqual([]);
    });

    it('has one open of a group at a time', async () => {
      const { store } = current();
      await store.failovers.save(failoverOf('one', 'eu'), undefined, []);
      expect(await store.failovers.save(failoverOf('two', 'eu'), undefined, [])).toBe(false);
      expect(await store.failovers.save(failoverOf('three', 'us'), undefined, [])).toBe(true);
      await store.failovers.save(failoverOf('one', 'eu', { phase: 'Done', version: 2 }), 1, []);
      expect(await store.failovers.save(failoverOf('two', 'eu'), undefined, [])).toBe(true);
      expect((await store.failovers.open()).map(({ id }) => id)).toEqual(['three', 'two']);
    });

    it('pages through them, the newest first', async () => {
      const { store } = current();
      for (const id of ['a', 'b', 'c'])
        await store.failovers.save(failoverOf(id, 'eu', { phase: 'Ended' }), undefined, []);
      await store.failovers.save(failoverOf('d', 'us', { phase: 'Ended' }), undefined, []);
      const first = await store.failovers.list('eu', { limit: 2 });
      const second = await store.failovers.list('eu', { limit: 2, cursor: first.next });
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(['c', 'b', 'a']);
      expect((await store.failovers.list(undefined, { limit: 9 })).items).toHaveLength(4);
    });

    it('tells drills alone, page by page', async () => {
      const { store } = current();
      for (const [at, kind] of (['drill', 'failover', 'drill', 'back', 'drill'] as const).entries())
        await store.failovers.save(failoverOf(`f${at}`, 'eu', { kind, phase: 'Ended' }), undefined, []);
      const first = await store.failovers.list('eu', { limit: 2 }, 'drill');
      const second = await store.failovers.list('eu', { limit: 2, cursor: first.next }, 'drill');
      expect(first.items.map(({ id }) => id)).toEqual(['f4', 'f2']);
      expect(second).toMatchObject({ items: [{ id: 'f0' }], next: undefined });
      expect((await store.failovers.list('us', { limit: 2 }, 'drill')).items).toEqual([]);
    });
  });
}
