import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AcknowledgementStage, Pause } from '../../model/release.ts';
import type { StoreUnderTest } from '../contract.ts';
import type { Store } from '../store.ts';
import {
  anEvent,
  applicationReport,
  assign,
  batchOf,
  configMap,
  decide,
  objectReport,
  planOf,
  releaseOf,
  saveRemoval,
  saveTarget,
  t0,
  targetOf,
} from './fixtures.ts';

function describePlans(current: () => StoreUnderTest): void {
  it('gives a changed decision the next generation of its cluster, an equal one nothing', async () => {
    const { store } = current();
    const one = await saveTarget(store, targetOf([configMap('a')]));
    const two = await saveTarget(store, targetOf([configMap('b')]));
    const both = [decide('eu', 'web', one), decide('eu', 'db', one), decide('us', 'web', one)];
    const first = await store.releases.savePlan(planOf({ decisions: both }));
    expect(first.map(({ cluster, generation }) => [cluster, generation])).toEqual([
      ['eu', 1],
      ['eu', 2],
      ['us', 1],
    ]);
    expect(await store.releases.savePlan(planOf({ decisions: both, nowMs: t0 + 5 }))).toEqual([]);
    const next = await store.releases.savePlan(
      planOf({ decisions: [decide('eu', 'web', two), decide('eu', 'db', one)] }),
    );
    expect(next).toMatchObject([{ application: 'web', targetDigest: two.digest, generation: 3 }]);
    const anew = await store.releases.savePlan(
      planOf({ decisions: [decide('eu', 'db', one, { releaseId: 'rel-2', reason: 'rollback' })] }),
    );
    expect(anew).toMatchObject([{ application: 'db', generation: 4, reason: 'rollback' }]);
    expect((await store.releases.assignments({})).map((row) => `${row.cluster}/${row.application}`)).toEqual([
      'eu/db',
      'eu/web',
      'us/web',
    ]);
    expect(await store.releases.assignments({ application: 'db' })).toHaveLength(1);
  });

  it('keeps all of a plan or nothing', async () => {
    const { store } = current();
    const known = await saveTarget(store, targetOf([configMap('a')]));
    const unknown = targetOf([configMap('never-saved')]).target;
    const plan = planOf({
      releases: [releaseOf('rel-1', 'web', { eu: known.digest })],
      decisions: [decide('eu', 'web', known), decide('us', 'web', unknown)],
      events: [anEvent()],
    });
    await expect(store.releases.savePlan(plan)).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(await store.releases.assignments({})).toEqual([]);
    expect(await store.releases.release('rel-1')).toBeUndefined();
    expect(await store.events.lastSequence()).toBe(0);
  });

  it('keeps nothing of a plan that was made over another state of a rollout', async () => {
    const { store } = current();
    const one = await saveTarget(store, targetOf([configMap('a')]));
    await store.releases.savePlan(planOf({ rollouts: { web: { wave: 1 } } }));
    const plan = planOf({ rollouts: { web: { wave: 9 } }, decisions: [decide('eu', 'web', one)] });
    const others: readonly Record<string, number>[] = [{ web: 2 }, { db: 1 }];
    for (const before of others)
      await expect(store.releases.savePlan({ ...plan, rolloutsBefore: before })).rejects.toMatchObject({
        code: 'conflict',
      });
    expect(await store.releases.assignments({})).toEqual([]);
    const kept = await store.releases.savePlan({ ...plan, rolloutsBefore: { web: 1 } });
    expect(kept).toHaveLength(1);
    expect(await store.releases.rollout('web')).toEqual({ version: 2, state: { wave: 9 } });
  });

  it('moves several rollouts together, or none of them', async () => {
    const { store } = current();
    const one = await saveTarget(store, targetOf([configMap('a')]));
    await store.releases.savePlan(planOf({ rollouts: { web: { wave: 1 }, db: { wave: 1 } } }));
    const pass = (application: string, version: number) => ({
      ...{ application, version, state: { wave: 2 }, events: [], nowMs: t0 },
      decisions: [decide('eu', application, one)],
    });
    expect(await store.releases.saveRollouts([pass('web', 1), pass('db', 7)])).toBeUndefined();
    expect(await store.releases.rollout('web')).toEqual({ version: 1, state: { wave: 1 } });
    const kept = await store.releases.saveRollouts([pass('web', 1), pass('db', 1)]);
    expect(kept?.map(({ application, generation }) => `${application} ${generation}`)).toEqual([
      'web 1',
      'db 2',
    ]);
    expect(await store.releases.rollout('db')).toEqual({ version: 2, state: { wave: 2 } });
  });

  it('moves a rollout from the state it was in, with all that was decided, or not at all', async () => {
    const { store } = current();
    const one = await saveTarget(store, targetOf([configMap('a')]));
    const clusters = { '7': {}, eu: { at: 1 }, us: { at: 1 } };
    await store.releases.savePlan(planOf({ rollouts: { web: { wave: 1, clusters } } }));
    expect(await store.releases.rollout('web')).toEqual({ version: 1, state: { wave: 1, clusters } });
    const pass = {
      application: 'web',
      version: 1,
      decisions: [decide('eu', 'web', one)],
      events: [anEvent()],
      nowMs: t0,
    };
    const next = { wave: 2, clusters: {} };
    const changed = { eu: { at: 2 }, us: null, ap: { at: 2 } };
    const kept = await store.releases.saveRollout({ ...pass, state: next, clusters: changed });
    expect(kept).toMatchObject([{ cluster: 'eu', generation: 1 }]);
    expect(await store.releases.saveRollout({ ...pass, state: { wave: 3 } })).toBeUndefined();
    const now = { version: 2, state: { wave: 2, clusters: { '7': {}, ap: { at: 2 }, eu: { at: 2 } } } };
    expect(await store.releases.rollouts()).toEqual(new Map([['web', now]]));
    expect(await store.releases.rolloutVersion('web')).toBe(2);
    expect(await store.events.lastSequence()).toBe(1);
    const unknown = [decide('us', 'web', targetOf([configMap('never-saved')]).target)];
    await expect(
      store.releases.saveRollout({ ...pass, version: 2, state: undefined, clusters, decisions: unknown }),
    ).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(await store.releases.rollout('web')).toEqual(now);
    const quiet = { ...pass, version: 2, state: undefined, decisions: [] };
    expect(await store.releases.saveRollout({ ...quiet, clusters: { eu: { at: 3 } } })).toEqual([]);
    const last = { wave: 2, clusters: { '7': {}, ap: { at: 2 }, eu: { at: 3 } } };
    expect(await store.releases.rollout('web')).toEqual({ version: 3, state: last });
  });

  it('takes the place of a state with all of its clusters, and never gives a version again', async () => {
    const { store } = current();
    const first = { wave: 1, clusters: { eu: { at: 1 }, us: { at: 1 } } };
    const second = { wave: 1, clusters: { us: { at: 2 }, ap: {} } };
    await store.releases.savePlan(planOf({ rollouts: { web: first } }));
    await store.releases.savePlan(planOf({ rollouts: { web: second } }));
    expect(await store.releases.rollout('web')).toEqual({ version: 2, state: second });
    // In no cluster and not in the fleet any more.
    await store.releases.savePlan(planOf());
    expect(await store.releases.rollout('web')).toBeUndefined();
    expect(await store.releases.rolloutVersion('web')).toBeUndefined();
    await store.releases.savePlan(planOf({ rollouts: { web: { wave: 1, clusters: {} } } }));
    const again = await store.releases.rollout('web');
    expect(again).toEqual({ version: 3, state: { wave: 1, clusters: {} } });
  });

  it('knows with which Target a cluster was last healthy', async () => {
    const { store } = current();
    const [one, two] = [
      await saveTarget(store, targetOf([configMap('a')])),
      await saveTarget(store, targetOf([])),
    ];
    await store.releases.savePlan(planOf({ decisions: [decide('eu', 'web', one)] }));
    const last = async () => (await store.releases.assignments({}))[0]?.healthyTargetDigest;
    expect(await last()).toBeUndefined();
    const at = { cluster: 'eu', application: 'web', generation: 1, message: '', timeMs: t0 };
    await store.releases.acknowledge({ ...at, stage: 'healthy' });
    await store.releases.savePlan(planOf({ decisions: [decide('eu', 'web', two)] }));
    expect(await last()).toBe(one.digest);
  });

  it('keeps releases, pages them newest first, and rollout state', async () => {
    const { store } = current();
    const target = await saveTarget(store, targetOf([]));
    const ids = ['a', 'b', 'c'];
    const releases = ids.map((id) => releaseOf(id, 'web', { eu: target.digest }));
    await store.releases.savePlan(planOf({ releases, rollouts: { web: { wave: 1 } } }));
    await store.releases.savePlan(planOf({ releases, rollouts: { web: { wave: 2 } } }));
    expect(await store.releases.release('b')).toEqual(releases[1]);
    expect((await store.releases.rollout('web'))?.state).toEqual({ wave: 2 });
    expect(await store.releases.rollout('other')).toBeUndefined();
    const first = await store.releases.releases('web', { limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(['c', 'b']);
    const second = await store.releases.releases('web', { limit: 2, cursor: first.next });
    expect(second).toEqual({ items: [releases[0]], next: undefined });
  });

  it('gives every cluster generations that only grow, whatever is decided', async () => {
    const { store } = current();
    const targets = await Promise.all(
      ['a', 'b', 'c'].map((name) => saveTarget(store, targetOf([configMap(name)]))),
    );
    const highest = new Map<string, number>();
    const step = fc.record({
      cluster: fc.constantFrom('eu', 'us'),
      application: fc.constantFrom('web', 'db'),
      target: fc.constantFrom(...targets),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 4 }), async (steps) => {
        const decisions = steps.map((one) => decide(one.cluster, one.application, one.target));
        for (const { cluster, generation } of await store.releases.savePlan(planOf({ decisions }))) {
          expect(generation).toBe((highest.get(cluster) ?? 0) + 1);
          highest.set(cluster, generation);
        }
      }),
      { numRuns: 30 },
    );
  });
}

