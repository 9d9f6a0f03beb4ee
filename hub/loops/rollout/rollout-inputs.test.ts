import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RolloutState } from '../../rollout/rollout-state.ts';
import type { Store } from '../../store/store.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { createRolloutInputs, readState } from './rollout-inputs.ts';

const files = {
  'fleet/clusters.yaml':
    'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: eu-1 }\nspec: { region: eu }\n',
  'fleet/web.yaml': `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n  source: { path: web }\n  placement: { selector: {} }\n`,
  'web/map.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\n',
};

let bed: LoopBed;
beforeEach(async () => {
  bed = await createLoopBed();
  await bed.commit(files);
  await bed.resolve();
});
afterEach(() => bed.close());

describe('createRolloutInputs', () => {
  it('reads the fleet again after it could not be read, and then only once', async () => {
    let loads = 0;
    const store: Store = {
      ...bed.store,
      fleet: {
        ...bed.store.fleet,
        load: () => {
          loads += 1;
          return loads === 1 ? Promise.reject(new Error('the disk is busy')) : bed.store.fleet.load();
        },
      },
    };
    const inputs = createRolloutInputs(store, bed.clock);
    const stored = (await bed.store.releases.rollouts()).get('web');
    const state = readState(stored?.state) as RolloutState;
    await expect(inputs.load(state)).rejects.toThrow('the disk is busy');
    const { facts } = await inputs.load(state);
    expect(facts.get('eu-1')).toMatchObject({ region: 'eu' });
    expect((await inputs.load(state)).facts).toBe(facts);
    expect(loads).toBe(2);
    inputs.stop();
  });
});
