/**
 * Nothing reaches a cluster around the gates, and nothing that changes no Target begins a rollout: a hub as a process, Git over HTTP, agents on the stream. What
 * is changed is never the manifests' meaning, but all the rest that makes a Target, or nothing of it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiRollout } from '../../hub/api/schemas/rollout.ts';
import type { Target } from '../../shared/manifest/target.ts';
import { configMap, createHubBed, type HubBed } from './hub-bed.ts';
import { createObedientAgents } from './obedient-agents.ts';

const names = ['ap-1', 'eu-1', 'us-1'];
const [canary = '', ...others] = names;
const clusterFile = names
  .map(
    (name) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${name.slice(0, 2)} }\n`,
  )
  .join('---\n');
const strategy = `apiVersion: fairway.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: steps }
spec:
  regions: any
  waves:
    - { name: canary, take: 1, approval: { when: after } }
    - { name: rest }
`;
const application = (name: string, spec: string) => `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: ${name} }
spec:
  source: { path: apps/${name} }
  placement: { clusters: [${names.join(', ')}] }
${spec}`;
const web = (spec = '') => application('web', `  rollout: { strategy: steps }\n${spec}`);

let bed: HubBed;
const agents = createObedientAgents(() => bed);
/** Of the application under test. */
const told = (from: number) => agents.told.slice(from).filter(({ desired }) => desired.application === 'web');
const rollout = () => bed.api().get<ApiRollout>('/api/v1/applications/web/rollout');
const reached = (commit: string, what: string, holds: (now: ApiRollout) => boolean) =>
  bed.wait(what, async () => {
    const now = await rollout().catch(() => undefined);
    return now?.revisionId === commit && holds(now) ? now : undefined;
  });

beforeAll(async () => {
  bed = await createHubBed();
  await bed.merge({ 'fleet/clusters.yaml': clusterFile, 'fleet/steps.yaml': strategy }, 'start');
  await bed.start();
  await agents.connect(names);
  const first = await bed.merge(
    {
      'fleet/base.yaml': application('base', '  rollout: { strategy: all-at-once }\n'),
      'fleet/web.yaml': web(),
      'apps/base/map.yaml': configMap('base', 'v1'),
      'apps/web/map.yaml': configMap('web', 'v1'),
    },
    'web and base arrive',
  );
  await through(first);
}, 120_000);

afterAll(async () => {
  await agents.stop();
  await bed?.close();
});

/** The canary alone until somebody has approved, then everybody, each once; what they were told. */
async function through(commit: string, from = 0): Promise<readonly Target[]> {
  const held = await reached(commit, 'an approval to be waited for', ({ message }) =>
    message.includes('an approval'),
  );
  expect(held.waves.map(({ name, state }) => `${name} ${state}`)).toEqual(['canary Soaking', 'rest Waiting']);
  expect(told(from).map(({ cluster }) => cluster)).toEqual([canary]);
  await bed.api().post('/api/v1/applications/web/rollout/actions', { action: 'approve', reason: 'the test' });
  await reached(commit, 'the rollout to be complete', ({ phase }) => phase === 'Complete');
  const all = told(from);
  expect([
    all[0]?.cluster,
    ...all
      .slice(1)
      .map(({ cluster }) => cluster)
      .sort(),
  ]).toEqual([canary, ...others]);
  expect(new Set(all.map(({ value }) => value))).toEqual(new Set(['v1']));
  return all.map(({ desired }) => desired.target);
}

describe('a Target of which not a manifest has changed', { timeout: 60_000 }, () => {
  it.each<[string, string, Partial<Target>]>([
    [
      'health rule',
      '  health: [{ apiVersion: example.com/v1, kind: Queue, current: object.status.ready }]\n',
      { health: [expect.objectContaining({ kind: 'Queue', current: 'object.status.ready' })] },
    ],
    ['dependency', '  dependsOn: [base]\n', { dependsOn: ['base'], health: [] }],
    [
      'sync option',
      '  sync: { prune: false }\n',
      { sync: expect.objectContaining({ prune: false }), dependsOn: [] },
    ],
    ['deletion policy', '  deletionPolicy: orphan\n', { deletionPolicy: 'orphan' }],
  ])('goes by its waves and gates with another %s', async (what, spec, target) => {
    const from = agents.told.length;
    const commit = await bed.merge({ 'fleet/web.yaml': web(spec) }, `another ${what}`);
    for (const one of await through(commit, from)) expect(one).toMatchObject(target);
  });
});

describe('a commit that changes no Target', { timeout: 60_000 }, () => {
  /** The hub has looked at it, and everything is as it was. */
  const changesNothing = async (commit: string, before: ApiRollout, from: number) => {
    await bed.wait('the commit to be resolved', async () => {
      const { items } = await bed
        .api()
        .get<{ items: { commit: string; state: string }[] }>('/api/v1/revisions');
      return items.some((one) => one.commit === commit && one.state !== 'Pending') ? true : undefined;
    });
    const { releaseId, phase, revisionId } = await rollout();
    expect({ releaseId, phase, revisionId }).toEqual({
      releaseId: before.releaseId,
      phase: 'Complete',
      revisionId: before.revisionId,
    });
    expect(agents.told.slice(from)).toEqual([]);
    const { items } = await bed.api().get<{ items: unknown[] }>('/api/v1/applications/web/rollouts');
    return items.length;
  };

  it('begins nothing: a comment, a rename, another order of fields, another strategy', async () => {
    const before = await rollout();
    const from = agents.told.length;
    const { items } = await bed.api().get<{ items: unknown[] }>('/api/v1/applications/web/rollouts');
    const map = configMap('web', 'v1');
    const orphan = web('  deletionPolicy: orphan\n');
    const commits: (readonly [string, Readonly<Record<string, string | null>>])[] = [
      ['a comment in a manifest', { 'apps/web/map.yaml': `# What web reads.\n${map}` }],
      ['a manifest by another name', { 'apps/web/map.yaml': null, 'apps/web/settings.yaml': map }],
      ['its fields in another order', { 'apps/web/settings.yaml': map.split('\n').reverse().join('\n') }],
      ['its Application by another name', { 'fleet/web.yaml': null, 'fleet/apps/web.yaml': orphan }],
      ['a comment in the Application', { 'fleet/apps/web.yaml': `# Ours.\n${orphan}` }],
      ['another strategy', { 'fleet/steps.yaml': strategy.replace('take: 1', 'take: 2') }],
    ];
    for (const [message, files] of commits) {
      const commit = await bed.merge(files, message);
      expect(await changesNothing(commit, before, from), message).toBe(items.length);
    }
  });
});
