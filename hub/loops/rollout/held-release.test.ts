import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLoopBed, type LoopBed, openRollouts, settleRollouts } from '../loop-bed.test-support.ts';
import type { RolloutDriver } from './rollout-loop.ts';

const page = { limit: 10, cursor: undefined };
const clusters = ['eu-1', 'eu-2', 'us-1'];
const overlays = (versions: Readonly<Record<string, string>>) => ({
  'fleet/clusters.yaml': clusters
    .map(
      (name) =>
        `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${name.slice(0, 2)} }\n`,
    )
    .join('---\n'),
  'fleet/web.yaml':
    "apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n  source: { path: web, overlays: ['{{cluster.region}}'] }\n  placement: { selector: {} }\n",
  ...Object.fromEntries(
    Object.entries(versions).map(([region, version]) => [
      `web/${region}/map.yaml`,
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { version: "${version}" }\n`,
    ]),
  ),
});

describe('a release that was rolled back and comes again', () => {
  let bed: LoopBed;
  let rollouts: RolloutDriver;

  beforeEach(async () => {
    bed = await createLoopBed();
    rollouts = openRollouts(bed);
    for (const name of clusters)
      await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
  });
  afterEach(async () => {
    await rollouts.stop();
    await bed.close();
  });

  const settle = () => settleRollouts(bed, rollouts);
  const commit = async (versions: Readonly<Record<string, string>>) => {
    await bed.commit(overlays(versions));
    await bed.resolve();
    await settle();
    return targets();
  };
  const targets = async () =>
    Object.fromEntries(
      (await bed.store.releases.assignments({})).map((one) => [one.cluster, one.targetDigest]),
    );
  const act = (type: 'rollback' | 'retry' | 'resume') =>
    rollouts.act('web', type === 'retry' ? { type, cluster: '' } : { type }, {
      actor: 'ann',
      reason: 'because',
      atMs: bed.clock.now(),
    });
  const heldEvents = async () =>
    (await bed.store.events.list({ types: ['rollout.held'] }, page)).items.map(({ message }) => message);

  /** Version 2 was rolled back everywhere, and version 3 took its place. */
  const rolledBack = async () => {
    await commit({ eu: '1', us: '1' });
    const bad = await commit({ eu: '2', us: '2' });
    await act('rollback');
    await settle();
    return { bad, good: await commit({ eu: '3', us: '3' }) };
  };

  it('does not begin, is not complete, says why, and begins with a retry', async () => {
    const { bad, good } = await rolledBack();
    expect(await commit({ eu: '2', us: '2' })).toEqual(good);
    const reason =
      'what it brings to eu-1, eu-2, us-1 was rolled back before and is held: they keep what they have until it differs, or a retry releases it';
    expect(await rollouts.report('web')).toMatchObject({
      ...{ phase: 'Paused', message: reason, waves: [] },
      held: { clusters },
    });
    expect(await heldEvents()).toEqual([`web: ${reason}; nothing begins`]);
    const [record] = (await bed.store.history.list('web', page)).items;
    expect(record).toMatchObject({ result: 'Paused', message: reason });
    await expect(act('resume')).rejects.toThrow('all that it brings is held: retry it');
    const { phase, waves } = await act('retry');
    expect([phase, ...waves.map(({ name }) => name)]).toEqual(['Progressing', 'first', 'quarter', 'rest']);
    await settle();
    expect(await targets()).toEqual(bad);
    expect(await rollouts.report('web')).toMatchObject({ phase: 'Complete' });
    expect((await rollouts.report('web'))?.held).toBeUndefined();
  });

  it('goes without those who would get it, counts them, and takes them along with a retry', async () => {
    const { bad, good } = await rolledBack();
    const mixed = await commit({ eu: '4', us: '2' });
    expect(mixed['us-1']).toBe(good['us-1']);
    expect(mixed['eu-1']).not.toBe(good['eu-1']);
    expect(await rollouts.report('web')).toMatchObject({
      ...{ phase: 'Complete', message: '1 held' },
      held: { clusters: ['us-1'] },
    });
    expect(await heldEvents()).toMatchObject([expect.stringContaining('us-1 was rolled back before')]);
    // Another commit that changes nothing of it releases it no more than the first.
    await bed.commit({ ...overlays({ eu: '4', us: '2' }), 'README.md': 'about' });
    await bed.resolve();
    await settle();
    expect(await targets()).toEqual(mixed);
    const { waves } = await act('retry');
    expect(waves.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'first Done',
      'quarter Done',
      'first (2) Waiting',
    ]);
    await settle();
    expect(await targets()).toEqual({ ...mixed, 'us-1': bad['us-1'] });
    expect((await rollouts.report('web'))?.phase).toBe('Complete');
  });

  it('ends what is under way to another, since nobody wants that any more', async () => {
    await rolledBack();
    await bed.commit(overlays({ eu: '4', us: '4' }));
    await bed.resolve();
    rollouts.wakeAll();
    await rollouts.loop.idle();
    const reached = await targets();
    expect(await commit({ eu: '2', us: '2' })).toEqual(reached);
    const { items } = await bed.store.history.list('web', page);
    expect(items.slice(0, 2).map(({ result }) => result)).toEqual(['Paused', 'Superseded']);
  });

  it('stays held by a commit about others that comes before all have gone back, and takes those back too', async () => {
    const first = await commit({ eu: '1', us: '1' });
    await commit({ eu: '2', us: '2' });
    await rollouts.act('web', { type: 'rollback' }, { actor: 'ann', reason: 'bad', atMs: bed.clock.now() });
    // Nobody has gone back when the commit is planned, which is about us-1 alone.
    await bed.commit(overlays({ eu: '2', us: '3' }));
    await bed.resolve();
    const back = { 'eu-1': first['eu-1'], 'eu-2': first['eu-2'] };
    expect(await targets()).toMatchObject(back);
    await settle();
    const all = await targets();
    expect(all).toMatchObject(back);
    expect(all['us-1']).not.toBe(first['us-1']);
    expect(await rollouts.report('web')).toMatchObject({
      ...{ phase: 'Complete', held: { clusters: ['eu-1', 'eu-2'] } },
    });
    // Looked at once more, nothing is decided anew.
    await bed.resolve();
    await settle();
    expect(await targets()).toEqual(all);
  });
});
