/** Hub and agent about fencing, over real TLS: what is told in which order, and what is not told. */
import { afterEach, describe, expect, it } from 'vitest';
import { createFenceKeeper, type FenceKeeper } from '../../../agent/stream/fence-keeper.ts';
import type { FenceSnapshot } from '../../../agent/stream/fence-state.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { FenceOrder } from '../../../shared/manifest/fencing.ts';
import {
  type Agent,
  configMap,
  createMemoryStorage,
  enrolAgent,
  type Hub,
  startAgent,
  startHub,
  until,
} from './harness.ts';

let hub: Hub;
let order: FenceOrder = { rules: [], withheld: [] };
const openings: number[] = [];
const agents: Agent[] = [];

const open = async (first: FenceOrder) => {
  order = first;
  hub = await startHub({
    async fencing({ openedAtMs }) {
      openings.push(openedAtMs);
      return order;
    },
  });
};
const tell = (next: FenceOrder) => {
  order = next;
  hub.server.wake('eu-1');
};
const agentOf = async (...args: Parameters<typeof startAgent>) => {
  const agent = await startAgent(...args);
  agents.push(agent);
  return agent;
};
const settingOf = (agent: Agent) => {
  const entry = agent.desired.applications().get('web')?.target.set.entries[0];
  return entry && JSON.parse(agent.desired.object(entry.objectDigest) ?? '{}').data.value;
};
const rule = { group: 'eu', afterMs: 600_000, applications: ['web'] };
const fencedWeb = { application: 'web', group: 'eu', sinceMs: 1, targetDigest: 'x', resuming: false };
const contactOf = async () => (await hub.store.registry.cluster('eu-1'))?.fence;

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.connection.stop();
  await hub.stop();
});

describe('a session during a failover', () => {
  it('sends nothing of what is withheld, and has the agent leave alone what it holds of it', async () => {
    await open({ rules: [], withheld: [] });
    await hub.assign('eu-1', { web: [configMap('a', 'old')], api: [configMap('b', 'one')] });
    const identity = await enrolAgent(hub, 'eu-1');
    const storage = createMemoryStorage();
    const first = await startAgent(identity, { storage });
    await until('both', () => first.desired.applications().size === 2);
    await first.connection.stop();
    order = { rules: [], withheld: ['web'] };
    await hub.assign('eu-1', {
      web: [configMap('a', 'newer, and of the old role')],
      api: [configMap('b', 'two')],
    });
    const second = await agentOf(identity, { storage });
    const seen: { readonly value: string; readonly paused: boolean }[] = [];
    second.desired.subscribe(() =>
      seen.push({
        value: settingOf(second),
        paused: second.desired.pauses().some(({ application }) => application === 'web'),
      }),
    );
    await until('the pause', () =>
      second.desired.pauses().some((one) => one.application === 'web' && one.reason.includes('failover')),
    );
    await until('the other application', () => second.desired.applications().get('api')!.generation > 2);
    expect(settingOf(second)).toBe('old');
    await hub.assign('eu-1', { web: [configMap('a', 'of the new role')] });
    tell({ rules: [], withheld: [] });
    await until('the new Target', () => settingOf(second) === 'of the new role');
    await until('the end of the pause', () => second.desired.pauses().length === 0);
    // Never free to be healed with what it held before.
    expect(seen.filter(({ value, paused }) => value !== 'of the new role' && !paused)).toEqual([]);
    expect(seen.map(({ value }) => value)).not.toContain('newer, and of the old role');
  });

  it('is dated after its opening was written down', async () => {
    await open({ rules: [], withheld: [] });
    openings.length = 0;
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    await until('the question', () => openings.length > 0);
    const { lastSeenAtMs = 0 } = (await hub.store.registry.cluster('eu-1')) ?? {};
    expect(openings[0]).toBeGreaterThanOrEqual(lastSeenAtMs);
    expect(agent.connection.state().connected).toBe(true);
  });
});

