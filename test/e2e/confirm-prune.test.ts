/** Deletions within an application that are too many to go unasked: held by the agent, confirmed by the hub. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const maps = (count: number) =>
  Array.from(
    { length: count },
    (_, index) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: m-${index}, namespace: default }\ndata: { value: "1" }\n`,
  ).join('---\n');

interface Confirmation {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly assignments: number;
  readonly message: string;
  readonly confirmedBy: string | null;
}

let bed: FleetBed | undefined;
beforeAll(async () => {
  bed = await createFleetBed({
    clusters: ['near'],
    files: {
      'fleet/near.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: near }\nspec: {}\n',
      'fleet/maps.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: maps }\nspec:\n  source: { path: apps/maps }\n  placement: { clusters: [near] }\n  rollout: { strategy: all-at-once }\n',
      'apps/maps/all.yaml': maps(30),
    },
  });
  if (!bed) return;
  await bed.startHub();
  await bed.startAgent('near');
  await bed.settle(await bed.repository.head(), { placements: 1 });
}, 240_000);
afterAll(() => bed?.close());

const left = () =>
  bed
    ?.kubectl('near', 'get', 'configmaps', '-o', 'name')
    .stdout.split('\n')
    .filter((line) => line.startsWith('configmap/m-')).length;
const confirmations = async (query = 'open=true') =>
  (await bed?.api().get<{ items: readonly Confirmation[] }>(`/api/v1/confirmations?${query}`))?.items ?? [];

describe('deletions of more than a share of an application', () => {
  it('wait for a confirmation, by the hub, with who and why; it counts for this deletion alone', async (context) => {
    if (!bed) return context.skip(skipped);
    const api = bed.api();
    await bed.merge({ 'apps/maps/all.yaml': maps(4) }, 'maps: four are enough');
    const waiting = await bed.wait('the agent to hold it back', async () =>
      (await confirmations()).find(({ kind }) => kind === 'prune'),
    );
    expect(waiting).toMatchObject({ subject: 'near/maps', assignments: 26, confirmedBy: null });
    expect(waiting.message).toContain('26 of 30 objects of Application maps in near left its set');
    const [told] = await api.events('types=removal.held');
    expect(told).toMatchObject({ cluster: 'near', application: 'maps', actor: 'agent:near' });
    await bed.wait('the placement to say what to do', async () =>
      (await api.placements())[0]?.message.includes(`fairway confirm ${waiting.id}`) ? true : undefined,
    );
    expect(left()).toBe(30);

    const path = `/api/v1/confirmations/${waiting.id}/confirm`;
    await expect(api.post(path, {})).rejects.toThrow(/reason is required/);
    expect(left()).toBe(30);
    const confirmed = await api.post<Confirmation>(path, { reason: 'the rest was moved to another team' });
    expect(confirmed.confirmedBy).not.toBeNull();
    await bed.wait('them to go', () => (left() === 4 ? true : undefined));
    const [audit] = await api.events('types=audit.confirm');
    expect(audit).toMatchObject({ cluster: 'near', application: 'maps', actor: confirmed.confirmedBy });
    expect(audit?.message).toContain('the rest was moved to another team');
    await bed.wait('nothing to wait any more', async () =>
      (await confirmations()).length === 0 ? true : undefined,
    );
    expect((await confirmations('open=false')).map(({ id }) => id)).toContain(waiting.id);

    // The same again later is another Target: it waits anew.
    await bed.settle(await bed.merge({ 'apps/maps/all.yaml': maps(20) }, 'maps: twenty'));
    await bed.merge({ 'apps/maps/all.yaml': maps(2) }, 'maps: two');
    const next = await bed.wait('it to be held back again', async () =>
      (await confirmations()).find(({ kind }) => kind === 'prune'),
    );
    expect(next.id).not.toBe(waiting.id);
    expect(left()).toBe(20);
    // Brought back in Git, nothing waits.
    await bed.settle(await bed.merge({ 'apps/maps/all.yaml': maps(20) }, 'maps: twenty after all'));
    await bed.wait('nothing to wait', async () => ((await confirmations()).length === 0 ? true : undefined));
    await expect(api.post(`/api/v1/confirmations/${next.id}/confirm`, { reason: 'x' })).rejects.toThrow(
      /no confirmation/,
    );
    expect(left()).toBe(20);

    // What was confirmed first, once more: other objects would go by it.
    await bed.merge({ 'apps/maps/all.yaml': maps(4) }, 'maps: four again');
    const again = await bed.wait('it to be held back once more', async () =>
      (await confirmations()).find(({ kind }) => kind === 'prune'),
    );
    expect(again).toMatchObject({ assignments: 16 });
    expect(again.id).not.toBe(waiting.id);
    expect(left()).toBe(20);
  }, 180_000);
});
