/**
 * The hub is killed with -9 at each write of a rollout, once it was kept and before anybody was told, and just before the store heard of it: a hub as a process, Git
 * over HTTP, agents on the stream. Whoever starts next goes on: nobody is assigned twice, skipped or out of order, and nothing is said twice.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiCluster } from '../../hub/api/schemas/cluster.ts';
import type { ApiRollout } from '../../hub/api/schemas/rollout.ts';
import { runGit } from '../../hub/cli/demo/git-program.ts';
import { configMap, createHubBed, type HubBed } from './hub-bed.ts';
import { createObedientAgents } from './obedient-agents.ts';

const names = ['ap-1', 'eu-1', 'us-1'];
const fleet = names
  .map(
    (name) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${name.slice(0, 2)} }\n`,
  )
  .join('---\n');
/** One cluster after the other, and the second waits for somebody. */
const strategy = `apiVersion: fairway.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: steps }
spec:
  waves:
    - { name: first, take: 1, approval: { when: after } }
    - { name: rest, groupBy: fairway.dev/region }
  onFailure: rollback
  revert: branch
`;
const application = `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: web }
spec:
  source: { path: apps/web }
  placement: { clusters: [${names.join(', ')}] }
  rollout: { strategy: steps }
`;
const settings = { commits: { name: 'Fairway', email: 'fairway@example.com' } };
type When = 'kept' | 'unkept';
const both: readonly [When][] = [['kept'], ['unkept']];

let bed: HubBed;
const agents = createObedientAgents(() => bed);
let versions = 0;

const rollout = () => bed.api().get<ApiRollout>('/api/v1/applications/web/rollout');
const reached = (commit: string, what: string, holds: (now: ApiRollout) => boolean) =>
  bed.wait(what, async () => {
    const now = await rollout().catch(() => undefined);
    return now?.revisionId === commit && holds(now) ? now : undefined;
  });
const phase = (commit: string, wanted: ApiRollout['phase']) =>
  reached(commit, `the rollout to be ${wanted}`, (now) => now.phase === wanted);
const waitsForApproval = (commit: string) =>
  reached(commit, 'an approval', ({ message }) => message.includes('an approval'));
const act = (action: string) =>
  bed.api().post('/api/v1/applications/web/rollout/actions', { action, reason: `to ${action}` });

/** A hub that dies at that moment; `died` starts it anew, as it should be, once it has. */
async function dying(moment: string, when: When) {
  await bed.stop('SIGKILL');
  await bed.start(settings, { script: 'test/e2e/dying-decision.ts', args: [moment, when] });
  // A wave that takes one takes one that is there.
  await bed.wait('the agents to be back', async () => {
    const { items } = await bed.api().get<{ items: readonly ApiCluster[] }>('/api/v1/clusters');
    return items.length === names.length && items.every(({ connected }) => connected) ? true : undefined;
  });
  return async () => {
    await bed.wait('the hub to die', () => (bed.hub().running ? undefined : true));
    const known = agents.told.length;
    await bed.start(settings);
    return known;
  };
}

const release = (value: string) => bed.merge({ 'apps/web/map.yaml': configMap('web', value) }, value);

/** A commit that is complete everywhere, and its value. */
async function complete(): Promise<string> {
  const value = `v${++versions}`;
  const commit = await release(value);
  await waitsForApproval(commit);
  await act('approve');
  await phase(commit, 'Complete');
  return value;
}

/** Every generation of a cluster once, without a gap: what was decided twice would show, and so would what was lost. */
function expectGenerations() {
  for (const name of names) {
    const generations = agents.told.flatMap(({ cluster, desired }) =>
      cluster === name ? [desired.generation] : [],
    );
    expect(generations, name).toEqual(generations.map((_, index) => index + 1));
  }
}

async function messages(type: string, commit: string): Promise<readonly string[]> {
  const events = await bed.api().events(`types=${type}`);
  return events.filter(({ revisionId }) => revisionId === commit).map(({ message }) => message);
}

beforeAll(async () => {
  bed = await createHubBed({ anonymousPush: true });
  await bed.merge({ 'fleet/clusters.yaml': fleet, 'fleet/steps.yaml': strategy }, 'start');
  await bed.start(settings);
  await agents.connect(names);
  await bed.merge(
    { 'fleet/web.yaml': application, 'apps/web/map.yaml': configMap('web', 'v0') },
    'web arrives',
  );
  await bed.wait('the rollout to begin', () => rollout().catch(() => undefined));
  const { revisionId } = await rollout();
  await waitsForApproval(revisionId);
  await act('approve');
  await phase(revisionId, 'Complete');
}, 120_000);

afterAll(async () => {
  await agents.stop();
  await bed?.close();
});