describe('a promise over the wire', () => {
  let keeper: FenceKeeper | undefined;
  let kept: FenceSnapshot;
  const fences =
    (from: FenceSnapshot) => async (desired: Parameters<typeof createFenceKeeper>[0]['desired']) => {
      kept = from;
      const storage = {
        load: async () => kept,
        async save(snapshot: FenceSnapshot) {
          kept = snapshot;
        },
      };
      const foresee = () => ({ left: [], graceMs: 7_000 });
      keeper = await createFenceKeeper({ storage, desired, foresee, clock: systemClock, log: silentLogger });
      return keeper;
    };

  it('is made when the hub asks for it, written down with who made it, and taken back in order', async () => {
    await open({ rules: [rule], withheld: [] });
    await hub.assign('eu-1', { web: [configMap('a', 'one')] });
    const identity = await enrolAgent(hub, 'eu-1');
    const agent = await startAgent(identity, {
      fences: fences({ leases: [], fenced: [] }),
      instanceId: 'first',
    });
    const said = await until('the promise', async () =>
      (await contactOf())?.promises.length ? contactOf() : undefined,
    );
    expect(said).toMatchObject({
      ...{ instanceId: 'first', promises: [{ ...rule, fenced: [], left: [], stopWithinMs: 7_000 }] },
    });
    await agent.connection.stop();
    expect((await contactOf())?.promises).toEqual([]);
  });

  it('of another process counts no more once a new one speaks', async () => {
    await open({ rules: [], withheld: [] });
    await hub.store.registry.seen({ cluster: 'eu-1', connected: false, nowMs: 1 });
    const promise = { ...rule, fenced: [], left: [], stopWithinMs: 0 };
    const identity = await enrolAgent(hub, 'eu-1');
    await hub.store.registry.saveFenceContact('eu-1', { atMs: 1, instanceId: 'before', promises: [promise] });
    await agentOf(identity, { instanceId: 'now' });
    await until('it to be forgotten', async () => (await contactOf()) === undefined);
  });

  it('holds what is fenced until the word that lets it go, and the answer', async () => {
    await open({ rules: [rule], withheld: ['web'] });
    await hub.assign('eu-1', { web: [configMap('a', 'old')] });
    await agentOf(await enrolAgent(hub, 'eu-1'), { fences: fences({ leases: [], fenced: [fencedWeb] }) });
    await until('the word that it is fenced', async () =>
      (await contactOf())?.promises[0]?.fenced.includes('web'),
    );
    expect(keeper?.of('web')).toMatchObject({ resuming: false });
    expect(settingOf(agents[0]!)).toBeUndefined();
    tell({ rules: [rule], withheld: [] });
    await until('it to be let go', () => keeper?.of('web')?.resuming);
    expect(settingOf(agents[0]!)).toBe('old');
    expect((await contactOf())?.promises[0]?.fenced).toEqual([]);
  });

  it('is not answered where a failover began since the agent was told that it may go', async () => {
    await open({ rules: [rule], withheld: [] });
    await hub.assign('eu-1', { web: [configMap('a', 'old')] });
    const identity = await enrolAgent(hub, 'eu-1');
    const before = { ...rule, fenced: ['web'], left: [], stopWithinMs: 0 };
    await hub.store.registry.saveFenceContact('eu-1', { atMs: 1, instanceId: 'same', promises: [before] });
    const made = fences({ leases: [], fenced: [fencedWeb] });
    await agentOf(identity, {
      instanceId: 'same',
      async fences(desired) {
        const one = await made(desired);
        const { order: take } = one;
        // The word has gone out, and a failover begins before the agent's own comes in.
        return Object.assign(one, {
          order(next: FenceOrder) {
            order = { rules: [rule], withheld: ['web'] };
            take(next);
          },
        });
      },
    });
    await until(
      'the word that it goes on',
      async () => (await contactOf())?.promises[0]?.fenced.length === 0,
    );
    hub.server.wake('eu-1');
    await until('the word that it stays fenced', async () =>
      (await contactOf())?.promises[0]?.fenced.includes('web'),
    );
    expect(keeper?.of('web')).toMatchObject({ resuming: false });
  });
});
