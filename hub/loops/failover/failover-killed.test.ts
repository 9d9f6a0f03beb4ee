/** A failover whose hub is killed: before and after each thing that it keeps or pushes. */
import { afterEach, describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Failover } from '../../model/failover.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import { createLoopBed, openRollouts } from '../loop-bed.test-support.ts';
import { createMemoryGit, failoverFleet, lookAround, openFailovers } from './failover-bed.test-support.ts';
import { loadFailovers } from './failover-inputs.ts';
import type { FailoverDriver } from './failovers.ts';
import type { SwitchPorts } from './write-switch.ts';

const digestKey = new Uint8Array(32).fill(7);
const clusters = ['eu-1', 'eu-2'];
const asked = {
  ...{ group: 'eu', kind: 'failover', to: 'eu-2', reason: 'a test', actor: 'ann' },
  ...{ confirm: true, commit: undefined },
} as const;

/** A process that dies at the nth of its steps: nothing that it does from there on happens. */
function createLife(diesAt: number) {
  let steps = 0;
  const step = () => {
    steps += 1;
    if (steps >= diesAt) throw new FairwayError('internal', 'killed');
  };
  return {
    get dead() {
      return steps >= diesAt;
    },
    /** What happens before the step is done, and what after. */
    async around<T>(act: () => Promise<T>): Promise<T> {
      step();
      const result = await act();
      step();
      return result;
    },
  };
}
type Life = ReturnType<typeof createLife>;

function mortalStore(store: Store, life: Life): Store {
  const { save } = store.failovers;
  const failovers = {
    ...store.failovers,
    save: (...args: Parameters<typeof save>) => life.around(() => save(...args)),
  };
  return { ...store, failovers };
}
const mortalGit = (git: SwitchPorts, life: Life): SwitchPorts => ({
  ...git,
  write: (request) => life.around(() => git.write(request)),
});

async function createScene() {
  const bed = await createLoopBed(undefined, (store) => loadFailovers(store, digestKey));
  const git = createMemoryGit(bed);
  const rollouts = openRollouts(bed);
  let ids = 0;
  const open = (diesAt: number) => {
    const life = createLife(diesAt);
    const ports = {
      git: mortalGit(git, life),
      store: mortalStore(bed.store, life),
      newId: () => `f-${++ids}`,
    };
    return { life, failovers: openFailovers(bed, digestKey, ports) };
  };
  for (const name of clusters)
    await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
  await git.commit(failoverFleet);
  const close = async () => {
    await rollouts.stop();
    await bed.close();
  };
  return { bed, git, rollouts, open, close };
}
type Scene = Awaited<ReturnType<typeof createScene>>;

/** Asks as an operator does: again, unless it was taken. */
async function ask(failovers: FailoverDriver, kind: 'failover' | 'back', overrideMs: number | undefined) {
  const [newest] = (await failovers.list('eu', { limit: 1, cursor: undefined })).items;
  if (newest?.kind === kind) return;
  await failovers.start({ ...asked, kind, to: undefined, overrideMs }).catch((error: FairwayError) => {
    expect(['internal', 'conflict', 'failed_precondition']).toContain(error.code);
  });
}
async function rolesOf({ bed }: Scene) {
  const fleet = fleetOf(await bed.store.fleet.load());
  return [fleet.parityGroups.get('eu')?.primary, ...[...fleet.clusters.values()].map(({ role }) => role)];
}

let scene: Scene;
afterEach(() => scene.close());

/** Over, and maybe back, with a hub that dies once at a step; false: it lived through it all. */
async function overAndBack(
  diesAt: number,
  kinds: readonly ('failover' | 'back')[],
  overrideMs: number | undefined,
): Promise<boolean> {
  scene = await createScene();
  const { bed, git, rollouts, open } = scene;
  let hub = open(diesAt);
  let killed = false;
  const isOver = async () => (await bed.store.failovers.open()).length === 0;
  const look = async (rounds: number, until = async () => false) => {
    for (let round = 0; round < rounds && !(await until()); round += 1) {
      await lookAround(bed, { failovers: hub.failovers, rollouts }, clusters, 1);
      if (!hub.life.dead) continue;
      killed = true;
      await hub.failovers.stop();
      hub = open(Number.POSITIVE_INFINITY);
    }
  };
  await look(2);
  for (const kind of kinds) {
    git.down = overrideMs !== undefined;
    await ask(hub.failovers, kind, overrideMs);
    await look(2);
    await ask(hub.failovers, kind, overrideMs);
    await look(2);
    git.down = false;
    await bed.clock.advance(120_000);
    await look(10, isOver);
    await look(1);
    const all = (await bed.store.failovers.list('eu', { limit: 10, cursor: undefined })).items;
    expect(all.filter(({ phase }) => phase !== 'Done')).toEqual([]);
    const done: Failover | undefined = all[0];
    expect(done).toMatchObject({ kind, rtoMs: expect.any(Number) });
    const there = kind === 'failover';
    expect(await rolesOf(scene)).toEqual(
      there ? ['eu-2', 'standby', 'primary'] : ['eu-1', 'primary', 'standby'],
    );
    // What is in Git is in force, and nothing was written twice.
    expect(git.files['fleet/group.yaml']).toContain(there ? 'primary: eu-2' : 'primary: eu-1');
    expect(git.written).toEqual([...new Set(git.written)]);
    expect(git.written).toHaveLength(there ? 1 : 2);
  }
  const { items } = await bed.store.events.list({}, { limit: 500 });
  const ids = items.filter(({ type }) => type === 'failover.ended').map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
  await hub.failovers.stop();
  return killed;
}

describe('a hub that is killed during a failover', () => {
  it.each([
    ['over and back by commits', ['failover', 'back'], undefined],
    ["over by the hub's own word while Git is down", ['failover'], 86_400_000],
  ] as const)(
    '%s goes on wherever it was, and writes it once',
    { timeout: 120_000 },
    async (_, kinds, overrideMs) => {
      let diesAt = 1;
      while (await overAndBack(diesAt, kinds, overrideMs)) {
        await scene.close();
        diesAt += 1;
      }
      // There was something to be killed in.
      expect(diesAt).toBeGreaterThan(5);
    },
  );
});
