import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import type { GarbageRequest } from '../store.ts';
import {
  anEvent,
  configMap,
  decide,
  farFutureMs,
  planOf,
  releaseOf,
  saveRemoval,
  saveTarget,
  t0,
  targetOf,
} from './fixtures.ts';

const request: GarbageRequest = {
  nowMs: farFutureMs,
  eventsKeptMs: 1_000,
  releasesKeptMs: 1_000,
  releasesKept: 0,
};

function describeContents(current: () => StoreUnderTest): void {
  it('collects an old release with all that only it reached; a shared object survives', async () => {
    const { store } = current();
    const old = targetOf([configMap('shared'), configMap('only-old')]);
    const next = targetOf([configMap('shared'), configMap('only-new')]);
    const [a, b] = [await saveTarget(store, old), await saveTarget(store, next)];
    const releases = [
      releaseOf('rel-1', 'web', { eu: a.digest }),
      releaseOf('rel-2', 'web', { eu: b.digest }),
    ];
    const decisions = [decide('eu', 'web', b, { releaseId: 'rel-2' })];
    await store.releases.savePlan(planOf({ releases, decisions }));
    expect(await store.collectGarbage(request)).toEqual({
      events: 0,
      releases: 1,
      targets: 1,
      sets: 1,
      blobs: 1,
      rollouts: 0,
      renders: 0,
    });
    expect(await store.releases.release('rel-1')).toBeUndefined();
    expect(await store.content.target(a.digest)).toBeUndefined();
    expect(await store.content.target(b.digest)).toEqual(b);
    const digests = [...old.objects, ...next.objects].map(({ digest }) => digest);
    expect((await store.content.objects(digests)).size).toBe(2);
    expect(await store.releases.release('rel-2')).toEqual(releases[1]);
    expect(await store.collectGarbage(request)).toMatchObject({ releases: 0, targets: 0, sets: 0, blobs: 0 });
  });

  it('keeps the revision of a release, and the one before it', async () => {
    const { store } = current();
    const person = { name: 'Ann', email: 'ann@example.com', timeMs: 0 };
    for (const id of ['one', 'two', 'three', 'four', 'five'])
      await store.sources.saveRevision(
        {
          ...{ id, ref: 'main', sources: {}, seenAtMs: t0 },
          commit: { sha: id, author: person, committer: person, message: '', parents: [] },
        },
        [],
      );
    const target = await saveTarget(store, targetOf([configMap('a')]));
    const release = { ...releaseOf('rel-1', 'web', { eu: target.digest }), revisionId: 'three' };
    await store.releases.savePlan(planOf({ revisionId: 'five', releases: [release] }));
    await store.collectGarbage({ ...request, releasesKept: 1 });
    const { items } = await store.sources.revisions({ limit: 10 });
    expect(items.map(({ id }) => id)).toEqual(['five', 'three', 'two']);
  });

  it('keeps what a rollout would go back to, and its release, as long as it may', async () => {
    const { store } = current();
    const good = await saveTarget(store, targetOf([configMap('good')]));
    const next = await saveTarget(store, targetOf([configMap('next')]));
    const healthy = async () => {
      const place = { cluster: 'eu', application: 'web', message: '', timeMs: t0 };
      for (const { generation } of await store.releases.assignments({}))
        await store.releases.acknowledge({ ...place, generation, stage: 'healthy' });
    };
    const first = [decide('eu', 'web', good)];
    await store.releases.savePlan(planOf({ decisions: first, rollouts: { web: { wave: 1 } } }));
    await healthy();
    const releases = [releaseOf('rel-2', 'web', { us: next.digest })];
    await store.releases.savePlan(planOf({ releases }));
    const pass = { application: 'web', version: 1, state: { wave: 2 }, events: [], nowMs: t0 };
    const decisions = [decide('eu', 'web', next, { releaseId: 'rel-3' })];
    const pins = { releaseId: 'rel-2', targets: [good.digest] };
    expect(await store.releases.saveRollout({ ...pass, decisions, pins })).toHaveLength(1);
    // The next is healthy as well: nothing but the rollout names the first any more.
    await healthy();
    await store.collectGarbage(request);
    expect(await store.content.target(good.digest)).toEqual(good);
    expect(await store.releases.release('rel-2')).toBeDefined();
    // A rollout that began since needs it no more.
    const begun = { rollouts: { web: { wave: 3 } }, pins: { web: { releaseId: 'rel-4', targets: [] } } };
    await store.releases.savePlan(planOf(begun));
    await store.collectGarbage(request);
    expect(await store.content.target(good.digest)).toBeUndefined();
    expect(await store.releases.release('rel-2')).toBeUndefined();
  });

  it('keeps the newest releases of an application and the contents that they name', async () => {
    const { store } = current();
    const targets = await Promise.all(
      ['a', 'b', 'c'].map((name) => saveTarget(store, targetOf([configMap(name)]))),
    );
    const releases = targets.map((target, at) => releaseOf(`rel-${at}`, 'web', { eu: target.digest }));
    await store.releases.savePlan(planOf({ releases }));
    const report = await store.collectGarbage({ ...request, releasesKept: 2 });
    expect(report).toMatchObject({ releases: 1, targets: 1, sets: 1, blobs: 1 });
    expect(await store.releases.release('rel-1')).toBeDefined();
  });

  it('keeps what was saved a short while ago, since its plan may be on its way', async () => {
    const { store } = current();
    const target = await saveTarget(store, targetOf([configMap('a')]));
    await store.collectGarbage({ ...request, nowMs: t0, releasesKeptMs: 0 });
    expect(await store.content.target(target.digest)).toEqual(target);
    expect(await store.collectGarbage(request)).toMatchObject({ targets: 1, sets: 1, blobs: 1 });
  });

  it('keeps the target that a place was last healthy with', async () => {
    const { store } = current();
    const good = await saveTarget(store, targetOf([configMap('good')]));
    const bad = await saveTarget(store, targetOf([configMap('bad')]));
    await store.releases.savePlan(planOf({ decisions: [decide('eu', 'web', good)] }));
    const ack = { cluster: 'eu', application: 'web', generation: 1, message: '', timeMs: t0 };
    await store.releases.acknowledge({ ...ack, stage: 'healthy' });
    await store.releases.savePlan(planOf({ decisions: [decide('eu', 'web', bad)] }));
    await store.collectGarbage(request);
    expect(await store.content.target(good.digest)).toEqual(good);
  });

  it('keeps what a resolution names, until the application is gone', async () => {
    const { store } = current();
    const target = await saveTarget(store, targetOf([configMap('a')]));
    const resolution = {
      application: 'web',
      revisionId: 'r1',
      resolvedAtMs: t0,
      problems: [],
      targets: { eu: target.digest },
    };
    await store.releases.savePlan(planOf({ resolutions: [resolution] }));
    expect(await store.collectGarbage(request)).toMatchObject({ targets: 0 });
    await store.releases.savePlan(planOf());
    expect(await store.collectGarbage(request)).toMatchObject({ targets: 1 });
  });

  it('collects an application that was removed everywhere', async () => {
    const { store } = current();
    const target = await saveTarget(store, targetOf([configMap('a')]));
    const removal = await saveRemoval(store);
    await store.releases.savePlan(planOf({ decisions: [decide('eu', 'web', target)] }));
    await store.releases.savePlan(planOf({ decisions: [decide('eu', 'web', removal)] }));
    const ack = { cluster: 'eu', application: 'web', generation: 2, message: '', timeMs: t0 };
    await store.releases.acknowledge({ ...ack, stage: 'applied' });
    expect(await store.collectGarbage(request)).toMatchObject({ targets: 2, sets: 2, blobs: 1 });
  });
}

