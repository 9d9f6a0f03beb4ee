import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { becomeHealthy, createLoopBed, type LoopBed, openRollouts } from '../loop-bed.test-support.ts';
import type { RolloutDriver } from './rollout-loop.ts';

const page = { limit: 200, cursor: undefined };
const cluster = (name: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${name.slice(0, 2)} }\n`;
const application = (name: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: ${name} }\nspec:\n  source: { path: web }\n  placement: { selector: {} }\n  rollout: { strategy: steps }\n`;
const files = (clusters: readonly string[], name: string, version = '1') => ({
  'fleet/clusters.yaml': clusters.map(cluster).join('---\n'),
  'fleet/steps.yaml':
    'apiVersion: fairway.dev/v1alpha1\nkind: RolloutStrategy\nmetadata: { name: steps }\nspec:\n  waves: [{ name: first, take: 1, approval: { when: after } }, { name: rest }]\n  regions: any\n',
  'fleet/application.yaml': application(name),
  'web/map.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { version: "${version}" }\n`,
});

describe('another name in Git', () => {
  let bed: LoopBed;
  let rollouts: RolloutDriver;

  beforeEach(async () => {
    bed = await createLoopBed();
    rollouts = openRollouts(bed);
    await connect('ap-1', 'eu-1', 'us-1');
  });
  afterEach(async () => {
    await rollouts.stop();
    await bed.close();
  });

  const connect = async (...names: readonly string[]) => {
    for (const name of names)
      await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
  };
  /** Agents do what they are told, and rollouts go as far as nobody has to say anything. */
  const settle = async () => {
    for (let round = 0; round < 15; round += 1) {
      await becomeHealthy(bed);
      rollouts.wakeAll();
      await rollouts.loop.idle();
      await bed.clock.advance(2);
    }
  };
  const commit = async (...parts: Parameters<typeof files>) => {
    await bed.commit(files(...parts));
    await bed.resolve();
    await settle();
  };
  const approve = async (name: string) => {
    const said = { actor: 'ann', reason: 'well', atMs: bed.clock.now() };
    await rollouts.act(name, { type: 'approve', wave: 'first' }, said);
    await settle();
  };
  const placed = async () =>
    (await bed.store.releases.assignments({}))
      .filter(({ removed }) => !removed)
      .map((one) => `${one.application} in ${one.cluster}`)
      .sort();
  /** In the order in which they were decided. */
  const decided = async () =>
    (await bed.store.events.list({ types: ['assignment.changed'] }, page)).items
      .toReversed()
      .map((one) => `${one.application} in ${one.cluster}`);

  it('of an application hands its objects over cluster by cluster, by the gates of the new one', async () => {
    await commit(['ap-1', 'eu-1', 'us-1'], 'web');
    await approve('web');
    expect(await placed()).toEqual(['web in ap-1', 'web in eu-1', 'web in us-1']);
    const before = (await decided()).length;
    await commit(['ap-1', 'eu-1', 'us-1'], 'shop');
    // The canary alone has changed hands; nobody else has lost what it runs.
    expect(await placed()).toEqual(['shop in ap-1', 'web in eu-1', 'web in us-1']);
    expect(await rollouts.report('shop')).toMatchObject({ message: 'waits for wave first: an approval' });
    await approve('shop');
    expect(await placed()).toEqual(['shop in ap-1', 'shop in eu-1', 'shop in us-1']);
    const both = (await decided()).slice(before);
    // Whoever gains goes first, and both ends of a cluster together.
    for (const name of ['ap-1', 'eu-1', 'us-1'])
      expect(both.filter((line) => line.endsWith(name))).toEqual([`shop in ${name}`, `web in ${name}`]);
  });

  it('of a cluster is one that leaves and one that joins, and begins no rollout', async () => {
    await commit(['ap-1', 'eu-1', 'us-1'], 'web');
    await approve('web');
    const { releaseId } = (await rollouts.report('web')) ?? {};
    await connect('us-2');
    await commit(['ap-1', 'eu-1', 'us-2'], 'web');
    expect(await placed()).toEqual(['web in ap-1', 'web in eu-1', 'web in us-2']);
    expect(await rollouts.report('web')).toMatchObject({ releaseId, phase: 'Complete' });
  });

  it('of all clusters at once is a release with its gates', async () => {
    await commit(['ap-1'], 'web');
    await approve('web');
    await connect('eu-2', 'us-2');
    await commit(['eu-2', 'us-2'], 'web', '2');
    expect(await placed()).toEqual(['web in ap-1', 'web in eu-2']);
    expect(await rollouts.report('web')).toMatchObject({ message: 'waits for wave first: an approval' });
    await approve('web');
    expect(await placed()).toEqual(['web in eu-2', 'web in us-2']);
  });
});
