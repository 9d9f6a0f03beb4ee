import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterState, clusterStates, withClusters } from '../../rollout/cluster-states.ts';
import type { RolloutState } from '../../rollout/rollout-state.ts';
import type { RolloutPassRow } from '../../store/repositories/release-repository.ts';
import type { Store } from '../../store/store.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { createRolloutStates } from './rollout-states.ts';

const files = {
  'fleet/clusters.yaml': ['eu-1', 'us-1']
    .map((name) => `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: {}\n`)
    .join('---\n'),
  'fleet/web.yaml':
    'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n  source: { path: web }\n  placement: { selector: {} }\n',
  'web/map.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\n',
};

let bed: LoopBed;
let store: Store;
/** Calls that read a whole state, and what was kept. */
let reads: number;
let rows: RolloutPassRow[];

beforeEach(async () => {
  bed = await createLoopBed();
  await bed.commit(files);
  await bed.resolve();
  reads = 0;
  rows = [];
  const { releases } = bed.store;
  store = {
    ...bed.store,
    releases: {
      ...releases,
      rollout: (application) => {
        reads += 1;
        return releases.rollout(application);
      },
      saveRollout: (row) => {
        rows.push(row);
        return releases.saveRollout(row);
      },
    },
  };
});
afterEach(() => bed.close());

const moveOf = (before: RolloutState, state: RolloutState) => ({
  ...{ application: 'web', before, state, decisions: [], events: [], nowMs: bed.clock.now() },
});
const withKnown = (state: RolloutState, cluster: string, assignedAtMs: number): RolloutState => ({
  ...state,
  clusters: withClusters(state.clusters, [[cluster, { assignedAtMs }]]),
});

describe('createRolloutStates', () => {
  it('reads a state once, keeps what has changed alone, and goes on from what it has kept', async () => {
    const states = createRolloutStates(store);
    const first = (await states.load('web')) as RolloutState;
    const second = withKnown(first, 'eu-1', 1);
    expect(await states.keep([moveOf(first, second)])).toEqual([]);
    expect(await states.load('web')).toBe(second);
    const third = { ...withKnown(second, 'us-1', 2), held: ['x'] };
    expect(await states.keep([moveOf(second, third)])).toEqual([]);
    expect(reads).toBe(1);
    expect(rows.map(({ state, clusters }) => [state === undefined, clusters])).toEqual([
      [true, { 'eu-1': { assignedAtMs: 1 } }],
      [false, { 'us-1': { assignedAtMs: 2 } }],
    ]);
    const another = (await createRolloutStates(store).load('web')) as RolloutState;
    expect(another).toEqual(third);
    expect(another.clusters).toEqual(
      clusterStates({ 'eu-1': { assignedAtMs: 1 }, 'us-1': { assignedAtMs: 2 } }),
    );
  });

  it('keeps nothing over what somebody else was faster with, and reads that', async () => {
    const [mine, others] = [createRolloutStates(store), createRolloutStates(bed.store)];
    const before = (await mine.load('web')) as RolloutState;
    const theirs = (await others.load('web')) as RolloutState;
    expect(await others.keep([moveOf(theirs, withKnown(theirs, 'eu-1', 7))])).toEqual([]);
    expect(await mine.keep([moveOf(before, withKnown(before, 'eu-1', 1))])).toBeUndefined();
    const now = (await mine.load('web')) as RolloutState;
    expect(clusterState(now.clusters, 'eu-1')).toEqual({ assignedAtMs: 7 });
    expect(await mine.keep([moveOf(now, withKnown(now, 'us-1', 8))])).toEqual([]);
    // What was never read or kept is nobody's to go on from.
    expect(await mine.keep([moveOf({ ...now }, withKnown(now, 'us-1', 9))])).toBeUndefined();
  });
});
