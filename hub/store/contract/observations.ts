import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import type { ObjectFilter } from '../repositories/observation-repository.ts';
import type { Store } from '../store.ts';
import { anEvent, applicationReport, assign, batchOf, objectReport, t0 } from './fixtures.ts';

async function listAll(store: Store, filter: ObjectFilter, limit: number): Promise<readonly string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.observations.objects(filter, { limit, cursor });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    names.push(...page.items.map((row) => `${row.cluster}/${row.application}/${row.key.name}`));
    cursor = page.next;
  } while (cursor !== undefined);
  return names;
}

function describePaging(current: () => StoreUnderTest): void {
  it('gives each row once, sorted, whatever the page size', async () => {
    const { store } = current();
    const expected: string[] = [];
    for (const cluster of ['eu', 'us']) {
      for (const application of ['db', 'web']) await assign(store, cluster, application);
      const objects = ['db', 'web'].flatMap((application) =>
        Array.from({ length: 7 }, (_, at) => objectReport(cluster, application, `o${at}`)),
      );
      expected.push(...objects.map((row) => `${row.cluster}/${row.application}/${row.key.name}`));
      await store.observations.saveBatch(batchOf(cluster, { objects }), []);
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (limit) => {
        expect(await listAll(store, {}, limit)).toEqual(expected);
        expect(await listAll(store, { application: 'web' }, limit)).toEqual(
          expected.filter((name) => name.includes('/web/')),
        );
      }),
      { numRuns: 15 },
    );
  });
}

export function describeObservations(current: () => StoreUnderTest): void {
  describe('observations', () => {
    it('keeps the newest of each and ignores what is older', async () => {
      const { store } = current();
      await assign(store, 'eu', 'web');
      const save = (generation: number, timeMs: number, message: string) =>
        store.observations.saveBatch(
          batchOf('eu', {
            applications: [applicationReport('eu', 'web', { generation, timeMs, message })],
            objects: [objectReport('eu', 'web', 'a', { generation, timeMs, message })],
          }),
          [],
        );
      const messages = async () => [
        (await store.observations.applications({}))[0]?.message,
        (await store.observations.objects({}, { limit: 1 })).items[0]?.message,
      ];
      await save(2, t0 + 5, 'kept');
      await save(2, t0 + 4, 'older time');
      await save(1, t0 + 9, 'older generation');
      expect(await messages()).toEqual(['kept', 'kept']);
      await save(3, t0 + 1, 'newer generation');
      expect(await messages()).toEqual(['newer generation', 'newer generation']);
    });

    it('ignores applications that are not assigned, and keeps the rest of the batch and its events', async () => {
      const { store } = current();
      await assign(store, 'eu', 'web');
      const batch = batchOf('eu', {
        applications: [applicationReport('eu', 'web'), applicationReport('eu', 'other')],
        objects: [objectReport('eu', 'other', 'a'), objectReport('eu', 'web', 'b')],
      });
      await store.observations.saveBatch(batch, [anEvent({ id: 'agent-1' })]);
      await store.observations.saveBatch(batch, [anEvent({ id: 'agent-1' })]);
      expect(await store.observations.applications({})).toEqual([applicationReport('eu', 'web')]);
      expect(await listAll(store, {}, 10)).toEqual(['eu/web/b']);
      expect(await store.events.lastSequence()).toBe(1);
    });

    it('forgets objects that are gone', async () => {
      const { store } = current();
      await assign(store, 'eu', 'web');
      const row = objectReport('eu', 'web', 'a');
      await store.observations.saveBatch(batchOf('eu', { objects: [row] }), []);
      const gone = [{ application: 'web', key: row.key }];
      await store.observations.saveBatch(batchOf('eu', { gone }), []);
      expect(await listAll(store, {}, 10)).toEqual([]);
    });

    it('filters objects by each field', async () => {
      const { store } = current();
      await assign(store, 'eu', 'web');
      const objects = [
        objectReport('eu', 'web', 'a', { syncStatus: 'Drifted' }),
        objectReport('eu', 'web', 'b', { healthStatus: 'Failed' }),
        objectReport('eu', 'web', 'c', {
          key: { group: 'apps', kind: 'Deployment', namespace: 'x', name: 'c' },
        }),
      ];
      await store.observations.saveBatch(batchOf('eu', { objects }), []);
      expect(await listAll(store, { syncStatus: 'Drifted' }, 10)).toEqual(['eu/web/a']);
      expect(await listAll(store, { healthStatus: 'Failed' }, 10)).toEqual(['eu/web/b']);
      expect(await listAll(store, { kind: 'Deployment' }, 10)).toEqual(['eu/web/c']);
      expect(await listAll(store, { namespace: 'x' }, 10)).toEqual(['eu/web/c']);
      expect(await listAll(store, { object: 'apps/Deployment/x/c' }, 10)).toEqual(['eu/web/c']);
      expect(await listAll(store, { cluster: 'us' }, 10)).toEqual([]);
    });

    it('filters hooks by their reasons', async () => {
      const { store } = current();
      await assign(store, 'eu', 'web');
      const objects = [
        objectReport('eu', 'web', 'a', { reason: 'HookSucceeded' }),
        objectReport('eu', 'web', 'b', { reason: 'HookTimeout' }),
        objectReport('eu', 'web', 'c', { reason: 'Hooked', message: 'HookFailed' }),
      ];
      await store.observations.saveBatch(batchOf('eu', { objects }), []);
      expect(await listAll(store, { hooks: true }, 1)).toEqual(['eu/web/a', 'eu/web/b']);
      expect(await listAll(store, { hooks: true, object: objects[1]?.key.name ?? '' }, 10)).toEqual([]);
      expect(await listAll(store, { hooks: false }, 10)).toHaveLength(3);
    });
    describePaging(current);
  });
}
