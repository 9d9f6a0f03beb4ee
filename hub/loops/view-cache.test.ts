import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import type { Store, StoreListener } from '../store/store.ts';
import { createViewCache } from './view-cache.ts';

const clock = createFakeClock();
let listener: StoreListener;
let loads: (() => void)[];
let release: 'at once' | 'later';

/** A store without rows whose first read can be held up; the rest of a load waits for it. */
const store = {
  subscribe: (added: StoreListener) => {
    listener = added;
    return () => {};
  },
  fleet: {
    load: () =>
      new Promise((resolve) => {
        loads.push(() => resolve({ revisionId: undefined, resources: [], problems: [] }));
        if (release === 'at once') loads.at(-1)?.();
      }),
    resolutions: async () => [],
  },
  releases: { assignments: async () => [], pauses: async () => [], confirmations: async () => [] },
  observations: { applications: async () => [] },
  registry: { clusters: async () => [] },
} as unknown as Store;

beforeEach(() => {
  loads = [];
  release = 'at once';
});
afterEach(() => clock.advance(10_000));

/** Folds once, in that time. */
async function foldIn(tookMs: number) {
  const cache = createViewCache(store, clock);
  release = 'later';
  const first = cache.views();
  await clock.advance(tookMs);
  loads[0]?.();
  await first;
  release = 'at once';
  return cache;
}

describe('createViewCache', () => {
  it('folds once for all who ask while it folds, whatever agents report meanwhile', async () => {
    const cache = createViewCache(store, clock);
    release = 'later';
    const asked = [cache.views(), cache.views()];
    listener('observations', 'eu-1');
    asked.push(cache.views());
    expect(loads).toHaveLength(1);
    loads[0]?.();
    await Promise.all(asked);
  });

  it('folds again after a report, but not sooner than its cost allows', async () => {
    const cache = await foldIn(100);
    listener('observations', 'eu-1');
    await cache.views();
    expect(loads).toHaveLength(1);
    await clock.advance(401);
    await cache.views();
    expect(loads).toHaveLength(2);
  });

  it('never shows an old state after a pause, a confirmation or a new fleet', async () => {
    const cache = await foldIn(100);
    for (const [index, topic] of (['pauses', 'confirmations', 'fleet'] as const).entries()) {
      listener(topic, '');
      await cache.views();
      expect(loads).toHaveLength(index + 2);
    }
  });

  it('folds nothing anew for topics that no view shows', async () => {
    const cache = await foldIn(0);
    for (const topic of ['events', 'sources', 'revisions'] as const) listener(topic, '');
    await clock.advance(1_000);
    await cache.views();
    expect(loads).toHaveLength(1);
  });
});
