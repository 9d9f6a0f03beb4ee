import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../shared/log/log.ts';
import type { FailoverStart } from '../../api/ports.ts';
import { emptyFleet } from '../../model/fleet.ts';
import type { ParityState } from '../../model/parity.ts';
import { aFleet, aGroup } from '../../parity/failover.test-support.ts';
import { keptAtMs } from '../../parity/judge-fencing.ts';
import { createFailoverBed, type FailoverBed } from './failover-bed.test-support.ts';
import { loadFailovers } from './failover-inputs.ts';
import { createFencing, type Fencing, rulesFor } from './fencing.ts';

const asked: FailoverStart = {
  ...{ group: 'eu', kind: 'failover', to: undefined, reason: 'dark', actor: 'ops', confirm: true },
  ...{ overrideMs: 3_600_000, commit: undefined },
};
const promise = {
  ...{ group: 'eu', afterMs: 60_000, applications: ['web'], fenced: [], left: [], stopWithinMs: 0 },
};

let made: FailoverBed;
let fencing: Fencing;
let woken: string[];

const ready = {
  report: { reasons: [], pairs: [{ standby: 'eu-2', verdict: 'Ready' }] },
} as unknown as ParityState;
const open = async (state?: ParityState) => {
  made = await createFailoverBed(
    () => Promise.reject(new Error('Git is down')),
    () => state,
  );
  woken = [];
  const { store } = made.bed;
  fencing = createFencing({
    ...{ store, digestKey: new Uint8Array(32), log: silentLogger },
    onChanged: (cluster) => woken.push(cluster),
  });
  store.subscribe((topic, key) => fencing.changed(topic, key));
  for (const cluster of ['eu-1', 'eu-2']) await store.registry.seen({ cluster, connected: true, nowMs: 1 });
};
const now = () => made.bed.clock.now();
const orderFor = async (cluster: string, openedAtMs: number) => {
  const assignments = await made.bed.store.releases.assignments({ cluster });
  return fencing.orderFor({ cluster, openedAtMs, assignments });
};
const away = (cluster: string) => made.bed.store.registry.seen({ cluster, connected: false, nowMs: now() });

afterEach(() => made.close());

describe('what agents are told of fencing', () => {
  it('is the rule of the group for its primary, and nothing for others', async () => {
    await open();
    expect(await orderFor('eu-1', now())).toEqual({
      ...{ rules: [{ group: 'eu', afterMs: 60_000, applications: ['web'] }], withheld: [] },
    });
    expect(await orderFor('eu-2', now())).toEqual({ rules: [], withheld: [] });
  });

  it('withholds the old role from an agent that comes back, until its new Target is assigned', async () => {
    await open();
    const before = now();
    await away('eu-1');
    await made.bed.clock.advance(1_000);
    const begun = await made.failovers.start(asked);
    expect((await orderFor('eu-1', begun.startedAtMs)).withheld).toEqual(['web']);
    // One that was there all the time goes on until its turn.
    expect((await orderFor('eu-1', before)).withheld).toEqual([]);
    expect((await orderFor('eu-2', now())).withheld).toEqual([]);
    const loop = made.bed;
    const { store } = loop;
    await loop.resolve();
    expect((await loadFailovers(store, new Uint8Array(32))).map(({ phase }) => phase)).toEqual(['Switching']);
    expect((await orderFor('eu-1', begun.startedAtMs)).withheld).toEqual(['web']);
  });

  it('tells the agents concerned when a failover begins or ends', async () => {
    await open();
    await orderFor('eu-1', now());
    woken = [];
    await made.failovers.start(asked);
    await expect.poll(() => new Set(woken)).toEqual(new Set(['eu-1', 'eu-2']));
    woken = [];
    await made.failovers.revoke('eu', { reason: 'no', actor: 'ann' });
    await expect.poll(() => woken).toContain('eu-1');
  });
});

describe('rulesFor', () => {
  const fenced = {
    ...aGroup,
    failover: { strategy: 'f', commit: 'commit', fencing: { afterMs: 60_000 } },
  } as const;
  const about = {
    cluster: 'eu-1',
    assignments: [
      { application: 'web', removed: false },
      { application: 'old', removed: true },
    ],
  };

  it('names what is assigned of the group, and nothing where nothing is asked for', () => {
    expect(rulesFor(aFleet(fenced), about)).toEqual([
      { group: 'eu', afterMs: 60_000, applications: ['web'] },
    ]);
    expect(rulesFor(aFleet(fenced), { ...about, cluster: 'eu-2' })).toEqual([]);
    expect(rulesFor(aFleet(fenced), { ...about, assignments: [] })).toEqual([]);
    expect(rulesFor(aFleet(), about)).toEqual([]);
    expect(rulesFor(emptyFleet, about)).toEqual([]);
  });
});

describe('a failover from a primary that has promised to fence itself', () => {
  const dark = async () => {
    await open(ready);
    await made.bed.store.registry.saveFenceContact('eu-1', {
      atMs: now(),
      instanceId: 'i',
      promises: [promise],
    });
    await away('eu-1');
  };

  it('is said to be fenced once the promise is due', async () => {
    await dark();
    const dueMs = keptAtMs(now(), 60_000, 0);
    await expect(made.failovers.start({ ...asked, confirm: false })).rejects.toThrow(
      'whether eu-1 is fenced is not known',
    );
    await made.bed.clock.advance(dueMs - now());
    const plain = { ...asked, confirm: false };
    expect(await made.failovers.start(plain)).toMatchObject({ fenced: 'yes', together: true, confirmed: [] });
  });

  it('is given up when the agent comes back in that very moment', async () => {
    await dark();
    await made.bed.clock.advance(keptAtMs(now(), 60_000, 0) - now());
    const { store } = made.bed;
    const { save } = store.failovers;
    Object.assign(store.failovers, {
      save: async (...args: Parameters<typeof save>) => {
        await store.registry.seen({ cluster: 'eu-1', connected: true, nowMs: now() });
        return save(...args);
      },
    });
    await expect(made.failovers.start({ ...asked, confirm: false })).rejects.toThrow(
      'eu-1 came back meanwhile: the agent of eu-1 is connected',
    );
    expect((await made.failovers.list('eu', { limit: 1 })).items[0]).toMatchObject({
      ...{ phase: 'Restoring', override: { ended: 'revoked' } },
    });
  });
});
