/** Removal end to end, without clusters: what waits for a word, what an operator's word lets go, what a moved application keeps, and a hub killed in between. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleetRepository, type FleetRepository } from '../../hub/cli/demo/fleet-repository.ts';
import { applicationFile, clusterFile, configMap, createHubBed, type HubBed } from './hub-bed.ts';

const clusters = Array.from({ length: 12 }, (_, index) => `c${index}`);
const all = clusters.join(', ');

interface Confirmation {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly assignments: number;
}
interface Assignment {
  readonly cluster: string;
  readonly application: string;
  readonly generation: number;
}

let bed: HubBed;
let other: FleetRepository;

const confirmations = async () =>
  (await bed.api().get<{ items: readonly Confirmation[] }>('/api/v1/confirmations?open=true')).items;
const assignments = async (application: string) =>
  (await bed.api().get<{ items: readonly Assignment[] }>(`/api/v1/assignments?application=${application}`))
    .items;
const held = (kind: string) =>
  bed.wait(`a removal of an ${kind} to be held`, async () =>
    (await confirmations()).find((one) => one.kind === kind),
  );
const resolved = (commit: string) =>
  bed.wait('the revision to be resolved', async () => {
    const { items } = await bed
      .api()
      .get<{ items: { commit: string; state: string }[] }>('/api/v1/revisions');
    return items.some((one) => one.commit === commit && one.state !== 'Pending') ? true : undefined;
  });

beforeAll(async () => {
  bed = await createHubBed();
  other = await createFleetRepository({
    workTree: join(bed.folder, 'other'),
    bare: join(bed.folder, 'git', 'other.git'),
  });
  await other.commit({ 'shop/map.yaml': configMap('shop', 'same text') }, { message: 'shop' });
  await other.push();
  await bed.merge(
    {
      'fleet/clusters.yaml': clusterFile(...clusters),
      'fleet/shop.yaml': applicationFile('shop', 'path: apps/shop', all),
      'fleet/small.yaml': applicationFile('small', 'path: apps/shop', 'c0'),
      'apps/shop/map.yaml': configMap('shop', 'same text'),
      'fleet/other.yaml': `apiVersion: fairway.dev/v1alpha1\nkind: Repository\nmetadata: { name: other }\nspec: { url: ${bed.git.url('other.git')} }\n`,
    },
    'start',
  );
  await bed.start();
  await bed.wait('all to be assigned', async () =>
    (await assignments('shop')).length === clusters.length ? true : undefined,
  );
}, 60_000);

afterAll(() => bed?.close());

describe('an application that moves to another repository', () => {
  it('keeps its assignments where its objects stay the same', async () => {
    const before = await assignments('shop');
    const commit = await bed.merge(
      { 'fleet/shop.yaml': applicationFile('shop', 'repository: other, path: shop', all) },
      'shop: moves out',
    );
    await resolved(commit);
    await bed.wait('its new source to be in force', async () => {
      const [shop] = (await bed.api().applications()).filter(({ name }) => name === 'shop');
      return shop?.repository === 'other' && shop.problems.length === 0 ? true : undefined;
    });
    expect((await assignments('shop')).map(({ generation }) => generation)).toEqual(
      before.map(({ generation }) => generation),
    );
    await other.commit(
      { 'shop/map.yaml': configMap('shop', 'from the other') },
      { message: 'shop moves on' },
    );
    await other.push();
    await bed.wait('the other repository to count', async () =>
      (await bed.manifests('c11', 'shop')).includes('from the other') ? true : undefined,
    );
  });
});

describe('a removal above the bound', () => {
  it('waits, over a kill, until it is confirmed, and goes back when Git brings it back', async () => {
    await bed.merge({ 'fleet/shop.yaml': null }, 'no more shop');
    const waiting = await held('application');
    expect(waiting).toMatchObject({ subject: 'shop', assignments: clusters.length });
    expect(await assignments('shop')).toHaveLength(clusters.length);
    await bed.stop('SIGKILL');
    await bed.start();
    expect(await confirmations()).toEqual([waiting]);
    await bed.merge(
      { 'fleet/shop.yaml': applicationFile('shop', 'repository: other, path: shop', all) },
      'shop is back',
    );
    await bed.wait('the hold to go', async () => ((await confirmations()).length === 0 ? true : undefined));
    expect(await assignments('shop')).toHaveLength(clusters.length);
  }, 40_000);

  it('goes with a word of an operator, audited, and a second word changes nothing', async () => {
    await bed.merge({ 'fleet/shop.yaml': null }, 'no more shop, again');
    const { id } = await held('application');
    for (const _ of [1, 2]) await bed.api().post(`/api/v1/confirmations/${id}/confirm`, {});
    // No agent ever was in these clusters: the removals are over at once.
    await bed.wait('the assignments to go', async () =>
      (await assignments('shop')).length === 0 ? true : undefined,
    );
    const events = await bed.api().events('types=audit.confirm,removal.held');
    expect(events.map(({ type }) => type)).toEqual(['audit.confirm', 'removal.held', 'removal.held']);
    expect(events[0]?.actor).toBe('first');
  });

  it('waits while the fleet folder is gone or a file is broken, however small it is', async () => {
    await bed.merge({ 'fleet/small.yaml': null, 'fleet/broken.yaml': 'kind: Nonsense\n' }, 'break a file');
    await bed.wait('the problem to be told', async () =>
      (await bed.api().events('types=revision.failed')).find(({ message }) =>
        message.includes('broken.yaml'),
      ),
    );
    expect(await assignments('small')).toHaveLength(1);
    await bed.repository.git('mv', 'fleet', 'elsewhere');
    await bed.merge({}, 'lose the folder');
    await bed.wait('the folder to be missed', async () =>
      (await bed.api().events('types=revision.failed')).find(({ message }) =>
        message.includes('the fleet folder is not there'),
      ),
    );
    expect(await assignments('small')).toHaveLength(1);
    await bed.repository.git('mv', 'elsewhere', 'fleet');
    await bed.merge({ 'fleet/broken.yaml': null }, 'mend all');
    await bed.wait('the small removal to happen', async () =>
      (await assignments('small')).length === 0 ? true : undefined,
    );
  }, 40_000);
});