function describeAcknowledgements(current: () => StoreUnderTest): void {
  const acknowledge = (
    store: Store,
    generation: number,
    stage: AcknowledgementStage,
    timeMs: number,
    message = '',
  ) => store.releases.acknowledge({ cluster: 'eu', application: 'web', generation, stage, message, timeMs });

  it('keeps the first time of each stage, for the generation in force only', async () => {
    const { store } = current();
    await assign(store, 'eu', 'web', 'one');
    await acknowledge(store, 1, 'received', t0 + 1);
    await acknowledge(store, 1, 'received', t0 + 2);
    await acknowledge(store, 1, 'applied', t0 + 3);
    await acknowledge(store, 1, 'healthy', t0 + 4);
    await acknowledge(store, 1, 'healthy', t0 + 5);
    const times = { receivedAtMs: t0 + 1, appliedAtMs: t0 + 3, healthyAtMs: t0 + 4, refused: undefined };
    expect((await store.releases.assignments({}))[0]?.acknowledgements).toEqual(times);
    await assign(store, 'eu', 'web', 'two');
    await acknowledge(store, 1, 'healthy', t0 + 6);
    await acknowledge(store, 3, 'healthy', t0 + 6);
    const none = {
      receivedAtMs: undefined,
      appliedAtMs: undefined,
      healthyAtMs: undefined,
      refused: undefined,
    };
    expect((await store.releases.assignments({}))[0]?.acknowledgements).toEqual(none);
  });

  it('keeps a refusal until the agent has applied after all', async () => {
    const { store } = current();
    await assign(store, 'eu', 'web');
    await acknowledge(store, 1, 'refused', t0, 'older epoch');
    expect((await store.releases.assignments({}))[0]?.acknowledgements.refused).toBe('older epoch');
    await acknowledge(store, 1, 'applied', t0 + 1);
    expect((await store.releases.assignments({}))[0]?.acknowledgements.refused).toBeUndefined();
  });

  it('forgets a removal that is applied, with its observations; the generation lives on', async () => {
    const { store } = current();
    await assign(store, 'eu', 'web');
    await store.observations.saveBatch(
      batchOf('eu', {
        applications: [applicationReport('eu', 'web')],
        objects: [objectReport('eu', 'web', 'a')],
      }),
      [],
    );
    const removal = await saveRemoval(store);
    await store.releases.savePlan(planOf({ decisions: [decide('eu', 'web', removal)] }));
    await acknowledge(store, 2, 'received', t0);
    expect(await store.releases.assignments({})).toHaveLength(1);
    await acknowledge(store, 2, 'applied', t0);
    expect(await store.releases.assignments({})).toEqual([]);
    expect(await store.observations.applications({})).toEqual([]);
    expect((await store.observations.objects({}, { limit: 10 })).items).toEqual([]);
    await assign(store, 'eu', 'web');
    expect((await store.releases.assignments({}))[0]?.generation).toBe(3);
  });
}

