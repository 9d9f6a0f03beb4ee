/**
 * A rollout over four real control planes in three regions, with Kubernetes' own controllers and simulated nodes: Deployments become available, or fail to,
 * by themselves. Hub and agents are processes of their own; the hub is killed with -9 between a decision and its sending.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiRollout } from '../../hub/api/schemas/rollout.ts';
import { exitCodes } from '../../hub/cli/exit-codes.ts';
import { root } from '../tools/source-files.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const limitMs = 120_000;
const regions: Readonly<Record<string, string>> = { 'ap-1': 'ap', 'eu-1': 'eu', 'eu-2': 'eu', 'us-1': 'us' };
const names = Object.keys(regions);
const canary = 'ap-1';

const clusters = names
  .map(
    (name) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name}, labels: { tier: ${name === canary ? 'canary' : 'rest'} } }\nspec: { region: ${regions[name]} }\n`,
  )
  .join('---\n');
const fleet = `apiVersion: fairway.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: steps }
spec:
  waves:
    - { name: canary, selector: { matchLabels: { tier: canary } }, approval: { when: after } }
    - { name: regions, groupBy: fairway.dev/region }
  onFailure: rollback
---
apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: web }
spec:
  source: { path: apps/web }
  placement: { clusters: [${names.join(', ')}] }
  rollout: { strategy: steps }
`;

/** Generous where the machine may be slow; short where it is meant to be missed. */
const web = (tag: string, progressDeadlineSeconds = 300) => ({
  'apps/web/web.yaml': JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 2,
      progressDeadlineSeconds,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: `registry.example/web:${tag}` }] },
      },
    },
  }),
});

let made: FleetBed | undefined;
const bed = () => made as FleetBed;

const read = (cluster: string, what: string, path: string) =>
  bed().kubectl(cluster, 'get', what, '-o', `jsonpath=${path}`).stdout.trim();
const tagOf = (cluster: string) =>
  read(cluster, 'deployments', '{.items[*].spec.template.spec.containers[0].image}').split(':')[1] ?? 'none';
const tags = () => Object.fromEntries(names.map((name) => [name, tagOf(name)]));
const every = (tag: string) => Object.fromEntries(names.map((name) => [name, tag]));
/** All images that a cluster was ever told to run: of its ReplicaSets, which Kubernetes keeps. */
const everRan = (cluster: string) =>
  read(cluster, 'replicasets', '{.items[*].spec.template.spec.containers[0].image}')
    .split(' ')
    .map((image) => image.split(':')[1])
    .sort();
/** When the cluster's own controller said that the newest pods are there, in whole seconds. */
const availableAt = (cluster: string) =>
  Date.parse(
    read(
      cluster,
      'deployments',
      '{.items[0].status.conditions[?(@.reason=="NewReplicaSetAvailable")].lastUpdateTime}',
    ),
  );

const rollout = () => bed().api().get<ApiRollout>('/api/v1/applications/web/rollout');
/** Of the release of that commit, once it is so. */
const reached = (commit: string, what: string, holds: (now: ApiRollout) => boolean) =>
  bed().wait(
    `the rollout of ${commit.slice(0, 7)}: ${what}`,
    async () => {
      const now = await rollout().catch(() => undefined);
      return now?.revisionId === commit && holds(now) ? now : undefined;
    },
    limitMs,
  );
const waitsForApproval = (commit: string) =>
  reached(commit, 'an approval', ({ message }) => message.includes('an approval'));
const phase = (commit: string, wanted: ApiRollout['phase']) =>
  reached(commit, wanted, (now) => now.phase === wanted);

/** The clusters that a commit was assigned to, in that order, each as often as it was. */
async function assignedBy(commit: string) {
  const events = await bed().api().events('types=assignment.changed');
  return events
    .filter(({ revisionId }) => revisionId === commit)
    .sort((one, other) => Date.parse(one.time) - Date.parse(other.time))
    .map(({ cluster, time }) => ({ cluster, atMs: Date.parse(time) }));
}

/** Each cluster once, the canary first, regions in their order, and none before those of the wave before it were available. */
async function expectInOrder(commit: string) {
  const assigned = await assignedBy(commit);
  const order = assigned.map(({ cluster }) => cluster);
  expect([order[0], order.slice(1, 3).sort(), order.slice(3)]).toEqual(['ap-1', ['eu-1', 'eu-2'], ['us-1']]);
  const atMs = new Map(assigned.map((one) => [one.cluster, one.atMs]));
  for (const [before, after] of [
    ['ap-1', 'eu-1'],
    ['ap-1', 'eu-2'],
    ['eu-1', 'us-1'],
    ['eu-2', 'us-1'],
  ] as const)
    expect(atMs.get(after), `${after} after ${before}`).toBeGreaterThanOrEqual(availableAt(before));
}

