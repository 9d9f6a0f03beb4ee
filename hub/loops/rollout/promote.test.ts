import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RolloutReport } from '../../rollout/report/describe-rollout.ts';
import type { RolloutState } from '../../rollout/rollout-state.ts';
import type { RolloutPassRow } from '../../store/repositories/release-repository.ts';
import type { Store } from '../../store/store.ts';
import { createLoopBed, type LoopBed, openRollouts } from '../loop-bed.test-support.ts';
import { readState } from './rollout-inputs.ts';
import type { RolloutDriver } from './rollout-loop.ts';
import { passRowOf } from './rollout-states.ts';

const hour = 3_600_000;

function fleet(
  image: string,
  after = '{ environment: staging, soak: 2h }',
): Readonly<Record<string, string>> {
  const cluster = (name: string) =>
    `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: eu }\n`;
  const application = (environment: string, rollout: string) =>
    `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: web-${environment} }
spec:
  component: web
  environment: ${environment}
  source: { path: apps/web/${environment} }
  placement: { clusters: [${environment}-1] }
  rollout: ${rollout}
`;
  const map = (environment: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { image: "${image}", in: ${environment} }\n`;
  return {
    'fleet/clusters.yaml': [cluster('staging-1'), cluster('production-1')].join('---\n'),
    'fleet/staging.yaml': application('staging', '{ strategy: all-at-once }'),
    'fleet/production.yaml': application('production', `{ strategy: all-at-once, after: ${after} }`),
    'apps/web/staging/web.yaml': map('staging'),
    'apps/web/production/web.yaml': map('production'),
  };
}

describe('promotion from environment to environment', () => {
  let bed: LoopBed;
  let rollouts: RolloutDriver;

  const open = (store: Store = bed.store) => {
    rollouts = openRollouts({ store, clock: bed.clock });
  };
  /** The rollouts take as many steps as they can without time going on. */
  const settle = async () => {
    for (let round = 0; round < 20; round += 1) {
      rollouts.wakeAll();
      await rollouts.loop.idle();
      await bed.clock.advance(2);
    }
  };
  const commit = async (files: Readonly<Record<string, string>>) => {
    await bed.commit(files);
    await bed.resolve();
    await settle();
  };
  const has = async (cluster: string) => {
    const [assignment] = await bed.store.releases.assignments({ cluster });
    return assignment;
  };
  /** Something happens right before the rollouts keep what they decided of production. */
  const meanwhile = (happens: () => Promise<void>): Store => {
    let due = true;
    const { releases } = bed.store;
    const hinder = async (passes: readonly RolloutPassRow[]) => {
      const begins = passes.some(({ state }) => (state as { phase?: string }).phase === 'Progressing');
      if (!due || !begins || passes[0]?.application !== 'web-production') return;
      due = false;
      await happens();
    };
    return {
      ...bed.store,
      releases: {
        ...releases,
        saveRollout: async (pass) => {
          await hinder([pass]);
          return releases.saveRollout(pass);
        },
        saveRollouts: async (passes) => {
          await hinder(passes);
          return releases.saveRollouts(passes);
        },
      },
    };
  };
  const becomesHealthy = async (cluster: string) => {
    const assignment = await has(cluster);
    if (!assignment) throw new Error(`${cluster} has nothing`);
    const { application, generation } = assignment;
    for (const stage of ['received', 'applied', 'healthy'] as const)
      await bed.store.releases.acknowledge({
        ...{ cluster, application, generation, stage, message: '', timeMs: bed.clock.now() },
      });
    await settle();
  };
  const report = async (): Promise<RolloutReport> => {
    const found = await rollouts.report('web-production');
    if (!found) throw new Error('no rollout');
    return found;
  };

  beforeEach(async () => {
    bed = await createLoopBed();
    for (const cluster of ['staging-1', 'production-1'])
      await bed.store.registry.seen({ cluster, connected: true, nowMs: bed.clock.now() });
    open();
  });
  afterEach(async () => {
    await rollouts.stop();
    await bed.close();
  });

  it('holds a release until the other environment was healthy with that commit for the soak', async () => {
    await commit(fleet('one'));
    expect(await has('production-1')).toBeUndefined();
    expect(await report()).toMatchObject({
      phase: 'Waiting',
      promotion: {
        after: 'web-staging',
        soakMs: 2 * hour,
        waiting: [{ commit: expect.stringMatching(/^0+1$/) }],
      },
    });
    await becomesHealthy('staging-1');
    await bed.clock.advance(hour);
    await settle();
    const soaking = await report();
    expect(soaking.message).toMatch(/web-staging has been healthy with commit 00000000, and soaks until/);
    const endsAtMs = (soaking.promotion?.healthySinceMs ?? 0) + 2 * hour;
    expect(soaking.next).toEqual({ atMs: endsAtMs, what: 'soak-ends' });
    // The hub is killed and started again: it goes on from what was kept.
    await rollouts.stop();
    open();
    await settle();
    await bed.clock.advance(hour + 60_000);
    await settle();
    const assignment = await has('production-1');
    expect(assignment).toMatchObject({ application: 'web-production', reason: 'release' });
    expect((await report()).promotion?.waiting).toEqual([]);
    const events = await bed.store.events.list({ types: ['rollout.promoted'] }, { limit: 10 });
    expect(events.items.map(({ message }) => message)).toEqual([
      'web-production: revision 00000000 begins: healthy in web-staging for long enough',
    ]);
  });

  it('lets a running release go on while a newer one waits, and takes back what is reverted', async () => {
    await commit(fleet('one'));
    await becomesHealthy('staging-1');
    await bed.clock.advance(2 * hour);
    await settle();
    await becomesHealthy('production-1');
    const first = await has('production-1');
    await commit(fleet('two'));
    expect(await has('production-1')).toEqual(expect.objectContaining({ targetDigest: first?.targetDigest }));
    expect((await report()).message).toContain('revision 00000000 waits');
    await commit(fleet('one'));
    expect((await report()).promotion?.waiting).toEqual([]);
    expect((await has('production-1'))?.generation).toBe(first?.generation);
  });

  it('begins a release that waits when an operator says so, and says who', async () => {
    await commit(fleet('one'));
    const said = { actor: 'ann', reason: 'urgent', atMs: bed.clock.now() };
    await rollouts.act('web-production', { type: 'promote', wave: '' }, said);
    await settle();
    expect(await has('production-1')).toMatchObject({ application: 'web-production' });
    const events = await bed.store.events.list({ types: ['audit.rollout'] }, { limit: 10 });
    expect(events.items.map(({ actor, message }) => `${actor}: ${message}`)).toEqual([
      'ann: promote of the rollout of web-production: urgent',
    ]);
    await expect(rollouts.act('web-production', { type: 'resume' }, said)).resolves.toBeDefined();
  });

  it('refuses what does not apply to a release that has not begun', async () => {
    await commit(fleet('one'));
    const said = { actor: 'ann', reason: 'x', atMs: 0 };
    await expect(rollouts.act('web-production', { type: 'pause' }, said)).rejects.toThrow('it has not begun');
  });

  it('takes a branch only at a commit that was healthy on the other, or at one with the same content', async () => {
    const branches = (image: string) => {
      const files = fleet(image, '{ environment: staging, soak: 1h }');
      const text = (files['fleet/production.yaml'] ?? '').replace(
        'path: apps/web/production',
        'path: apps/web/production, ref: production',
      );
      return { ...files, 'fleet/production.yaml': text };
    };
    /** The branch of production now names that commit. */
    const move = async (head: string) => {
      const nowMs = bed.clock.now();
      const seen = { head, headSeenAtMs: nowMs, lastAttemptAtMs: nowMs, conditions: [] };
      await bed.store.sources.save({ key: '@production', url: bed.root.url, ref: 'production', ...seen });
      await bed.resolve();
      await settle();
    };
    const soak = async () => {
      await becomesHealthy('staging-1');
      await bed.clock.advance(hour);
      await settle();
    };
    await commit(branches('one'));
    const first = '1'.padStart(40, '0');
    await soak();
    expect(await has('production-1')).toBeUndefined();
    await move(first);
    const one = await has('production-1');
    expect(one).toMatchObject({ application: 'web-production' });
    // The branch of staging goes on to a third commit; production is moved to the second, which never ran anywhere.
    const second = await bed.commit(branches('two'));
    await commit(branches('three'));
    await soak();
    await move(second);
    expect((await has('production-1'))?.targetDigest).toBe(one?.targetDigest);
    expect((await report()).message).toContain('was never in web-staging');
    // A merge with the content of the third, under an id of its own.
    const merged = await bed.commit({ ...branches('three') });
    await commit(branches('three'));
    await move(merged);
    expect((await has('production-1'))?.targetDigest).not.toBe(one?.targetDigest);
    expect((await report()).promotion?.waiting).toEqual([]);
  });

  it('is woken by what the clusters of the other environment say, and by the end of its soak', async () => {
    await commit(fleet('one'));
    await becomesHealthy('staging-1');
    rollouts.wakeCluster('staging-1');
    await bed.clock.advance(200);
    await rollouts.loop.idle();
    await bed.clock.advance(2 * hour);
    await rollouts.loop.idle();
    await bed.clock.advance(5);
    await rollouts.loop.idle();
    const state = (await bed.store.releases.rollout('web-production'))?.state as { phase: string };
    expect(state.phase).not.toBe('Waiting');
  });

  it('goes on waiting for the one of before when another Application takes its environment as well', async () => {
    await commit(fleet('one'));
    await becomesHealthy('staging-1');
    await bed.clock.advance(2 * hour);
    await settle();
    const first = await has('production-1');
    expect(first).toBeDefined();
    const files = fleet('two');
    const second = (files['fleet/staging.yaml'] ?? '').replace('name: web-staging', 'name: web-staging-2');
    await commit({ ...files, 'fleet/second.yaml': second });
    const { problems } = await bed.store.fleet.load();
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('several Applications of component web have environment staging'),
    ]);
    expect((await has('production-1'))?.targetDigest).toBe(first?.targetDigest);
    expect((await report()).promotion?.waiting).toHaveLength(1);
  });

  it('does not begin what a commit takes back in the moment in which it would begin', async () => {
    await commit(fleet('one'));
    await becomesHealthy('staging-1');
    await bed.clock.advance(2 * hour);
    await settle();
    await becomesHealthy('production-1');
    const first = await has('production-1');
    for (const forced of [false, true]) {
      await commit(fleet('two'));
      await becomesHealthy('staging-1');
      await rollouts.stop();
      if (!forced) await bed.clock.advance(2 * hour);
      open(
        meanwhile(async () => {
          await bed.commit(fleet('one'));
          await bed.resolve();
        }),
      );
      const said = { actor: 'ann', reason: 'urgent', atMs: bed.clock.now() };
      if (forced)
        await expect(rollouts.act('web-production', { type: 'promote', wave: '' }, said)).rejects.toThrow(
          'has ended',
        );
      await settle();
      expect((await has('production-1'))?.targetDigest).toBe(first?.targetDigest);
      expect((await has('production-1'))?.generation).toBe(first?.generation);
      await becomesHealthy('staging-1');
    }
  });

  it('begins the proven release before one that waited for longer than releases are kept', async () => {
    await commit(fleet('one'));
    await becomesHealthy('staging-1');
    const production = (image: string) => ({
      ...fleet('one'),
      'apps/web/production/web.yaml': (fleet(image)['apps/web/production/web.yaml'] ?? '').trim(),
    });
    await commit(production('two'));
    const second = (await report()).promotion?.waiting[0]?.releaseId;
    await commit(production('three'));
    const gone = (await report()).promotion?.waiting[0]?.releaseId;
    expect(gone).not.toBe(second);
    await rollouts.stop();
    await bed.clock.advance(2 * hour);
    const { releases } = bed.store;
    const release = async (id: string) => (id === gone ? undefined : releases.release(id));
    open({ ...bed.store, releases: { ...releases, release } });
    await settle();
    expect(await has('production-1')).toMatchObject({ releaseId: second });
  });

  it('does not keep a revision from being planned while clusters report to its rollout', async () => {
    await commit(fleet('one'));
    const { releases } = bed.store;
    const busy: Store = {
      ...bed.store,
      releases: {
        ...releases,
        savePlan: async (plan) => {
          const stored = await releases.rollout('web-production');
          const before = readState(stored?.state) as RolloutState;
          const state = { ...before, startedAtMs: before.startedAtMs + 1 };
          const move = { application: 'web-production', before, state, decisions: [], events: [] };
          const row = passRowOf({ ...move, nowMs: bed.clock.now() }, stored?.version ?? 0);
          expect(await releases.saveRollout(row)).toEqual([]);
          return releases.savePlan(plan);
        },
      },
    };
    const sha = await bed.commit(fleet('two'));
    await bed.resolve(busy);
    expect((await bed.store.fleet.load()).revisionId).toBe(sha);
    expect((await report()).promotion?.waiting).toHaveLength(2);
  });

  it('takes back what began while the commit that takes it back was planned', async () => {
    await commit(fleet('one'));
    await becomesHealthy('staging-1');
    await bed.clock.advance(2 * hour);
    await settle();
    const first = await has('production-1');
    await commit(fleet('two'));
    await becomesHealthy('staging-1');
    await rollouts.stop();
    await bed.clock.advance(2 * hour);
    open();
    await bed.commit(fleet('one'));
    // The release of two begins after the plan was made, and before it is kept.
    let due = true;
    const { releases } = bed.store;
    const late: Store = {
      ...bed.store,
      releases: {
        ...releases,
        savePlan: async (plan) => {
          if (due) await settle();
          due = false;
          return releases.savePlan(plan);
        },
      },
    };
    const { revisionId } = await bed.store.fleet.load();
    await bed.resolve(late);
    expect((await has('production-1'))?.targetDigest).not.toBe(first?.targetDigest);
    // Nothing of the plan was kept: it is made anew, of what is in force now.
    expect((await bed.store.fleet.load()).revisionId).toBe(revisionId);
    await bed.resolve();
    await settle();
    await becomesHealthy('staging-1');
    await bed.clock.advance(2 * hour);
    await settle();
    expect((await has('production-1'))?.targetDigest).toBe(first?.targetDigest);
  });

  it('begins what waited once nothing is to be waited for', async () => {
    await commit(fleet('one'));
    const { 'fleet/production.yaml': text = '', ...files } = fleet('one');
    await commit({ ...files, 'fleet/production.yaml': text.replace(/, after: \{.*\}/, ' }') });
    expect(await has('production-1')).toMatchObject({ application: 'web-production' });
  });

  it('looks again when something is said of the application that goes first, not of others there', async () => {
    await rollouts.stop();
    let looks = 0;
    const { observations } = bed.store;
    open({
      ...bed.store,
      observations: {
        ...observations,
        applications: (filter) => {
          if (filter.application === 'web-staging') looks += 1;
          return observations.applications(filter);
        },
      },
    });
    await commit(fleet('one'));
    const looksAfter = async (happens: () => void) => {
      looks = 0;
      happens();
      await bed.clock.advance(1_000);
      await rollouts.loop.idle();
      return looks > 0;
    };
    await becomesHealthy('staging-1');
    expect(await looksAfter(() => rollouts.wakeCluster('staging-1', 'dns'))).toBe(false);
    expect(await looksAfter(() => rollouts.wakeFollowers('staging-1', 'dns'))).toBe(false);
    expect(await looksAfter(() => rollouts.wakeCluster('staging-1', 'web-staging'))).toBe(true);
    expect(await looksAfter(() => rollouts.wakeFollowers('staging-1', 'web-staging'))).toBe(true);
    expect(await looksAfter(() => rollouts.wakeCluster('staging-1'))).toBe(true);
    // It may be assigned there only now.
    expect(await looksAfter(() => rollouts.wakeFollowers('staging-2', 'web-staging'))).toBe(true);
  });
});
