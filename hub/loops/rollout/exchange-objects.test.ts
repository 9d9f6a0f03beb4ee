import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLoopBed, type LoopBed, openRollouts, settleRollouts } from '../loop-bed.test-support.ts';
import type { RolloutDriver } from './rollout-loop.ts';

const names = ['eu-1', 'eu-2'];
const map = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;

/** Two applications; `moves` is in the one or the other. */
function fleet(
  holder: 'giver' | 'taker',
  rollouts: Readonly<Record<'giver' | 'taker', string>>,
): Readonly<Record<string, string>> {
  const clusters = names.map(
    (name) => `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: {}\n`,
  );
  const application = (name: 'giver' | 'taker') =>
    `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: ${name} }\nspec:\n  source: { path: ${name} }\n  placement: { selector: {} }\n  rollout: ${rollouts[name]}\n`;
  return {
    'fleet/clusters.yaml': clusters.join('---\n'),
    'fleet/applications.yaml': [application('giver'), application('taker')].join('---\n'),
    'giver/own.yaml': map('given'),
    'taker/own.yaml': map('taken'),
    [`${holder}/moves.yaml`]: map('moves'),
  };
}

const atOnce = '{ strategy: all-at-once }';
const approved = '{ inline: { waves: [{ name: all, approval: { when: before } }] } }';

describe('an object that moves between applications that roll out each in its time', () => {
  let bed: LoopBed;
  let rollouts: RolloutDriver;

  beforeEach(async () => {
    bed = await createLoopBed();
    rollouts = openRollouts(bed);
    for (const cluster of names)
      await bed.store.registry.seen({ cluster, connected: true, nowMs: bed.clock.now() });
  });
  afterEach(async () => {
    await rollouts.stop();
    await bed.close();
  });

  const settle = () => settleRollouts(bed, rollouts);
  const commit = async (files: Readonly<Record<string, string>>) => {
    await bed.commit(files);
    await bed.resolve();
    await settle();
  };
  const approve = (application: string) =>
    rollouts.act(
      application,
      { type: 'approve', wave: '' },
      { actor: 'ann', reason: 'it is good', atMs: bed.clock.now() },
    );
  const generations = async () =>
    (await bed.store.releases.assignments({})).map(
      ({ cluster, application, generation }) => `${cluster} ${application} ${generation}`,
    );

  it.each([
    ['the one that gives it up would go at once', { giver: atOnce, taker: approved }, 'taker'],
    ['the one that takes it would go at once', { giver: approved, taker: atOnce }, 'giver'],
  ] as const)('is assigned to both together where %s', async (_, strategies, slow) => {
    await commit(fleet('giver', strategies));
    await approve(slow);
    await settle();
    const before = await generations();
    expect(before).toHaveLength(4);
    await commit(fleet('taker', strategies));
    expect(await generations()).toEqual(before);
    const quick = slow === 'taker' ? 'giver' : 'taker';
    expect((await rollouts.report(quick))?.message).toContain(`its turn together with ${slow}`);
    await approve(slow);
    await settle();
    // The gain has the lower generation: the agent sees it first.
    expect(await generations()).toEqual(['eu-1 giver 4', 'eu-1 taker 3', 'eu-2 giver 4', 'eu-2 taker 3']);
    expect((await rollouts.report(quick))?.phase).toBe('Complete');
  });

  it('goes wave by wave where both are careful', async () => {
    const careful = { giver: '{ strategy: careful }', taker: '{ strategy: careful }' };
    await commit(fleet('giver', careful));
    await commit(fleet('taker', careful));
    for (const cluster of names) {
      const [giver, taker] = await bed.store.releases.assignments({ cluster });
      expect([giver?.application, taker?.application]).toEqual(['giver', 'taker']);
      expect(giver?.assignedAtMs).toBe(taker?.assignedAtMs);
      expect(taker!.generation).toBeLessThan(giver!.generation);
    }
    const first = await bed.store.releases.assignments({ cluster: 'eu-1' });
    const second = await bed.store.releases.assignments({ cluster: 'eu-2' });
    expect(first[0]!.assignedAtMs).toBeLessThan(second[0]!.assignedAtMs);
  });

  it('ends by itself where each goes first to the cluster that the other goes to last', async () => {
    const waves = (...order: readonly string[]) => {
      const one = (name: string) =>
        `{ name: ${name}, selector: { matchLabels: { fairway.dev/cluster: ${name} } } }`;
      return `{ inline: { waves: [${order.map(one).join(', ')}] } }`;
    };
    const crossed = { giver: waves('eu-1', 'eu-2'), taker: waves('eu-2', 'eu-1') };
    await commit(fleet('giver', crossed));
    await commit(fleet('taker', crossed));
    await settle();
    for (const name of ['giver', 'taker'])
      expect(await rollouts.report(name)).toMatchObject({ phase: 'Complete' });
    for (const cluster of names) {
      const [giver, taker] = await bed.store.releases.assignments({ cluster });
      expect(giver?.assignedAtMs).toBe(taker?.assignedAtMs);
      expect(taker!.generation).toBeLessThan(giver!.generation);
    }
  });
});
