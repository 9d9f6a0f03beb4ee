import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { createEvent } from '../../model/event.ts';
import type { Store } from '../../store/store.ts';
import { createPauseLoop } from '../housekeeping.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { createSourceLoop, planPollMs } from '../source/source-loop.ts';

const cluster = (name: string, spec = '{}') =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
const application = (clusters: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: shop }\nspec:\n  source: { path: shop }\n  placement: { clusters: [${clusters}] }\n  rollout: { strategy: all-at-once }\n`;
const map = (value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: shop }\ndata: { value: "${value}" }\n`;
const files = (clusters: string, value = '1', spec = '{}') => ({
  'fleet/one.yaml': cluster('one', spec),
  'fleet/two.yaml': cluster('two'),
  'fleet/shop.yaml': application(clusters),
  'shop/map.yaml': map(value),
});

let bed: LoopBed;
beforeEach(async () => {
  bed = await createLoopBed();
});
afterEach(() => bed.close());

/** The store, with some calls of its release repository told or broken. */
const over = (releases: Partial<Store['releases']>): Store => ({
  ...bed.store,
  releases: { ...bed.store.releases, ...releases },
});
const assigned = async () =>
  (await bed.store.releases.assignments({})).map((one) => `${one.cluster} ${one.removed ? 'leaves' : 'has'}`);
const enrol = (name: string) => bed.store.registry.seen({ cluster: name, connected: true, nowMs: 0 });

describe('the resolve loop', () => {
  it('finishes removals where no agent ever was, though it was killed after the plan', async () => {
    await enrol('one');
    await bed.commit(files('one, two'));
    await bed.resolve();
    await bed.commit(files(''));
    const killed = over({ acknowledge: () => Promise.reject(new Error('killed')) });
    await expect(bed.resolve(killed)).rejects.toThrow();
    expect(await assigned()).toEqual(['one leaves', 'two leaves']);
    await bed.resolve();
    expect(await assigned()).toEqual(['one leaves']);
  });

  it('plans again where a rollout has gone on since it looked', async () => {
    await bed.commit(files('one'));
    await bed.resolve();
    await bed.commit(files('one', '2'));
    const plans: string[] = [];
    const raced = over({
      savePlan: async (plan) => {
        plans.push('plan');
        const { version = 0, state } = (await bed.store.releases.rollout('shop')) ?? {};
        const pass = { application: 'shop', version, decisions: [], events: [], nowMs: 1 };
        const held = ['x'.repeat(64)];
        if (plans.length === 1)
          await bed.store.releases.saveRollout({ ...pass, state: { ...(state as object), held } });
        return bed.store.releases.savePlan(plan);
      },
    });
    const loop = bed.resolveLoop(raced);
    loop.wake('fleet');
    await loop.idle();
    const revisionsOf = async () =>
      (await bed.store.releases.assignments({})).map(({ revisionId }) => revisionId.slice(-1));
    expect(await revisionsOf()).toEqual(['1']);
    await bed.clock.advance(2);
    await loop.idle();
    await loop.stop();
    expect(plans).toHaveLength(2);
    expect(await revisionsOf()).toEqual(['2']);
    // What came in between is not lost.
    expect((await bed.store.releases.rollout('shop'))?.state).toMatchObject({ held: ['x'.repeat(64)] });
  });

  it('pauses a cluster before it hands out what the same commit says', async () => {
    await bed.commit(files('one'));
    await bed.resolve();
    await bed.commit(files('one', '2', '{ paused: true }'));
    const calls: string[] = [];
    const told = over({
      savePause: (...args) => {
        calls.push('pause');
        return bed.store.releases.savePause(...args);
      },
      savePlan: (plan) => {
        calls.push('plan');
        return bed.store.releases.savePlan(plan);
      },
    });
    await bed.resolve(told);
    expect(calls).toEqual(['pause', 'plan']);
  });

  it('takes a source that is not here yet for no failure, and one that cannot be had for one', async () => {
    const shop = application('one').replace('path: shop', 'path: shop, ref: side');
    await bed.commit({ ...files('one'), 'fleet/shop.yaml': shop });
    await bed.resolve();
    const failed = async () =>
      (await bed.store.events.list({ types: ['revision.failed'] }, { limit: 10 })).items;
    const problem = async () => (await bed.store.fleet.resolution('shop'))?.problems[0]?.problem.message;
    expect(await problem()).toBe('source @side is being fetched for the first time');
    expect(await failed()).toEqual([]);
    const ready = {
      type: 'Ready',
      status: 'False',
      reason: 'RefNotFound',
      message: 'there is no side',
    } as const;
    await bed.store.sources.save({
      ...{ key: '@side', url: bed.root.url, ref: 'side', head: undefined, headSeenAtMs: undefined },
      lastAttemptAtMs: 0,
      conditions: [{ ...ready, lastTransitionTimeMs: 0 }],
    });
    await bed.resolve();
    expect(await problem()).toBe('source @side was never fetched: there is no side');
    expect(await failed()).toHaveLength(1);
  });

  it('looks again by itself after an error that trying again at once cannot mend', async () => {
    await bed.commit(files('one'));
    let broken = true;
    const source = { ...bed.source };
    const loop = bed.resolveLoop({
      ...bed.store,
      sources: {
        ...bed.store.sources,
        get: async (key) => {
          if (broken) await source.tree('', 'gone');
          return bed.store.sources.get(key);
        },
      },
    });
    loop.wake('fleet');
    await loop.idle();
    expect(loop.state()).toMatchObject([{ failures: 1 }]);
    broken = false;
    await bed.clock.advance(400_000);
    await loop.idle();
    await loop.stop();
    expect(await assigned()).toEqual(['one has']);
  });
});

