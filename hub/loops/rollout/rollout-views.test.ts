import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEvent } from '../../model/event.ts';
import type { RolloutRelease } from '../../rollout/rollout-state.ts';
import type { AssignmentFilter } from '../../store/repositories/release-repository.ts';
import type { Store } from '../../store/store.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { createRolloutViews, type RolloutViews } from './rollout-views.ts';

const names = ['eu-1', 'eu-2', 'us-1'];
const cluster = (name: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: {}\n`;
const files = {
  'fleet/clusters.yaml': names.map(cluster).join('---\n'),
  'fleet/web.yaml': `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n  source: { path: web }\n  placement: { selector: {} }\n  rollout: { strategy: all-at-once }\n`,
  'web/map.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\n',
};

let bed: LoopBed;
let views: RolloutViews;
let release: RolloutRelease;
/** What was read of assignments, call by call. */
let reads: AssignmentFilter[];
let broken: boolean;

beforeEach(async () => {
  bed = await createLoopBed();
  await bed.commit(files);
  await bed.resolve();
  const [newest] = (await bed.store.releases.releases('web', { limit: 1 })).items;
  release = { ...newest!, removes: new Set(), reason: 'release' };
  reads = [];
  broken = false;
  const store: Store = {
    ...bed.store,
    releases: {
      ...bed.store.releases,
      assignments: (filter) => {
        reads.push(filter);
        return broken ? Promise.reject(new Error('no')) : bed.store.releases.assignments(filter);
      },
    },
  };
  views = createRolloutViews(store, bed.clock);
});
afterEach(() => {
  views.stop();
  return bed.close();
});

const healthy = async (name: string) => {
  const [assigned] = await bed.store.releases.assignments({ cluster: name });
  const { application, generation } = assigned!;
  const request = { cluster: name, application, generation, message: '', timeMs: 7 };
  await bed.store.releases.acknowledge({ ...request, stage: 'healthy' });
};
const seen = async (name: string, connected = true) =>
  bed.store.registry.seen({ cluster: name, connected, nowMs: bed.clock.now() });

describe('createRolloutViews', () => {
  it('reads all once, then only the clusters of which something was heard', async () => {
    const first = await views.load('web', release);
    expect([...first.keys()]).toEqual(names);
    expect(first.get('eu-1')).toMatchObject({
      connected: false,
      acknowledgements: { healthyAtMs: undefined },
    });
    await views.load('web', release);
    await healthy('eu-1');
    await seen('us-1');
    const next = await views.load('web', release);
    expect(next.get('eu-1')?.acknowledgements?.healthyAtMs).toBe(7);
    expect(next.get('us-1')?.connected).toBe(true);
    const asked = reads.map(({ clusters }) => clusters && [...clusters].sort());
    expect(asked).toEqual([undefined, ['eu-1', 'us-1']]);
  });

  it('reads all again for another release, after a while, and after a read that failed', async () => {
    await views.load('web', release);
    await views.load('web', { ...release });
    expect(reads).toEqual([{ application: 'web' }, { application: 'web' }]);
    await bed.clock.advance(300_000);
    await views.load('web', release);
    await healthy('eu-1');
    broken = true;
    await expect(views.load('web', release)).rejects.toThrow('no');
    broken = false;
    const last = await views.load('web', release);
    expect(last.get('eu-1')?.acknowledgements?.healthyAtMs).toBe(7);
    expect(reads.at(-1)).toEqual({ application: 'web' });
  });

  it('says what is unsettled until that has been kept, and of a view that was read anew that all is', async () => {
    const first = await views.load('web', release);
    const all = views.unsettled('web', first);
    expect(all.clusters).toBeUndefined();
    views.settle('web', all);
    await healthy('eu-1');
    await views.load('web', release);
    expect(views.unsettled('web', first).clusters).toEqual(new Set(['eu-1']));
    // Not kept: it comes again, with what came since.
    await healthy('us-1');
    await views.load('web', release);
    const both = views.unsettled('web', first);
    expect(both.clusters).toEqual(new Set(['eu-1', 'us-1']));
    views.settle('web', both);
    expect(views.unsettled('web', first).clusters).toEqual(new Set());
    const late = views.unsettled('web', first);
    const anew = await views.load('web', { ...release });
    views.settle('web', late);
    expect(views.unsettled('web', first).clusters).toBeUndefined();
    expect(views.unsettled('web', anew).clusters).toBeUndefined();
  });

  it('reads nothing for a report on another application', async () => {
    await views.load('web', release);
    const [assigned] = await bed.store.releases.assignments({ cluster: 'eu-1' });
    await views.load('other', { ...release, application: 'other' });
    const { generation = 0 } = assigned ?? {};
    const said = { cluster: 'eu-1', application: 'web', generation, message: '', timeMs: 7 };
    await bed.store.releases.acknowledge({ ...said, stage: 'healthy' });
    reads.length = 0;
    await views.load('other', { ...release, application: 'other' });
    expect(reads.map(({ clusters }) => clusters)).not.toContainEqual(['eu-1']);
  });

  it('gives no reader less than what was heard before it asked, though another takes it up', async () => {
    await views.load('web', release);
    await healthy('eu-1');
    const both = await Promise.all([views.load('web', release), views.load('web', release)]);
    for (const view of both) expect(view.get('eu-1')?.acknowledgements?.healthyAtMs).toBe(7);
  });

  it('tells who is expected back, and who is paused by whom', async () => {
    await seen('eu-1');
    await seen('eu-1', false);
    const pause = { cluster: 'eu-2', application: 'web', reason: 'a search', actor: 'ann', createdAtMs: 1 };
    const event = createEvent({ type: 'audit.pause', actor: 'ann', timeMs: 1, message: '' });
    await seen('eu-2');
    await bed.store.releases.savePause({ ...pause, untilMs: undefined }, event);
    const view = await views.load('web', release);
    expect(view.get('eu-1')).toMatchObject({ connected: false, expectedUntilMs: bed.clock.now() + 120_000 });
    expect(view.get('eu-2')).toMatchObject({ connected: false, paused: 'by ann: a search' });
    expect(view.get('us-1')).not.toHaveProperty('expectedUntilMs');
  });
});