const pause: Pause = {
  cluster: 'eu',
  application: '',
  reason: 'maintenance',
  actor: 'ann',
  createdAtMs: t0,
  untilMs: t0 + 1_000,
};

function describePauses(current: () => StoreUnderTest): void {
  it('keeps a pause for each place and removes it once', async () => {
    const { store } = current();
    await store.releases.savePause(pause, anEvent());
    await store.releases.savePause({ ...pause, reason: 'longer' }, anEvent());
    await store.releases.savePause({ ...pause, cluster: 'us', untilMs: undefined }, anEvent());
    expect((await store.releases.pauses('eu')).map(({ reason }) => reason)).toEqual(['longer']);
    expect(await store.releases.pauses()).toHaveLength(2);
    expect(await store.releases.removePause('eu', '', anEvent())).toBe(true);
    expect(await store.releases.removePause('eu', '', anEvent())).toBe(false);
    expect(await store.events.lastSequence()).toBe(4);
  });

  it('ends pauses that are over, with an event each', async () => {
    const { store } = current();
    await store.releases.savePause(pause, anEvent());
    await store.releases.savePause({ ...pause, cluster: 'us', untilMs: undefined }, anEvent());
    expect(await store.releases.expirePauses(t0 + 999)).toEqual([]);
    expect(await store.releases.expirePauses(t0 + 1_000)).toEqual([pause]);
    expect(await store.releases.expirePauses(t0 + 1_000)).toEqual([]);
    const { items } = await store.events.list({ types: ['audit.resume'] }, { limit: 10 });
    expect(items).toMatchObject([{ cluster: 'eu', actor: 'hub' }]);
  });
}

