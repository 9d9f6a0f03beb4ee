import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLoopBed, type LoopBed, openRollouts, settleRollouts } from '../loop-bed.test-support.ts';
import type { RolloutDriver } from './rollout-loop.ts';

const names = ['eu-1', 'us-1'];
const files = (version: string, approval: string, waves = '') => ({
  'fleet/clusters.yaml': names
    .map((name) => `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\n`)
    .join('---\n'),
  'fleet/steps.yaml': `apiVersion: fairway.dev/v1alpha1\nkind: RolloutStrategy\nmetadata: { name: steps }\nspec:\n  waves: [${waves}{ name: first, take: 1, approval: ${approval} }, { name: rest }]\n`,
  'fleet/web.yaml':
    'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n  source: { path: web }\n  placement: { selector: {} }\n  rollout: { strategy: steps }\n',
  'web/map.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { version: "${version}" }\n`,
});

describe('an approval', () => {
  let bed: LoopBed;
  let rollouts: RolloutDriver;

  beforeEach(async () => {
    bed = await createLoopBed();
    rollouts = openRollouts(bed);
    for (const name of names)
      await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
  });
  afterEach(async () => {
    await rollouts.stop();
    await bed.close();
  });

  const commit = async (...parts: Parameters<typeof files>) => {
    await bed.commit(files(...parts));
    await bed.resolve();
    await settleRollouts(bed, rollouts);
    return rollouts.report('web');
  };
  const approve = async (actor: string, releaseId?: string) => {
    const said = { actor, reason: 'looks well', atMs: bed.clock.now() };
    await rollouts.act('web', { type: 'approve', wave: '' }, said, releaseId);
    await settleRollouts(bed, rollouts);
    return rollouts.report('web');
  };
  const byAnn = '{ when: before, approvers: [ann] }';

  it('is given by those whom Git names when it is given, though the rollout began before', async () => {
    const { releaseId } = (await commit('1', byAnn)) ?? {};
    await expect(approve('bob')).rejects.toThrow('wave first is approved by ann, not by bob');
    // Ann has left.
    expect((await commit('1', '{ when: before, approvers: [bob] }'))?.releaseId).toBe(releaseId);
    await expect(approve('ann')).rejects.toThrow('wave first is approved by bob, not by ann');
    expect(await approve('bob')).toMatchObject({ phase: 'Complete', releaseId });
    const [said] = (await bed.store.events.list({ types: ['audit.rollout'] }, { limit: 10 })).items;
    expect(said?.actor).toBe('bob');
  });

  it('is given by those named when it began where Git asks for none any more', async () => {
    await commit('1', byAnn);
    await bed.commit({
      ...files('1', byAnn),
      'fleet/steps.yaml': files('1', byAnn)['fleet/steps.yaml'].replace(`, approval: ${byAnn}`, ''),
    });
    await bed.resolve();
    await expect(approve('bob')).rejects.toThrow('wave first is approved by ann, not by bob');
    expect(await approve('ann')).toMatchObject({ phase: 'Complete' });
  });

  it('of a release is none of the one that has taken its place', async () => {
    const first = await commit('1', '{ when: before }');
    const second = await commit('2', '{ when: before }');
    expect(second?.releaseId).not.toBe(first?.releaseId);
    await expect(approve('ann', first?.releaseId)).rejects.toThrow(`${second?.releaseId} of revision`);
    expect(await rollouts.report('web')).toMatchObject({ message: 'waits for wave first: an approval' });
    expect(await approve('ann', second?.releaseId)).toMatchObject({ phase: 'Complete' });
  });
});