export function describeGarbage(current: () => StoreUnderTest): void {
  describe('garbage', () => {
    describeContents(current);

    it('deletes old events, in bounded amounts, but none that is still to be told', async () => {
      const { store } = current();
      await store.events.append([anEvent({ timeMs: farFutureMs })]);
      await store.events.append(Array.from({ length: 1_200 }, () => anEvent()));
      await store.events.setOutboxTypes(['drift']);
      await store.events.append([anEvent({ type: 'drift.found' })]);
      expect((await store.collectGarbage(request)).events).toBe(1_000);
      expect((await store.collectGarbage(request)).events).toBe(200);
      expect((await store.events.after(0, {}, 10)).map(({ sequence }) => sequence)).toEqual([1, 1_202]);
    });

    it('keeps no more events than asked for, however young, and the newest of them', async () => {
      const { store } = current();
      await store.events.setOutboxTypes(['drift']);
      await store.events.append([anEvent({ timeMs: farFutureMs, type: 'drift.found' })]);
      await store.events.append(Array.from({ length: 9 }, () => anEvent({ timeMs: farFutureMs })));
      expect((await store.collectGarbage({ ...request, eventsKept: 4 })).events).toBe(5);
      expect((await store.collectGarbage({ ...request, eventsKept: 4 })).events).toBe(0);
      const kept = await store.events.after(0, {}, 20);
      expect(kept.map(({ sequence }) => sequence)).toEqual([1, 7, 8, 9, 10]);
    });

    it('never gives a sequence twice, though all events are gone', async () => {
      const { store } = current();
      await store.events.append([anEvent(), anEvent()]);
      await store.collectGarbage(request);
      expect([await store.events.firstSequence(), await store.events.lastSequence()]).toEqual([3, 2]);
      await store.events.append([anEvent()]);
      expect(await store.events.lastSequence()).toBe(3);
    });
  });
}
