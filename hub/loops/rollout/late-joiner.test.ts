import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLoopBed, type LoopBed, openRollouts, settleRollouts } from '../loop-bed.test-support.ts';
import type { RolloutDriver } from './rollout-loop.ts';

const cluster = (name: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: {}\n`;
const fleet = (names: readonly string[], version: string) => ({
  'fleet/clusters.yaml': names.map(cluster).join('---\n'),
  'fleet/web.yaml':
    'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n  source: { path: web }\n  placement: { selector: {} }\n',
  'web/map.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { version: "${version}" }\n`,
});

describe('a cluster that joins', () => {
  let bed: LoopBed;
  let rollouts: RolloutDriver;

  beforeEach(async () => {
    bed = await createLoopBed();
    rollouts = openRollouts(bed);
    for (const name of ['eu-1', 'eu-2', 'eu-3'])
      await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
  });
  afterEach(async () => {
    await rollouts.stop();
    await bed.close();
  });

  const settle = () => settleRollouts(bed, rollouts);
  const commit = async (names: readonly string[], version: string) => {
    await bed.commit(fleet(names, version));
    await bed.resolve();
    await settle();
  };
  const targets = async () =>
    Object.fromEntries(
      (await bed.store.releases.assignments({})).map((one) => [one.cluster, one.targetDigest]),
    );

  it.each(['rollback', 'abort'] as const)(
    'gets what was released before what was taken back (%s)',
    async (type) => {
      await commit(['eu-1', 'eu-2'], '1');
      const { 'eu-1': old } = await targets();
      await bed.commit(fleet(['eu-1', 'eu-2'], '2'));
      await bed.resolve();
      rollouts.wakeAll();
      await rollouts.loop.idle();
      const said = { actor: 'ann', reason: 'it is bad', atMs: bed.clock.now() };
      await rollouts.act('web', { type }, said);
      await settle();
      await commit(['eu-1', 'eu-2', 'eu-3'], '2');
      expect(await targets()).toMatchObject({ 'eu-2': old, 'eu-3': old });
      // Looked at again, it stays so; a retry takes it along.
      await settle();
      expect((await targets())['eu-3']).toBe(old);
      await rollouts.act('web', { type: 'retry', cluster: '' }, { ...said, atMs: bed.clock.now() });
      await settle();
      expect(new Set(Object.values(await targets())).size).toBe(1);
      expect((await targets())['eu-3']).not.toBe(old);
    },
  );

  it('gets what was released before what is under way, in the name of that', async () => {
    await commit(['eu-1', 'eu-2'], '1');
    const [old] = await bed.store.releases.assignments({});
    await bed.commit(fleet(['eu-1', 'eu-2'], '2'));
    await bed.resolve();
    rollouts.wakeAll();
    await rollouts.loop.idle();
    await bed.commit(fleet(['eu-1', 'eu-2', 'eu-3'], '2'));
    await bed.resolve();
    rollouts.wakeAll();
    await rollouts.loop.idle();
    const joined = (await bed.store.releases.assignments({})).find(({ cluster }) => cluster === 'eu-3');
    const { targetDigest, releaseId, revisionId } = old ?? {};
    expect(joined).toMatchObject({ targetDigest, releaseId, revisionId, reason: 'release' });
    const { items } = await bed.store.events.list(
      { types: ['assignment.changed'], cluster: 'eu-3' },
      { limit: 10 },
    );
    const [told] = items;
    const revision = await bed.store.sources.revision(revisionId ?? '');
    expect(told).toMatchObject({ revisionId, data: { commit: revision?.commit.sha } });
    await settle();
    expect(new Set(Object.values(await targets())).size).toBe(1);
    expect((await targets())['eu-3']).not.toBe(targetDigest);
  });
});
