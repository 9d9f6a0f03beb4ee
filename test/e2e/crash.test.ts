/** Any process may be killed at any instant: the hub in the middle of a sync, an agent without its hub, a pod with its disk, an API server. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const clusters = ['one', 'two', 'three'] as const;
const configMap = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\ndata: { value: "${value}" }\n`;
const manyMaps = (value: string) =>
  Array.from({ length: 100 }, (_, index) => configMap(`map-${index}`, value)).join('---\n');
const clusterFile = clusters
  .map(
    (name) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: here }\n`,
  )
  .join('---\n');
const application = `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: maps }
spec:
  source: { path: apps/maps }
  placement: { clusters: [one, two, three] }
  rollout: { strategy: all-at-once }
`;

let bed: FleetBed | undefined;

beforeAll(async () => {
  bed = await createFleetBed({
    clusters,
    files: {
      'fleet/clusters.yaml': clusterFile,
      'fleet/applications.yaml': application,
      'apps/maps/maps.yaml': manyMaps('a'),
    },
  });
  if (!bed) return;
  await bed.startHub();
  for (const name of clusters) await bed.startAgent(name);
  await bed.settle(await bed.repository.head(), { placements: 3 });
}, 300_000);

afterAll(() => bed?.close());

const dataOf = (cluster: string, name = 'map-99') =>
  bed?.kubectl(cluster, 'get', 'configmap', name, '-o', 'jsonpath={.data.value}').stdout;

describe('killed processes', () => {
  it('a hub killed with -9 in the middle of a sync carries on where it was', async (context) => {
    if (!bed) return context.skip(skipped);
    const commit = await bed.merge({ 'apps/maps/maps.yaml': manyMaps('b') }, 'maps: b');
    const hub = bed;
    await bed.wait('the first object of the sync', () => (dataOf('one', 'map-0') === 'b' ? true : undefined));
    await hub.killHub('SIGKILL');
    await hub.startHub();
    const placements = await bed.settle(commit);
    for (const name of clusters) expect(dataOf(name)).toBe('b');
    // Nobody was assigned twice: each cluster's generation grew by one a change.
    expect(placements.map(({ generation }) => generation)).toEqual([2, 2, 2]);
  }, 180_000);

  it('an agent that was killed heals at its next start, with the hub away', async (context) => {
    if (!bed) return context.skip(skipped);
    await bed.killHub('SIGKILL');
    await bed.killAgent('one');
    expect(
      bed.kubectl('one', 'patch', 'configmap', 'map-5', '--type=merge', '-p', '{"data":{"value":"by hand"}}')
        .status,
    ).toBe(0);
    expect(bed.kubectl('one', 'delete', 'configmap', 'map-6').status).toBe(0);
    await bed.startAgent('one', { token: false });
    await bed.wait('both to be healed', () =>
      dataOf('one', 'map-5') === 'b' && dataOf('one', 'map-6') === 'b' ? true : undefined,
    );
    expect(
      bed.kubectl('one', 'patch', 'configmap', 'map-7', '--type=merge', '-p', '{"data":{"value":"by hand"}}')
        .status,
    ).toBe(0);
    await bed.wait('the running agent to heal too', () =>
      dataOf('one', 'map-7') === 'b' ? true : undefined,
    );
    await bed.startHub();
    await bed.wait('the hub to hear of it', async () => {
      const events = await bed?.api().events('types=drift.healed&cluster=one');
      return events?.some(({ object }) => object === '/ConfigMap/default/map-7') ? true : undefined;
    });
  }, 180_000);

  it('an agent whose pod and disk are gone rejoins by its Secrets, without a token', async (context) => {
    if (!bed) return context.skip(skipped);
    await bed.killAgent('two');
    const elsewhere = mkdtempSync(join(tmpdir(), 'fairway-elsewhere-'));
    await bed.startAgent('two', { token: false, args: ['--state', elsewhere] });
    const commit = await bed.merge({ 'apps/maps/maps.yaml': manyMaps('c') }, 'maps: c');
    await bed.settle(commit);
    expect(dataOf('two')).toBe('c');
    const tokens = await bed.api().get<{ items: { cluster: string }[] }>('/api/v1/enrolment-tokens');
    expect(tokens.items.filter(({ cluster }) => cluster === 'two')).toHaveLength(1);
  }, 180_000);

  it('an API server that restarts is waited for, and what changed meanwhile is applied', async (context) => {
    if (!bed) return context.skip(skipped);
    const restarting = bed.plane('three').restart();
    const commit = await bed.merge({ 'apps/maps/maps.yaml': manyMaps('d') }, 'maps: d');
    await restarting;
    await bed.settle(commit, { limitMs: 120_000 });
    expect(dataOf('three')).toBe('d');
    expect(bed.kubectl('three', 'delete', 'configmap', 'map-1').status).toBe(0);
    await bed.wait('watches to be back', () => (dataOf('three', 'map-1') === 'd' ? true : undefined));
  }, 240_000);
});