/** As a user types it. */
function fairway(...args: readonly string[]) {
  const { api, token } = bed().addresses();
  const env = { ...process.env, FAIRWAY_SERVER: api, FAIRWAY_TOKEN: token };
  return promisify(execFile)(process.execPath, [join(root, 'hub/cli/main.ts'), ...args], { env });
}

beforeAll(async () => {
  made = await createFleetBed({
    clusters: names,
    whole: names,
    brokenImages: true,
    files: { 'fleet/clusters.yaml': clusters },
  });
  if (!made) return;
  await made.startHub();
  for (const name of names) await made.startAgent(name);
  await made.wait(
    'all agents to be there',
    async () => {
      const { items } = await bed().api().get<{ items: { connected: boolean }[] }>('/api/v1/clusters');
      return items.length === names.length && items.every(({ connected }) => connected) ? true : undefined;
    },
    limitMs,
  );
}, 300_000);

afterAll(() => made?.close(), 60_000);

describe('a rollout over real control planes', { timeout: 300_000 }, () => {
  it('begins no later wave while the pods of the one before it are not there, and waits for an approval', async (context) => {
    if (!made) return context.skip(skipped);
    expect(bed().kubectl(canary, 'cordon', 'node-0').status).toBe(0);
    const commit = await bed().merge({ ...web('v1'), 'fleet/web.yaml': fleet }, 'web arrives');
    const held = await reached(commit, 'the canary to be applied', ({ waves }) =>
      Boolean(waves[0]?.clusters.some(({ step }) => step === 'Applied')),
    );
    expect(held.waves.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'canary Running',
      'regions/eu Waiting',
      'regions/us Waiting',
    ]);
    await bed().wait('the pods to wait for a node', () =>
      read(canary, 'pods', '{.items[*].status.conditions[*].reason}').includes('Unschedulable')
        ? true
        : undefined,
    );
    expect(tags()).toEqual({ ...every('none'), [canary]: 'v1' });
    expect(bed().kubectl(canary, 'uncordon', 'node-0').status).toBe(0);
    await waitsForApproval(commit);
    expect(tags()).toEqual({ ...every('none'), [canary]: 'v1' });
    // By the API.
    await bed()
      .api()
      .post('/api/v1/applications/web/rollout/actions', { action: 'approve', reason: 'looks well' });
    await phase(commit, 'Complete');
    expect(tags()).toEqual(every('v1'));
    await expectInOrder(commit);
  });

  it('stops in the first wave when pods cannot pull their image, and takes it back by itself', async (context) => {
    if (!made) return context.skip(skipped);
    const commit = await bed().merge(web('broken', 5), 'a bad image');
    const back = await phase(commit, 'RolledBack');
    expect(back.message).toContain('ImagePullBackOff');
    expect(back.waves.map(({ name, state }) => `${name} ${state}`).slice(1)).toEqual([
      'regions/eu Waiting',
      'regions/us Waiting',
    ]);
    expect(tags()).toEqual(every('v1'));
    expect((await assignedBy(commit)).map(({ cluster }) => cluster)).toEqual([canary]);
    expect(everRan(canary)).toEqual(['broken', 'v1']);
    for (const name of names.slice(1)) expect(everRan(name), name).toEqual(['v1']);
  });

  it('goes on after the command line has approved, and is not thrown off by a hub that is killed between decision and sending', async (context) => {
    if (!made) return context.skip(skipped);
    await bed().killHub('SIGTERM');
    const dying = (cluster: string, when: 'kept' | 'unkept') =>
      bed().startHub({ script: 'test/e2e/dying-decision.ts', args: [`release:${cluster}`, when] });
    const died = () => bed().wait('the hub to die', () => (bed().hub().running ? undefined : true), limitMs);
    await dying('eu-1', 'kept');
    const commit = await bed().merge(web('v2'), 'the next version');
    await waitsForApproval(commit);
    // The hub may die of the decision that this brings before it has answered.
    const approval = fairway('rollout', 'approve', 'web', '--reason', 'by hand').catch(
      ({ code }: { readonly code: number }) => expect(code).toBe(exitCodes.unreachable),
    );
    await died();
    await approval;
    // Kept, but nobody was told.
    expect(tags()).toEqual({ ...every('v1'), [canary]: 'v2' });
    await dying('us-1', 'unkept');
    await died();
    expect(tags()).toEqual({ ...every('v2'), 'us-1': 'v1' });
    await bed().startHub();
    await phase(commit, 'Complete');
    const said = (await bed().api().events('types=audit.rollout')).map(({ message }) => message);
    expect(said).toEqual([
      'approve of the rollout of web: by hand',
      'approve of the rollout of web: looks well',
    ]);
    expect(tags()).toEqual(every('v2'));
    await expectInOrder(commit);
    for (const name of names)
      expect(everRan(name), name).toEqual(name === canary ? ['broken', 'v1', 'v2'] : ['v1', 'v2']);
  });
});
