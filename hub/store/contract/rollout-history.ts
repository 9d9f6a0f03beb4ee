import { describe, expect, it } from 'vitest';
import type {
  ClusterRecord,
  HistoryWrite,
  RolloutRecord,
  TimelineEntry,
  WaveRecord,
} from '../../model/rollout-history.ts';
import type { StoreUnderTest } from '../contract.ts';
import { farFutureMs, planOf, t0 } from './fixtures.ts';

const said = { actor: 'ann', reason: 'looks good', atMs: t0 + 3 };

const wave: WaveRecord = {
  ...{ name: 'canary', clusters: 1, healthy: 1, failed: 0, excluded: 0, rolledBack: 0, untouched: 0 },
  ...{ startedAtMs: t0, settledAtMs: undefined, endedAtMs: undefined },
  ...{ approvedBefore: said, approvedAfter: undefined, promoted: undefined },
  analyses: [{ name: 'errors', successes: 2, failures: 0, inconclusive: 1, last: '0.01' }],
};

function recordOf(id: string, part: Partial<RolloutRecord> = {}): RolloutRecord {
  return {
    ...{ id, application: 'web', revisionId: 'r1', strategy: 'careful', result: 'Progressing', message: '' },
    ...{ startedAtMs: t0, endedAtMs: undefined, supersededBy: undefined, waves: [wave] },
    ...part,
  };
}

function entryOf(message: string, part: Partial<TimelineEntry> = {}): TimelineEntry {
  const about = { wave: '', clusters: { count: 1, names: ['eu'] } };
  return { timeMs: t0, kind: 'phase', actor: 'hub', ...about, message, ...part };
}

const write = (record: RolloutRecord, part: Partial<HistoryWrite> = {}): HistoryWrite => ({
  ...{ record, clusters: undefined, entries: [] },
  ...part,
});

const clusters: readonly ClusterRecord[] = [
  {
    ...{ cluster: 'eu', wave: 'canary', result: 'Healthy', message: '' },
    ...{ assignedAtMs: t0, appliedAtMs: t0 + 1, healthyAtMs: t0 + 2, countedAtMs: t0 + 3 },
    rolledBackAtMs: undefined,
  },
];

function describeTimelines(current: () => StoreUnderTest): void {
  it('numbers a timeline, gives it in pages, and drops the routine of one that says too much', async () => {
    const { store } = current();
    const many = (kind: TimelineEntry['kind'], count: number) =>
      Array.from({ length: count }, (_, index) => entryOf(`${kind} ${index}`, { kind }));
    const add = (entries: readonly TimelineEntry[]) =>
      store.releases.savePlan(planOf({ history: [write(recordOf('one'), { entries })] }));
    await add([entryOf('begins'), ...many('progress', 3)]);
    const first = await store.history.timeline('one', { limit: 3 });
    expect(first.items.map(({ sequence, message }) => `${sequence} ${message}`)).toEqual([
      '1 begins',
      '2 progress 0',
      '3 progress 1',
    ]);
    const second = await store.history.timeline('one', { limit: 3, cursor: first.next });
    expect(second).toMatchObject({ items: [{ sequence: 4 }], next: undefined });
    await add([...many('progress', 10), ...many('action', 4_990)]);
    const all = await store.history.timeline('one', { limit: 500 });
    expect(all.items.slice(0, 4).map(({ sequence, message }) => `${sequence} ${message}`)).toEqual([
      '1 begins',
      '6 progress 1',
      '7 progress 2',
      '8 progress 3',
    ]);
    await add(many('failure', 4_999));
    const [oldest] = (await store.history.timeline('one', { limit: 1 })).items;
    expect(oldest).toMatchObject({ kind: 'action', message: 'action 4989' });
  });
}

export function describeRolloutHistory(current: () => StoreUnderTest): void {
  describe('rollout history', () => {
    it('keeps rollouts as they were last told, newest first, and the clusters of those that ended', async () => {
      const { store } = current();
      await store.releases.savePlan(planOf({ history: [write(recordOf('one')), write(recordOf('two'))] }));
      await store.releases.savePlan(planOf({ history: [write(recordOf('db-1', { application: 'db' }))] }));
      expect(await store.history.clusters('one')).toBeUndefined();
      const ended = recordOf('one', {
        ...{ result: 'Superseded', endedAtMs: t0 + 9, message: 'superseded by revision r2' },
        supersededBy: { id: 'two', revisionId: 'r2' },
      });
      await store.releases.savePlan(planOf({ history: [write(ended, { clusters })] }));
      expect(await store.history.record('one')).toEqual(ended);
      expect(await store.history.clusters('one')).toEqual(clusters);
      expect(await store.history.record('three')).toBeUndefined();
      const first = await store.history.list('web', { limit: 1 });
      expect(first.items).toEqual([recordOf('two')]);
      expect(await store.history.list('web', { limit: 1, cursor: first.next })).toEqual({
        items: [ended],
        next: undefined,
      });
    });

    it('is written with the state of the rollout, or not at all', async () => {
      const { store } = current();
      await store.releases.savePlan(planOf({ rollouts: { web: { wave: 1 } } }));
      const pass = { application: 'web', decisions: [], events: [], nowMs: t0 };
      const late = write(recordOf('one'), { entries: [entryOf('too late')] });
      const lost = { ...pass, version: 7, state: { wave: 2 }, history: [late] };
      expect(await store.releases.saveRollout(lost)).toBeUndefined();
      expect(await store.history.record('one')).toBeUndefined();
      const kept = { ...pass, version: 1, state: { wave: 2 }, history: [late] };
      expect(await store.releases.saveRollout(kept)).toEqual([]);
      expect((await store.history.timeline('one', { limit: 9 })).items).toHaveLength(1);
    });

    it('ends the rollout of an application that is gone from the fleet and from every cluster', async () => {
      const { store } = current();
      await store.releases.savePlan(
        planOf({ rollouts: { web: { wave: 1 } }, history: [write(recordOf('one'))] }),
      );
      await store.releases.savePlan(planOf({ nowMs: t0 + 5 }));
      expect(await store.history.record('one')).toMatchObject({ result: 'Complete', endedAtMs: t0 + 5 });
    });

    describeTimelines(current);

    it('forgets what ended long ago, and what is more than is kept of an application, but not what goes on', async () => {
      const { store } = current();
      const over = (id: string, endedAtMs: number) => write(recordOf(id, { result: 'Complete', endedAtMs }));
      const late = farFutureMs - 10;
      const entries = [entryOf('begins')];
      const history = [
        write(recordOf('goes-on'), { entries }),
        { ...over('old', t0), entries },
        over('young-1', late),
        over('young-2', late),
        over('young-3', late),
      ];
      await store.releases.savePlan(planOf({ history }));
      const request = { nowMs: farFutureMs, eventsKeptMs: 1_000, releasesKeptMs: 1_000, releasesKept: 0 };
      const kept = { ...request, rolloutsKeptMs: 1_000, rolloutsKept: 2 };
      expect(await store.collectGarbage(kept)).toMatchObject({ rollouts: 2 });
      expect(await store.collectGarbage(kept)).toMatchObject({ rollouts: 0 });
      const { items } = await store.history.list('web', { limit: 10 });
      expect(items.map(({ id }) => id)).toEqual(['young-3', 'young-2', 'goes-on']);
      expect((await store.history.timeline('old', { limit: 10 })).items).toEqual([]);
      expect((await store.history.timeline('goes-on', { limit: 10 })).items).toHaveLength(1);
    });
  });
}
