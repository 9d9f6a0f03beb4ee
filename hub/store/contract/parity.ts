import { describe, expect, it } from 'vitest';
import {
  type DifferenceClass,
  differenceClasses,
  type ParityMoment,
  type ParityState,
  type ParityVerdict,
} from '../../model/parity.ts';
import type { StoreUnderTest } from '../contract.ts';
import { anEvent, t0 } from './fixtures.ts';

const counts = Object.fromEntries(differenceClasses.map((name) => [name, 0])) as Record<
  DifferenceClass,
  number
>;

function stateOf(group: string, verdict: ParityVerdict = 'Ready'): ParityState {
  const pair = {
    standby: 'eu-2',
    verdict,
    score: 100,
    whole: true,
    objects: 3,
    counts,
    catchUpMs: undefined,
  };
  return {
    group,
    report: {
      ...{ group, primary: 'eu-1', owner: '', verdict, score: 100, whole: true, pairs: [pair], reasons: [] },
      ...{ staleExpectations: [], expiredExpectations: [] },
    },
    verdictSinceMs: t0,
    wholeSinceMs: t0,
    lastWholeAtMs: undefined,
    firstSeen: { abc: t0 },
  };
}

function momentOf(group: string, atMs: number): Omit<ParityMoment, 'sequence'> {
  return { group, atMs, verdict: 'Ready', whole: true, score: 100, counts, message: `at ${atMs}` };
}

export function describeParity(current: () => StoreUnderTest): void {
  describe('parity', () => {
    it('keeps the last state of each group with its events, across a new start', async () => {
      const { store, reopen } = current();
      await store.parity.save(stateOf('b'), undefined, [anEvent({ id: 'one' })]);
      await store.parity.save(stateOf('a'), undefined, []);
      await store.parity.save(stateOf('b', 'NotReady'), undefined, [anEvent({ id: 'one' })]);
      const expected = [stateOf('a'), stateOf('b', 'NotReady')];
      expect(await store.parity.states()).toEqual(expected);
      expect(await store.events.lastSequence()).toBe(1);
      expect(await (await reopen()).parity.states()).toEqual(expected);
    });

    it('gives a time line newest first, page by page, of one group', async () => {
      const { store } = current();
      for (let at = 0; at < 5; at += 1)
        for (const group of ['a', 'b']) await store.parity.save(stateOf(group), momentOf(group, t0 + at), []);
      const first = await store.parity.timeline('a', { limit: 3 });
      const second = await store.parity.timeline('a', { limit: 3, cursor: first.next });
      expect([...first.items, ...second.items].map(({ atMs }) => atMs - t0)).toEqual([4, 3, 2, 1, 0]);
      expect(second.next).toBeUndefined();
      expect(first.items[0]).toMatchObject(momentOf('a', t0 + 4));
    });

    it('forgets moments that are older than a year and a month', async () => {
      const { store } = current();
      await store.parity.save(stateOf('a'), momentOf('a', t0), []);
      await store.parity.save(stateOf('a'), momentOf('a', t0 + 399 * 86_400_000), []);
      expect((await store.parity.timeline('a', { limit: 9 })).items).toHaveLength(2);
      await store.parity.save(stateOf('a'), momentOf('a', t0 + 401 * 86_400_000), []);
      expect((await store.parity.timeline('a', { limit: 9 })).items).toHaveLength(2);
    });

    it('forgets a group with its time line, and tells of each change', async () => {
      const { store } = current();
      const heard: string[] = [];
      store.subscribe((topic, key) => heard.push(`${topic} ${key}`));
      await store.parity.save(stateOf('a'), momentOf('a', t0), []);
      await store.parity.remove('a');
      await store.parity.remove('a');
      expect(await store.parity.states()).toEqual([]);
      expect((await store.parity.timeline('a', { limit: 9 })).items).toEqual([]);
      expect(heard.filter((one) => one.startsWith('parity'))).toEqual(['parity a', 'parity a']);
    });
  });
}
