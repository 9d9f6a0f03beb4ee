import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { RolloutPlanPort } from '../../api/ports.ts';
import { createEvent } from '../../model/event.ts';
import { createRenderer } from '../../render/renderer.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { createRolloutHistory } from '../rollout/rollout-history.ts';
import { createRolloutLoop, type RolloutDriver } from '../rollout/rollout-loop.ts';
import { createRolloutPlanner } from './plan-rollouts.ts';
import { createPreview } from './preview.ts';

const regions: Readonly<Record<string, string>> = { 'ap-1': 'ap', 'eu-1': 'eu', 'eu-2': 'eu', 'us-1': 'us' };
const names = Object.keys(regions);

const rollout = {
  inline: {
    waves: [
      {
        ...{ name: 'canary', take: 1, minHealthySeconds: 30, soak: '10m' },
        approval: { when: 'after', approvers: ['ann'] },
      },
      { name: 'regions', groupBy: 'fairway.dev/region', maxConcurrent: 1 },
    ],
    windows: [{ cron: '0 9 * * *', duration: '8h', timeZone: 'UTC' }],
    onFailure: 'rollback',
  },
};

function fleet(image: string, change: { readonly own?: string; readonly placed?: readonly string[] } = {}) {
  const { own = '', placed = names } = change;
  const kind = (type: string, name: string, spec: unknown) =>
    JSON.stringify({ apiVersion: 'fairway.dev/v1alpha1', kind: type, metadata: { name }, spec });
  const map = (value: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'web' },
      data: { image: value },
    });
  const source = { path: 'web', overlays: ['clusters/{{cluster.name}}', 'base'] };
  const files: Record<string, string> = {
    'fleet/web.yaml': kind('Application', 'web', { source, placement: { clusters: placed }, rollout }),
    'fleet/db.yaml': kind('Application', 'db', { source: { path: 'db' }, placement: { clusters: ['eu-1'] } }),
    'web/base/web.yaml': map(image),
    'db/db.yaml': map('db').replace('"name":"web"', '"name":"db"'),
  };
  for (const name of names) files[`fleet/${name}.yaml`] = kind('Cluster', name, { region: regions[name] });
  if (own !== '') files['web/clusters/us-1/web.yaml'] = map(own);
  return files;
}

let bed: LoopBed;
let rollouts: RolloutDriver;
let planner: RolloutPlanPort;

beforeEach(async () => {
  bed = await createLoopBed();
  await bed.clock.advance(Date.UTC(2026, 0, 5, 12) - bed.clock.now());
  const { store, clock, source, root } = bed;
  const ports = { store, clock, random: createSeededRandom(1), log: silentLogger };
  const nobody = () => Promise.reject(new Error('not asked'));
  rollouts = createRolloutLoop({ ...ports, fetch: nobody, egress: () => false, ask: nobody });
  const renderer = createRenderer({ digestKey: new Uint8Array(32) });
  const preview = createPreview({ store, source, renderer, root, folder: 'fleet' });
  planner = createRolloutPlanner({ store, source, preview, root, confirmAbove: 10, clock });
  for (const cluster of names) await store.registry.seen({ cluster, connected: true, nowMs: clock.now() });
});
afterEach(async () => {
  await rollouts.stop();
  await bed.close();
});

const never = () => new AbortController().signal;
const plan = (revision: string, application?: string) => planner.plan({ revision, application }, never());

/** What was assigned to clusters of `web`, in order. */
async function settle(): Promise<readonly string[]> {
  const assigned: string[] = [];
  const known = new Map<string, number>();
  let begun = false;
  const note = async () => {
    for (const one of await bed.store.releases.assignments({ application: 'web' })) {
      if (known.get(one.cluster) !== one.generation && begun) assigned.push(one.cluster);
      known.set(one.cluster, one.generation);
    }
  };
  await note();
  begun = true;
  for (let round = 0; round < 60; round += 1) {
    rollouts.wakeAll();
    await rollouts.loop.idle();
    await note();
    for (const { cluster, application, generation, acknowledgements } of await bed.store.releases.assignments(
      {},
    ))
      if (acknowledgements.healthyAtMs === undefined)
        for (const stage of ['received', 'applied', 'healthy'] as const)
          await bed.store.releases.acknowledge({
            ...{ cluster, application, generation, stage, message: '', timeMs: bed.clock.now() },
          });
    const [first] = (await rollouts.report('web'))?.waves ?? [];
    if (first?.waitsOn.includes('approval'))
      await rollouts.act(
        'web',
        { type: 'approve', wave: 'canary' },
        { actor: 'ann', reason: 'good', atMs: bed.clock.now() },
      );
    await bed.clock.advance(60_000);
  }
  return assigned;
}

