/** What the hub sees of an agent in trouble; agent and hub in processes of their own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleetBed, type FleetBed } from '../fleet-bed.ts';
import { type Breakable, createBreakable } from './breakable.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const map = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\ndata: { value: "${value}" }\n`;

let bed: FleetBed | undefined;
let way: Breakable | undefined;

beforeAll(async () => {
  bed = await createFleetBed({
    clusters: ['far'],
    files: {
      'fleet/far.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: far }\nspec: { region: here }\n',
      'fleet/maps.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: maps }\nspec:\n  source: { path: apps/maps }\n  placement: { clusters: [far] }\n',
      'apps/maps/all.yaml': map('a', '1'),
    },
  });
  if (!bed) return;
  await bed.startHub();
  const plane = bed.plane('far');
  way = await createBreakable(plane.url);
  const kubeconfig = join(bed.folder, 'breakable-kubeconfig');
  writeFileSync(kubeconfig, readFileSync(plane.kubeconfig, 'utf8').replaceAll(plane.url, way.url));
  await bed.startAgent('far', { args: ['--kubeconfig', kubeconfig] });
  await bed.settle(await bed.repository.head(), { placements: 1 });
}, 240_000);

afterAll(async () => {
  await bed?.close();
  await way?.close();
});

const dataOf = (name: string) =>
  bed?.kubectl('far', 'get', 'configmap', name, '-o', 'jsonpath={.data.value}').stdout;

describe('an agent in trouble, as the hub sees it', () => {
  it('tells that its API server cannot be reached, and carries on once it can', async (context) => {
    if (!bed || !way) return context.skip(skipped);
    await way.cut();
    const placement = () =>
      bed
        ?.api()
        .placements()
        .then(([first]) => first);
    const away = await bed.wait('the hub to hear of it', async () => {
      const now = await placement();
      return now?.message.includes('API server cannot be reached') ? now : undefined;
    });
    expect(away).toMatchObject({ connected: true, health: 'Unknown' });
    const commit = await bed.merge({ 'apps/maps/all.yaml': map('a', '2') }, 'maps: 2');
    // Not received: that would mean that it is kept, and it is kept in the API server.
    await bed.wait('it to be assigned', async () =>
      (await placement())?.stage === 'Assigned' ? true : undefined,
    );
    expect(dataOf('a')).toBe('1');
    await way.mend();
    await bed.settle(commit);
    expect(dataOf('a')).toBe('2');
    await bed.wait('the trouble to be over', async () => {
      const now = await placement();
      return now?.sync === 'Synced' && now.message === '' ? true : undefined;
    });
    const events = await bed.api().events('types=sync');
    expect(events.filter(({ type }) => type === 'sync.failed')).toEqual([]);
  }, 120_000);

  it('two agents of one cluster: the newer session wins, the other waits, and what they do is done once', async (context) => {
    if (!bed) return context.skip(skipped);
    const first = bed.agent('far');
    // By its Secret it has the same identity.
    const second = await bed.startAgent('far', { token: false });
    await bed.wait('the first to be thrown out', () =>
      first.tail().includes('a newer session of this cluster has taken over') ? true : undefined,
    );
    const commit = await bed.merge(
      { 'apps/maps/all.yaml': `${map('b', '3')}---\n${map('c', '3')}` },
      'maps: b and c, no a',
    );
    await bed.settle(commit);
    await bed.wait('a to go', () => (dataOf('a') === '' ? true : undefined));
    const uid = () => bed?.kubectl('far', 'get', 'configmap', 'b', '-o', 'jsonpath={.metadata.uid}').stdout;
    const made = uid();
    bed.kubectl('far', 'patch', 'configmap', 'b', '-p', '{"data":{"value":"9"}}');
    await bed.wait('the drift to be healed', () => (dataOf('b') === '3' ? true : undefined));
    await bed.wait('the first to stand back', () =>
      first.tail().includes('this one stands back') ? true : undefined,
    );
    expect(dataOf('a')).toBe('');
    expect(dataOf('c')).toBe('3');
    expect(uid()).toBe(made);
    expect(second.running && first.running).toBe(true);
    const pruned = await bed.api().events('types=object.pruned');
    expect(pruned.map(({ object }) => object)).toEqual(['/ConfigMap/default/a']);
    await first.stop('SIGTERM');
  }, 120_000);
});