function describeConfirmations(current: () => StoreUnderTest): void {
  const held = (id: string) =>
    ({
      id,
      kind: 'application',
      subject: id,
      assignments: 3,
      revisionId: 'r1',
      message: 'm',
      createdAtMs: t0,
    }) as const;

  it('makes a row of what waits without one as it is confirmed, once', async () => {
    const { store } = current();
    const one = { ...held('prune-eu-1-web-1'), kind: 'prune' as const, subject: 'eu-1/web' };
    const event = anEvent({ type: 'audit.confirm', timeMs: t0 + 7 });
    const confirmed = await store.releases.confirm(one.id, 'ann', event, one);
    expect(confirmed).toEqual({ ...one, confirmedAtMs: t0 + 7, confirmedBy: 'ann' });
    expect(await store.releases.confirm(one.id, 'bob', event, one)).toEqual(confirmed);
    expect(await store.releases.confirmations()).toContainEqual(confirmed);
    // No plan takes it away.
    await store.releases.savePlan(planOf({}));
    expect(await store.releases.confirmations()).toContainEqual(confirmed);
  });

  it('replaces open ones by the plan, keeps confirmed ones and the hub’s own', async () => {
    const { store } = current();
    await store.meta.advanceEpoch({ counter: 4, id: 'other' }, 'eu', 1, t0);
    await store.releases.savePlan(planOf({ confirmations: [held('a'), held('b')] }));
    const event = anEvent({ type: 'audit.confirm', timeMs: t0 + 7 });
    const confirmed = await store.releases.confirm('a', 'ann', event);
    expect(confirmed).toMatchObject({ confirmedBy: 'ann', confirmedAtMs: t0 + 7 });
    expect(await store.releases.confirm('a', 'bob', event)).toEqual(confirmed);
    await store.releases.savePlan(planOf({ confirmations: [held('a'), held('c')] }));
    const rows = await store.releases.confirmations();
    expect(rows.filter(({ kind }) => kind === 'application')).toEqual([
      confirmed,
      { ...held('c'), confirmedAtMs: undefined, confirmedBy: undefined },
    ]);
    expect(rows.filter(({ kind }) => kind === 'restored-hub')).toHaveLength(1);
    expect(await store.events.lastSequence()).toBe(1);
  });

  it('says when there is none', async () => {
    const refused = { code: 'not_found', subject: 'x' };
    await expect(current().store.releases.confirm('x', 'ann', anEvent())).rejects.toMatchObject(refused);
  });
}

export function describeReleases(current: () => StoreUnderTest): void {
  describe('plans', () => describePlans(current));
  describe('acknowledgements', () => describeAcknowledgements(current));
  describe('pauses', () => describePauses(current));
  describe('confirmations', () => describeConfirmations(current));
}