async function merge(files: Readonly<Record<string, string>>): Promise<string> {
  const sha = await bed.commit(files);
  await bed.resolve();
  return sha;
}

describe('createRolloutPlanner', { timeout: 60_000 }, () => {
  it('tells waves, gates, bounds and changes, and what then happens is what it told', async () => {
    await merge(fleet('v1'));
    await settle();
    const sha = await bed.commit(fleet('v2', { own: 'v1' }));
    const { applications, problems, revision } = await plan(sha);
    expect(problems).toEqual([]);
    expect(revision).toEqual({ name: sha, commit: sha });
    expect(applications.map(({ application, outcome }) => `${application} ${outcome}`)).toEqual([
      'web begins',
    ]);
    const [web] = applications;
    expect(web?.waves.map(({ name, clusters }) => `${name}: ${clusters}`)).toEqual([
      'canary: ap-1',
      'regions/eu: eu-1,eu-2',
    ]);
    expect(web?.leftOut).toEqual([
      { reason: 'same', message: 'they have this Target already', clusters: ['us-1'] },
    ]);
    expect(web?.waves[0]).toMatchObject({
      ...{ minHealthyMs: 30_000, soakMs: 600_000, approval: { when: 'after', approvers: ['ann'] }, away: [] },
      bounds: { concurrent: 1, unavailable: 1, failures: 0, offline: 1 },
    });
    expect(web?.waves[1]?.bounds.concurrent).toBe(1);
    expect(web?.strategy?.openness).toMatchObject({ open: true });
    const [variant] = web?.waves[1]?.changes?.objects[0]?.variants ?? [];
    expect(variant).toMatchObject({ clusters: { count: 2, names: ['eu-1', 'eu-2'] } });
    expect(variant?.fields).toMatchObject([{ path: '/data/image', before: '"v1"', after: '"v2"' }]);
    await bed.resolve();
    expect(await settle()).toEqual(web?.waves.flatMap(({ clusters }) => clusters));
    const after = await plan(sha);
    expect(after.applications).toEqual([]);
  });

  it('tells of what is under way, away, paused, closed and held', async () => {
    await merge(fleet('v1'));
    await settle();
    await bed.store.registry.seen({ cluster: 'eu-2', connected: false, nowMs: bed.clock.now() });
    const pause = { cluster: 'us-1', application: '', reason: 'node pool', actor: 'ann', createdAtMs: 0 };
    const event = createEvent({ type: 'audit.pause', actor: 'ann', timeMs: 0, message: '' });
    await bed.store.releases.savePause({ ...pause, untilMs: Date.UTC(2026, 1, 1) }, event);
    await bed.clock.advance(Date.UTC(2026, 0, 6, 8) - bed.clock.now());
    await merge(fleet('v2'));
    const sha = await bed.commit(fleet('v3', { placed: ['ap-1', 'eu-2', 'us-1'] }));
    const [web] = (await plan(sha, 'web')).applications;
    expect(web?.strategy?.openness).toEqual({
      ...{ open: false, reason: 'outside its windows', opensAtMs: Date.UTC(2026, 0, 6, 9) },
    });
    expect(web?.supersedes).toMatchObject({
      phase: 'Progressing',
      reached: 0,
      clusters: 4,
      takesBack: false,
    });
    const all = web?.waves ?? [];
    expect(all.flatMap(({ clusters }) => clusters).sort()).toEqual(['ap-1', 'eu-1', 'eu-2', 'us-1']);
    expect(all.flatMap(({ away }) => away)).toEqual(['eu-2']);
    expect(all.flatMap(({ paused }) => paused)).toEqual(['us-1']);
    const leaves = all.find(({ clusters }) => clusters.includes('eu-1'));
    expect(leaves?.changes?.withdrawn.names).toEqual(['eu-1']);
    await expect(plan(sha, 'shop')).rejects.toMatchObject({ code: 'not_found' });
    await expect(plan('running')).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('a plan after a rollback', { timeout: 60_000 }, () => {
  it('leaves out what is held, and begins what differs', async () => {
    await merge(fleet('v1'));
    await settle();
    const bad = await merge(fleet('v2'));
    rollouts.wakeAll();
    await rollouts.loop.idle();
    await rollouts.act('web', { type: 'rollback' }, { actor: 'ann', reason: 'slow', atMs: bed.clock.now() });
    await settle();
    expect((await rollouts.report('web'))?.phase).toBe('RolledBack');
    const [held] = (await plan(bad)).applications;
    expect(held).toMatchObject({ outcome: 'nothing', waves: [], strategy: undefined });
    expect(held?.leftOut).toEqual([
      {
        ...{ reason: 'held', clusters: names },
        message: 'their Target was rolled back, and is held until it differs or somebody retries',
      },
    ]);
    const [next] = (await plan(await bed.commit(fleet('v3')))).applications;
    expect(next).toMatchObject({ outcome: 'begins', supersedes: undefined, leftOut: [] });
    expect(next?.waves.flatMap(({ clusters }) => clusters).sort()).toEqual(names);
  });

  it('says which clusters cannot be rendered, and why', async () => {
    await merge(fleet('v1'));
    await settle();
    const files = { ...fleet('v2'), 'web/clusters/us-1/web.yaml': 'kind: [' };
    const { applications } = await plan(await bed.commit(files));
    const [web] = applications;
    expect(web?.outcome).toBe('begins');
    expect(web?.leftOut).toMatchObject([{ reason: 'problem', clusters: ['us-1'] }]);
    expect(web?.leftOut[0]?.message).toMatch(
      /^they cannot be rendered, .*: web\/clusters\/us-1\/web.yaml:1: /,
    );
  });
});

describe('the history of rollouts', { timeout: 60_000 }, () => {
  it('has each rollout with its waves, its clusters and all that happened, also of one that was superseded', async () => {
    const history = createRolloutHistory(bed.store);
    await merge(fleet('v1'));
    await settle();
    await merge(fleet('v2'));
    rollouts.wakeAll();
    await rollouts.loop.idle();
    await merge(fleet('v1'));
    await settle();
    const { items } = await history.list('web', { limit: 10 });
    expect(items.map(({ result, message }) => `${result} ${message}`)).toEqual([
      'Complete ',
      'Reverted rolled back by revision 0000000',
      'Complete ',
    ]);
    const [last, middle] = items;
    expect(last?.waves.every(({ healthy, clusters }) => healthy === clusters)).toBe(true);
    const clusters = await history.clusters(middle?.id ?? '');
    expect(clusters.map(({ cluster, result }) => `${cluster} ${result}`)).toEqual([
      'ap-1 Assigned',
      'eu-1 Untouched',
      'eu-2 Untouched',
      'us-1 Untouched',
    ]);
    const { items: entries } = await history.timeline(items[2]?.id ?? '', { limit: 100 });
    expect(entries.map(({ kind, wave, message }) => `${kind} ${wave}: ${message}`)).toMatchInlineSnapshot(`
      [
        "phase : revision 0000000: 4 clusters in 3 waves by a strategy of its own",
        "gate canary: begins: 1 cluster",
        "decision canary: assigned",
        "progress canary: 1 of 1 healthy",
        "gate canary: nobody is waited for any more: soaks 10 min",
        "gate canary: waits for an approval by ann",
        "action canary: approve canary: good",
        "gate canary: ends: 1 of 1 healthy",
        "gate regions/eu: begins: 2 clusters",
        "decision regions/eu: assigned",
        "progress regions/eu: 1 of 2 healthy",
        "decision regions/eu: assigned",
        "progress regions/eu: 2 of 2 healthy",
        "gate regions/eu: nobody is waited for any more",
        "gate regions/eu: ends: 2 of 2 healthy",
        "gate regions/us: begins: 1 cluster",
        "decision regions/us: assigned",
        "progress regions/us: 1 of 1 healthy",
        "gate regions/us: nobody is waited for any more",
        "gate regions/us: ends: 1 of 1 healthy",
        "phase : complete: every wave has ended",
      ]
    `);
    await expect(history.record('nothing')).rejects.toMatchObject({ code: 'not_found' });
  });
});
