import { describe, expect, it } from 'vitest';
import type { Resolution } from '../../store/repositories/fleet-repository.ts';
import type { Store } from '../../store/store.ts';
import { shareResolutions } from './shared-resolutions.ts';

function createFleet() {
  const asked: string[] = [];
  let revisionId = 'r1';
  let broken = false;
  const resolution = async (application: string): Promise<Resolution | undefined> => {
    asked.push(application);
    if (broken) throw new Error('away');
    const targets = { eu: 'a', us: 'b' };
    return { application, revisionId, resolvedAtMs: 1, problems: [], targets };
  };
  return {
    asked,
    store: { fleet: { resolution } } as unknown as Pick<Store, 'fleet'>,
    commit: (id: string) => {
      revisionId = id;
    },
    fail: (now: boolean) => {
      broken = now;
    },
  };
}

describe('shareResolutions', () => {
  it('asks once for all who want the same at a time and later', async () => {
    const fleet = createFleet();
    const shared = shareResolutions(fleet.store);
    const [one, two] = await Promise.all([shared.resolution('web'), shared.resolution('web')]);
    expect(one).toBe(two);
    expect(await shared.resolution('web')).toBe(one);
    expect(fleet.asked).toEqual(['web']);
  });

  it('asks again after the fleet has changed, also where an answer was under way', async () => {
    const fleet = createFleet();
    const shared = shareResolutions(fleet.store);
    const before = shared.resolution('web');
    shared.forget();
    fleet.commit('r2');
    expect((await shared.resolution('web'))?.revisionId).toBe('r2');
    await before;
    expect((await shared.resolution('web'))?.revisionId).toBe('r2');
    expect(fleet.asked).toEqual(['web', 'web']);
  });

  it('keeps no more than it may, and of that the first', async () => {
    const fleet = createFleet();
    const shared = shareResolutions(fleet.store, 4);
    for (const name of ['web', 'api', 'web', 'api']) await shared.resolution(name);
    expect(fleet.asked).toEqual(['web', 'api', 'api']);
  });

  it('asks again after a failure', async () => {
    const fleet = createFleet();
    const shared = shareResolutions(fleet.store);
    fleet.fail(true);
    await expect(shared.resolution('web')).rejects.toThrow('away');
    fleet.fail(false);
    expect((await shared.resolution('web'))?.revisionId).toBe('r1');
  });
});
