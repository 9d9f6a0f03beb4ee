import { describe, expect, it } from 'vitest';
import type { Revision } from '../../model/revision.ts';
import type { SourceStatus } from '../../model/source-status.ts';
import type { StoreUnderTest } from '../contract.ts';
import { anEvent, planOf, saveTarget, t0, targetOf } from './fixtures.ts';

const person = { name: 'Ann', email: 'ann@example.com', timeMs: t0 };

function revisionOf(id: string): Revision {
  const commit = { sha: id, author: person, committer: person, message: `change ${id}`, parents: [] };
  return { id, commit, ref: 'main', sources: {}, seenAtMs: t0 };
}

const status: SourceStatus = {
  key: '@main',
  url: 'https://git.example/fleet',
  ref: 'main',
  head: undefined,
  headSeenAtMs: undefined,
  lastAttemptAtMs: t0,
  conditions: [],
};

function describeRevisions(current: () => StoreUnderTest): void {
  it('keeps a revision and its events once', async () => {
    const { store } = current();
    await store.sources.saveRevision(revisionOf('a'), [anEvent({ type: 'revision.seen' })]);
    await store.sources.saveRevision(revisionOf('a'), [anEvent({ type: 'revision.seen' })]);
    expect(await store.sources.revision('a')).toEqual(revisionOf('a'));
    expect(await store.sources.revision('b')).toBeUndefined();
    expect(await store.events.lastSequence()).toBe(1);
  });

  it('keeps what rendering a revision took last', async () => {
    const { store } = current();
    await store.sources.saveRevision(revisionOf('a'), []);
    const rendering = {
      directoriesBuilt: 1,
      filesRead: 2,
      filesParsed: 3,
      bytesParsed: 4,
      placements: 6,
      sets: 5,
    };
    await store.sources.saveRendering('a', { ...rendering, sets: 1 });
    await store.sources.saveRendering('a', rendering);
    await store.sources.saveRendering('unknown', rendering);
    expect(await store.sources.revision('a')).toEqual({ ...revisionOf('a'), rendering });
    expect((await store.sources.latestRevision())?.rendering).toEqual(rendering);
    expect(await store.sources.revision('unknown')).toBeUndefined();
    // A revision that is known stays as it is.
    await store.sources.saveRevision(revisionOf('a'), []);
    expect((await store.sources.revision('a'))?.rendering).toEqual(rendering);
  });

  it('pages revisions, newest first', async () => {
    const { store } = current();
    expect(await store.sources.latestRevision()).toBeUndefined();
    for (const id of ['a', 'b', 'c']) await store.sources.saveRevision(revisionOf(id), []);
    const first = await store.sources.revisions({ limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(['c', 'b']);
    const second = await store.sources.revisions({ limit: 2, cursor: first.next });
    expect(second.items.map(({ id }) => id)).toEqual(['a']);
    expect(second.next).toBeUndefined();
    expect((await store.sources.latestRevision())?.id).toBe('c');
  });

  it('refuses a limit over 500 and a cursor of another list', async () => {
    const { store } = current();
    const refused = { code: 'invalid_argument' };
    await expect(store.sources.revisions({ limit: 501 })).rejects.toMatchObject(refused);
    await expect(store.sources.revisions({ limit: 0 })).rejects.toMatchObject(refused);
    await expect(store.sources.revisions({ limit: 1, cursor: 'nonsense' })).rejects.toMatchObject(refused);
  });
}

export function describeSources(current: () => StoreUnderTest): void {
  describe('sources', () => {
    it('keeps, lists and removes statuses', async () => {
      const { store } = current();
      await store.sources.save(status);
      await store.sources.save({ ...status, head: 'abc' });
      expect(await store.sources.list()).toEqual([{ ...status, head: 'abc' }]);
      expect((await store.sources.get('@main'))?.head).toBe('abc');
      await store.sources.remove('@main');
      expect(await store.sources.get('@main')).toBeUndefined();
    });

    it('remembers a delivery for a day', async () => {
      const { store } = current();
      expect(await store.sources.rememberDelivery('x', t0)).toBe(true);
      expect(await store.sources.rememberDelivery('x', t0 + 1)).toBe(false);
      expect(await store.sources.rememberDelivery('x', t0 + 25 * 3_600_000)).toBe(true);
    });

    it('forgets the oldest of more than 10,000 deliveries', async () => {
      const { store } = current();
      for (let block = 0; block < 10; block += 1)
        await Promise.all(
          Array.from({ length: 1_000 }, (_, at) => store.sources.rememberDelivery(`${block}-${at}`, t0)),
        );
      expect(await store.sources.rememberDelivery('0-0', t0)).toBe(false);
      expect(await store.sources.rememberDelivery('one-more', t0)).toBe(true);
      expect(await store.sources.rememberDelivery('9-999', t0)).toBe(false);
      expect(await store.sources.rememberDelivery('0-0', t0)).toBe(true);
    });
    describeRevisions(current);
  });

  describe('fleet', () => {
    it('replaces the resources and keeps a resolution while its application is in the fleet', async () => {
      const { store } = current();
      expect(await store.fleet.load()).toEqual({ revisionId: undefined, resources: [], problems: [] });
      const target = await saveTarget(store, targetOf([]));
      const web = { kind: 'Application', name: 'web', value: { a: 1 } } as const;
      const eu = { kind: 'Cluster', name: 'eu', value: { b: 2 } } as const;
      const resolution = {
        application: 'web',
        revisionId: 'r1',
        resolvedAtMs: t0,
        problems: [],
        targets: { eu: target.digest },
      };
      const problem = { code: 'invalid_manifest', file: 'a', line: 1, field: '', message: 'm' } as const;
      await store.releases.savePlan(
        planOf({ fleet: { resources: [eu, web], problems: [problem] }, resolutions: [resolution] }),
      );
      expect(await store.fleet.load()).toEqual({
        revisionId: 'r1',
        resources: [web, eu],
        problems: [problem],
      });
      expect(await store.fleet.hasKind('Application')).toBe(true);
      expect(await store.fleet.hasKind('ParityGroup')).toBe(false);
      expect(await store.fleet.resolution('web')).toEqual(resolution);
      await store.releases.savePlan(planOf({ revisionId: 'r2', fleet: { resources: [web], problems: [] } }));
      expect(await store.fleet.resolutions()).toEqual([resolution]);
      await store.releases.savePlan(planOf({ revisionId: 'r3' }));
      expect(await store.fleet.resolutions()).toEqual([]);
      expect((await store.fleet.load()).resources).toEqual([]);
      expect(await store.fleet.hasKind('Application')).toBe(false);
    });
  });
}
