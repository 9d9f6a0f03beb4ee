import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import { anEvent, assign, t0 } from './fixtures.ts';

function describeLog(current: () => StoreUnderTest): void {
  it('numbers events one by one and keeps an id once', async () => {
    const { store } = current();
    expect([await store.events.firstSequence(), await store.events.lastSequence()]).toEqual([1, 0]);
    await store.events.append([anEvent({ id: 'x' }), anEvent({ id: 'x' }), anEvent(), anEvent()]);
    const all = await store.events.after(0, {}, 10);
    expect(all.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(3);
    expect(all[0]).toEqual({ ...anEvent({ id: 'x' }), sequence: 1 });
  });

  it('filters by type or its first part, cluster, application and time', async () => {
    const { store } = current();
    await store.events.append([
      anEvent({ type: 'drift.found', cluster: 'eu', timeMs: t0 }),
      anEvent({ type: 'drift.healed', application: 'web', timeMs: t0 + 5 }),
      anEvent({ type: 'sync.failed', cluster: 'eu', timeMs: t0 + 9 }),
    ]);
    const sequences = async (filter: Parameters<typeof store.events.list>[0]) =>
      (await store.events.list(filter, { limit: 10 })).items.map(({ sequence }) => sequence);
    expect(await sequences({ types: ['drift'] })).toEqual([2, 1]);
    expect(await sequences({ types: ['drift.found', 'sync'] })).toEqual([3, 1]);
    expect(await sequences({ types: ['dri'] })).toEqual([]);
    expect(await sequences({ types: [] })).toEqual([]);
    expect(await sequences({ cluster: 'eu' })).toEqual([3, 1]);
    expect(await sequences({ application: 'web' })).toEqual([2]);
    expect(await sequences({ sinceMs: t0 + 5 })).toEqual([3, 2]);
    expect((await store.events.after(1, { cluster: 'eu' }, 10)).map(({ sequence }) => sequence)).toEqual([3]);
  });

  it('pages without gap or repeat while events are added', async () => {
    const { store } = current();
    await store.events.append(Array.from({ length: 5 }, () => anEvent()));
    const first = await store.events.list({}, { limit: 2 });
    await store.events.append([anEvent()]);
    const second = await store.events.list({}, { limit: 3, cursor: first.next });
    const seen = [...first.items, ...second.items].map(({ sequence }) => sequence);
    expect(seen).toEqual([5, 4, 3, 2, 1]);
    expect(second.next).toBeUndefined();
  });
}

function describeOutbox(current: () => StoreUnderTest): void {
  it('takes wanted types from then on, until they are settled', async () => {
    const { store } = current();
    await store.events.append([anEvent({ type: 'drift.found' })]);
    await store.events.setOutboxTypes(['drift']);
    await store.events.append([anEvent({ type: 'drift.found' }), anEvent({ type: 'sync.failed' })]);
    expect(await store.events.outbox(t0, 10)).toMatchObject([{ event: { sequence: 2 }, attempts: 0 }]);
    await store.events.deferOutbox(2, t0 + 50);
    expect(await store.events.outbox(t0 + 49, 10)).toEqual([]);
    expect(await store.events.outbox(t0 + 50, 10)).toMatchObject([{ attempts: 1 }]);
    await store.events.settleOutbox(2);
    expect(await store.events.outbox(t0 + 50, 10)).toEqual([]);
  });

  it('holds 10,000; the oldest go first and are counted', async () => {
    const { store } = current();
    await store.events.setOutboxTypes(['drift.found']);
    const many = (length: number) => Array.from({ length }, () => anEvent({ type: 'drift.found' }));
    for (let block = 0; block < 10; block += 1) await store.events.append(many(1_000));
    expect(await store.meta.value('events.dropped')).toBeUndefined();
    await store.events.append(many(3));
    await store.events.append(many(1));
    expect(Number(await store.meta.value('events.dropped'))).toBe(4);
    expect((await store.events.outbox(t0, 1))[0]?.event.sequence).toBe(5);
  });
}

function describeTopics(current: () => StoreUnderTest): void {
  it('tells listeners what changed, until they unsubscribe', async () => {
    const { store } = current();
    const heard: string[] = [];
    const stop = store.subscribe((topic, key) => heard.push(`${topic} ${key}`));
    await assign(store, 'eu', 'web');
    expect(heard.splice(0).sort()).toEqual(['assignments eu\nweb', 'fleet ']);
    // The agent that says so needs no look at what it said.
    const said = { cluster: 'eu', application: 'web', generation: 1, message: '', timeMs: t0 };
    await store.releases.acknowledge({ ...said, stage: 'applied' });
    expect(heard).toEqual(['acknowledgements eu\nweb']);
    stop();
    await assign(store, 'us', 'web');
    expect(heard).toHaveLength(1);
  });

  it('tells nothing of a call that failed', async () => {
    const { store } = current();
    const heard: string[] = [];
    store.subscribe((topic) => heard.push(topic));
    await expect(store.releases.confirm('x', 'ann', anEvent())).rejects.toMatchObject({ code: 'not_found' });
    await store.events.append([]);
    expect(heard).toEqual([]);
  });
}

export function describeEvents(current: () => StoreUnderTest): void {
  describe('events', () => describeLog(current));
  describe('outbox', () => describeOutbox(current));
  describe('topics', () => describeTopics(current));
}