describe('a hub that is killed', { timeout: 120_000 }, () => {
  it.each(both)(
    'at the plan of a commit (%s) begins its rollout once, with the first cluster',
    async (when) => {
      const from = agents.told.length;
      const died = await dying('plan:web', when);
      const value = `v${++versions}`;
      const commit = await release(value);
      expect(await died()).toBe(from);
      await waitsForApproval(commit);
      expect(agents.since(from)).toEqual([`ap-1=${value}`]);
      await act('approve');
      await phase(commit, 'Complete');
      expect(agents.since(from)).toEqual(names.map((name) => `${name}=${value}`));
      expect(await messages('release.created', commit)).toHaveLength(1);
      const { items } = await bed
        .api()
        .get<{ items: { revisionId: string }[] }>('/api/v1/applications/web/rollouts');
      expect(items.filter(({ revisionId }) => revisionId === commit)).toHaveLength(1);
      expectGenerations();
    },
  );

  it.each(both)('at the decision to go on to a wave (%s) goes on with it', async (when) => {
    const value = `v${++versions}`;
    const from = agents.told.length;
    const died = await dying('release:eu-1', when);
    const commit = await release(value);
    await waitsForApproval(commit);
    // It may die of the decision that this brings before it has answered.
    await act('approve').catch(() => undefined);
    expect(await died()).toBe(from + 1);
    await phase(commit, 'Complete');
    expect(agents.since(from)).toEqual(names.map((name) => `${name}=${value}`));
    expectGenerations();
  });

  it.each(both)(
    'at the decision to roll back (%s) takes everybody back once, the last wave first',
    async (when) => {
      const good = await complete();
      const from = agents.told.length;
      const died = await dying('rollback:eu-1', when);
      // The last wave fails: three clusters have it by then.
      const bad = await bed.merge(
        {
          'apps/web/map.yaml': null,
          'apps/web/base/map.yaml': configMap('web', `w${versions}`),
          'apps/web/us/map.yaml': configMap('web', `bad${versions}`),
          'fleet/web.yaml': application.replace(
            'path: apps/web',
            "path: apps/web, overlays: ['{{cluster.region}}', base]",
          ),
        },
        'bad in its last wave',
      );
      await waitsForApproval(bad);
      await act('approve');
      await died();
      const back = await phase(bad, 'RolledBack');
      expect(back.message).toContain('the image cannot be pulled');
      expect(agents.since(from)).toEqual([
        ...[`ap-1=w${versions}`, `eu-1=w${versions}`, `us-1=bad${versions}`],
        ...[`us-1=${good}`, `eu-1=${good}`, `ap-1=${good}`],
      ]);
      expect(agents.told.slice(from + 3).map(({ desired }) => desired.reason)).toEqual(
        names.map(() => 'rollback'),
      );
      expect(await messages('rollout.rolled-back', bad)).toHaveLength(1);
      await reached(bad, 'the revert to be written', ({ revert }) => revert?.state === 'written');
      await bed.merge(
        {
          'apps/web/map.yaml': configMap('web', good),
          'apps/web/base/map.yaml': null,
          'apps/web/us/map.yaml': null,
          'fleet/web.yaml': application,
        },
        'as it was',
      );
      expectGenerations();
    },
  );

  it.each(both)('when it has written a revert to Git (%s) writes no second one', async (when) => {
    const good = await complete();
    const from = agents.told.length;
    const died = await dying('revert:web', when);
    const bad = await release(`bad${versions}`);
    await died();
    const back = await reached(bad, 'the revert to be known', ({ revert }) => revert?.state === 'written');
    expect(back.phase).toBe('RolledBack');
    const git = (...args: readonly string[]) => runGit(['--git-dir', bed.repository.bare, ...args]);
    const branches = (await git('for-each-ref', '--format=%(refname:short)', '--contains', bad)).split('\n');
    const [branch = '', ...more] = branches.filter((name) => name !== '' && name !== 'main');
    expect(more).toEqual([]);
    expect(branch).toContain('web');
    expect((await git('rev-list', '--count', `main..${branch}`)).trim()).toBe('1');
    expect((await git('rev-parse', branch)).trim()).toBe(back.revert?.commit);
    expect(await git('show', `${branch}:apps/web/map.yaml`)).toBe(configMap('web', good));
    expect(await messages('rollout.revert-written', bad)).toHaveLength(1);
    expect(agents.since(from)).toEqual([`ap-1=bad${versions}`, `ap-1=${good}`]);
    expectGenerations();
  });

  it.each(both)('at an approval (%s) has it, or was never told', async (when) => {
    const value = `v${++versions}`;
    const from = agents.told.length;
    const died = await dying('action:approve', when);
    const commit = await release(value);
    await waitsForApproval(commit);
    await expect(act('approve')).rejects.toThrow();
    await died();
    if (when === 'unkept') {
      await waitsForApproval(commit);
      expect(agents.since(from)).toEqual([`ap-1=${value}`]);
      await act('approve');
    }
    await phase(commit, 'Complete');
    expect(agents.since(from)).toEqual(names.map((name) => `${name}=${value}`));
    expect(await messages('audit.rollout', commit)).toEqual(['approve of the rollout of web: to approve']);
    expectGenerations();
  });

  it.each(both)('at an abort (%s) has it, or was never told, and nobody else gets anything', async (when) => {
    const value = `v${++versions}`;
    const from = agents.told.length;
    const died = await dying('action:abort', when);
    const commit = await release(value);
    await waitsForApproval(commit);
    await expect(act('abort')).rejects.toThrow();
    await died();
    if (when === 'unkept') {
      await waitsForApproval(commit);
      await act('abort');
    }
    const over = await phase(commit, 'Aborted');
    expect(over.message).toContain('to abort');
    expect(agents.since(from)).toEqual([`ap-1=${value}`]);
    expect(await messages('audit.rollout', commit)).toEqual(['abort of the rollout of web: to abort']);
    expectGenerations();
  });
});