describe('the pause loop', () => {
  it('has a pause in Git take over again when one by hand is over', async () => {
    await bed.commit(files('one', '1', '{ paused: true }'));
    await bed.resolve();
    const loop = createPauseLoop({ ...bed, random: createSeededRandom(1), log: silentLogger });
    const untilMs = bed.clock.now() + 1_000;
    const byHand = { cluster: 'one', application: '', reason: 'mine', actor: 'ada', createdAtMs: 0, untilMs };
    await bed.store.releases.savePause(
      byHand,
      createEvent({ type: 'audit.pause', actor: 'ada', timeMs: 0, message: '' }),
    );
    loop.wake('pauses');
    await loop.idle();
    expect(await bed.store.releases.pauses()).toEqual([byHand]);
    await bed.clock.advance(2_000);
    await expect
      .poll(async () => (await bed.store.releases.pauses()).map(({ actor }) => actor))
      .toEqual(['git']);
    await loop.stop();
  });
});

describe('the source loop', () => {
  it('wakes those who wait when a mirror was fetched again, though the head is the same', async () => {
    const head = await bed.commit(files('one'));
    const moved: string[] = [];
    let bytesReceived = 0;
    const loop = createSourceLoop({
      store: bed.store,
      source: { ...bed.source, fetch: async () => ({ head, moved: false, rewritten: false, bytesReceived }) },
      followed: () => new Map([[bed.root.key, bed.root]]),
      pollIntervalMs: 10_000,
      rootKey: bed.root.key,
      onMoved: (key) => moved.push(key),
      clock: bed.clock,
      random: createSeededRandom(1),
      log: silentLogger,
    });
    loop.wake(bed.root.key);
    await loop.idle();
    expect(moved).toEqual([]);
    bytesReceived = 1_000;
    loop.wake(bed.root.key);
    await loop.idle();
    await loop.stop();
    expect(moved).toEqual([bed.root.key]);
  });

  it('looks at the root repository while other remotes hang', async () => {
    const head = await bed.commit(files('one'));
    const others = Array.from({ length: 20 }, (_, index) => ({
      key: `r${index}@`,
      url: `https://${index}`,
      ref: '',
    }));
    const asked: string[] = [];
    const loop = createSourceLoop({
      store: bed.store,
      source: {
        ...bed.source,
        fetch: async ({ url, signal }) => {
          asked.push(url);
          if (url !== bed.root.url)
            await new Promise((_, reject) =>
              signal.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError'))),
            );
          return { head, moved: false, rewritten: false, bytesReceived: 0 };
        },
      },
      followed: () => new Map([...others, bed.root].map((source) => [source.key, source])),
      pollIntervalMs: 10_000,
      rootKey: bed.root.key,
      onMoved: () => {},
      clock: bed.clock,
      random: createSeededRandom(1),
      log: silentLogger,
    });
    for (const { key } of [...others, bed.root]) loop.wake(key);
    await expect.poll(() => asked).toContain(bed.root.url);
    expect(asked).toHaveLength(5);
    await loop.stop();
  });

  it.each([
    [undefined, 15_000],
    [30_000, 15_000],
    [120_000, 30_000],
    [3_600_000, 60_000],
  ])('having failed for %s ms waits %s ms', (failedForMs, waitMs) => {
    const nowMs = 10_000_000;
    const ready = { type: 'Ready', reason: 'Unreachable', message: '' } as const;
    const status = failedForMs === undefined ? 'True' : 'False';
    const conditions = [{ ...ready, status, lastTransitionTimeMs: nowMs - (failedForMs ?? 0) } as const];
    const known = { ...bed.root, head: undefined, headSeenAtMs: undefined, lastAttemptAtMs: 0, conditions };
    expect(planPollMs(known, 15_000, nowMs)).toBe(waitMs);
  });
});
