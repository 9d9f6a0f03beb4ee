/** Failovers that meet others: two operators, a failover within a failover, a drill in a disaster, groups that share a cluster, and people who change Git meanwhile. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Failover } from '../../model/failover.ts';
import { fleetOf } from '../fleet-rows.ts';
import { createLoopBed, type LoopBed, openRollouts } from '../loop-bed.test-support.ts';
import type { RolloutDriver } from '../rollout/rollout-loop.ts';
import { createMemoryGit, lookAround, type MemoryGit, openFailovers } from './failover-bed.test-support.ts';
import { loadFailovers } from './failover-inputs.ts';
import type { FailoverDriver } from './failovers.ts';
import type { SwitchPorts } from './write-switch.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const cluster = (name: string, role: string) =>
  `${head}kind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${name}, role: ${role} }\n`;
const group = (name: string, primary: string, standbys: string) =>
  `${head}kind: ParityGroup\nmetadata: { name: ${name} }\nspec: { primary: ${primary}, standbys: { clusters: [${standbys}] } }\n`;
const map = (size: number) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { size: "${size}" }\n`;
const all = ['eu-1', 'eu-2', 'eu-3', 'us-1'];
const files = {
  'fleet/clusters.yaml': [
    cluster('eu-1', 'primary'),
    cluster('eu-2', 'standby'),
    cluster('eu-3', 'standby'),
    cluster('us-1', 'primary'),
  ].join('---\n'),
  'fleet/eu.yaml': group('eu', 'eu-1', 'eu-2, eu-3'),
  'fleet/web.yaml': `${head}kind: Application\nmetadata: { name: web }\nspec:\n  source: { path: web, overlays: ["{{cluster.role}}"] }\n  placement: { clusters: [${all.join(', ')}] }\n  rollout: { strategy: all-at-once }\n`,
  'web/primary/map.yaml': map(8),
  'web/standby/map.yaml': map(2),
};
const digestKey = new Uint8Array(32).fill(7);
const hourMs = 3_600_000;
const said = { reason: 'a test', actor: 'ann', confirm: true, commit: undefined, overrideMs: undefined };
const asked = { ...said, group: 'eu', kind: 'failover', to: 'eu-2' } as const;

let bed: LoopBed;
let git: MemoryGit & SwitchPorts;
let failovers: FailoverDriver;
let rollouts: RolloutDriver;

beforeEach(async () => {
  bed = await createLoopBed(undefined, (store) => loadFailovers(store, digestKey));
  git = createMemoryGit(bed);
  rollouts = openRollouts(bed);
  let ids = 0;
  failovers = openFailovers(bed, digestKey, { git, newId: () => `f-${++ids}` });
  for (const name of all)
    await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
  await git.commit(files);
  await look(all);
});
afterEach(async () => {
  await Promise.all([failovers.stop(), rollouts.stop()]);
  await bed.close();
});

const look = (healthy: readonly string[]) => lookAround(bed, { failovers, rollouts }, healthy);
const get = async ({ id }: Failover) => (await failovers.get(id))!;
const roles = async () => {
  const { clusters } = fleetOf(await bed.store.fleet.load());
  return [...clusters.values()].map(({ name, role }) => `${name} ${role}`);
};
const primaryOf = async (name: string) =>
  fleetOf(await bed.store.fleet.load()).parityGroups.get(name)?.primary;
const switched = ['eu-1 standby', 'eu-2 primary', 'eu-3 standby', 'us-1 primary'];
const asBefore = ['eu-1 primary', 'eu-2 standby', 'eu-3 standby', 'us-1 primary'];

describe('two operators', () => {
  it('who start the same at once begin one failover', async () => {
    const started = await Promise.allSettled([failovers.start(asked), failovers.start(asked)]);
    expect(started.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(started.find((one) => one.status === 'rejected')?.reason).toMatchObject({ code: 'conflict' });
    await look(all);
    expect(await roles()).toEqual(switched);
    expect(git.written).toHaveLength(1);
  });

  it('of whom one comes a moment later do not undo each other', async () => {
    await failovers.start(asked);
    await look([]);
    expect(await roles()).toEqual(switched);
    for (const to of ['eu-1', undefined])
      await expect(failovers.start({ ...asked, to })).rejects.toMatchObject({
        code: expect.stringMatching(/conflict|invalid_argument/),
      });
    await expect(failovers.start({ ...asked, to: 'eu-1' })).rejects.toThrow('failover back eu');
  });
});

describe('a standby that never becomes ready', () => {
  it('is left for the old primary again, though the switch is in Git', async () => {
    const first = await failovers.start(asked);
    await look(['eu-1']);
    expect(await get(first)).toMatchObject({ phase: 'Switching', applications: [{ readyAtMs: undefined }] });
    await expect(failovers.revoke('eu', said)).rejects.toThrow('failover back eu');
    const back = await failovers.start({ ...asked, kind: 'back', to: undefined });
    expect(await get(first)).toMatchObject({ phase: 'Done', message: 'superseded by the next failover' });
    await look(all);
    expect(await get(back)).toMatchObject({ phase: 'Done', from: 'eu-2', to: 'eu-1' });
    expect(await roles()).toEqual(asBefore);
    expect(git.files['fleet/eu.yaml']).toBe(files['fleet/eu.yaml']);
  });

  it("is left for another standby, also by the hub's own word alone, once that is confirmed", async () => {
    git.down = true;
    await failovers.start({ ...asked, overrideMs: hourMs });
    await look(['eu-1']);
    const on = { ...asked, to: 'eu-3', overrideMs: hourMs };
    await expect(failovers.start({ ...on, confirm: false })).rejects.toMatchObject({
      details: { confirm: expect.arrayContaining([expect.stringContaining('is still open')]) },
    });
    const next = await failovers.start(on);
    await look(all);
    expect(await get(next)).toMatchObject({ from: 'eu-2', to: 'eu-3', phase: 'TrafficReady' });
    const there = ['eu-1 standby', 'eu-2 standby', 'eu-3 primary', 'us-1 primary'];
    expect(await roles()).toEqual(there);
    git.down = false;
    await bed.clock.advance(120_000);
    await look(all);
    expect(await get(next)).toMatchObject({ phase: 'Done' });
    expect(await roles()).toEqual(there);
    expect(git.files['fleet/eu.yaml']).toBe(group('eu', 'eu-3', 'eu-2, eu-1'));
  });
});

describe('a disaster during a drill', () => {
  it('waits for neither the drill nor its end', async () => {
    const drill = await failovers.start({ ...asked, kind: 'drill' });
    await look(['eu-1']);
    const real = await failovers.start(asked);
    expect(await get(drill)).toMatchObject({ phase: 'Done', override: { ended: 'superseded' } });
    await look(all);
    expect(await get(real)).toMatchObject({ phase: 'Done' });
    expect(await roles()).toEqual(switched);
  });

  it('does so too where the drill cannot be taken back, which says what it waits for', async () => {
    const drill = await failovers.start({ ...asked, kind: 'drill' });
    await look(all.filter((name) => name !== 'eu-2'));
    await failovers.revoke('eu', said);
    await look([]);
    await bed.store.registry.seen({ cluster: 'eu-2', connected: false, nowMs: bed.clock.now() });
    await look([]);
    expect(await get(drill)).toMatchObject({
      phase: 'Restoring',
      message: 'revoked; the roles that Git has come back; eu-2 waits for web: its agent is away',
    });
    await expect(failovers.revoke('eu', said)).rejects.toThrow('given back already');
    await expect(failovers.start({ ...asked, kind: 'drill' })).rejects.toMatchObject({ code: 'conflict' });
    const real = await failovers.start({ ...asked, to: 'eu-3' });
    await look(['eu-1', 'eu-3', 'us-1']);
    expect(await get(real)).toMatchObject({ phase: 'Done' });
  });
});

describe('people who change Git while a failover is under way', () => {
  it('are not overruled where they have made another cluster the primary', async () => {
    git.down = true;
    const started = await failovers.start({ ...asked, overrideMs: hourMs });
    await look(all);
    const byHand = {
      'fleet/eu.yaml': group('eu', 'eu-3', 'eu-1, eu-2'),
      'fleet/clusters.yaml': files['fleet/clusters.yaml']
        .replace('region: eu-1, role: primary', 'region: eu-1, role: standby')
        .replace('region: eu-3, role: standby', 'region: eu-3, role: primary'),
    };
    await git.commit(byHand);
    git.down = false;
    await bed.clock.advance(120_000);
    await look(all);
    expect(git.files).toMatchObject(byHand);
    expect((await get(started)).commit?.error).toMatch(/primary .*is eu-3 .*no longer eu-1/);
    await bed.clock.advance(hourMs);
    await look(all);
    expect(await get(started)).toMatchObject({ phase: 'Ended', override: { ended: 'expired' } });
    expect(await roles()).toEqual(['eu-1 standby', 'eu-2 standby', 'eu-3 primary', 'us-1 primary']);
  });

  it('have done the whole of it only with the group', async () => {
    git.down = true;
    const started = await failovers.start({ ...asked, overrideMs: hourMs });
    await look(all);
    const clusters = files['fleet/clusters.yaml']
      .replace('region: eu-1, role: primary', 'region: eu-1, role: standby')
      .replace('region: eu-2, role: standby', 'region: eu-2, role: primary');
    await git.commit({ 'fleet/clusters.yaml': clusters });
    await look(all);
    expect(await get(started)).toMatchObject({ phase: 'TrafficReady', override: { ended: undefined } });
    await git.commit({ 'fleet/eu.yaml': group('eu', 'eu-2', 'eu-1, eu-3') });
    await look(all);
    expect(await get(started)).toMatchObject({ phase: 'Done', override: { ended: 'committed' } });
    expect(await primaryOf('eu')).toBe('eu-2');
  });

  it('end it with the group', async () => {
    git.down = true;
    const started = await failovers.start({ ...asked, overrideMs: hourMs });
    await look(all);
    await git.commit({ 'fleet/eu.yaml': '' });
    await look(all);
    expect(await get(started)).toMatchObject({ phase: 'Ended', override: { ended: 'superseded' } });
    expect(await roles()).toEqual(asBefore);
  });
});

describe('groups that share a cluster', () => {
  it('are told of in what has to be confirmed', async () => {
    await git.commit({
      'fleet/more.yaml': `${group('own', 'eu-1', 'eu-3')}---\n${group('far', 'us-1', 'eu-2')}`,
    });
    await look(all);
    await expect(failovers.start({ ...asked, confirm: false })).rejects.toMatchObject({
      details: {
        confirm: expect.arrayContaining([
          'eu-1 is the primary of own too, which has none then until it fails over as well',
          'eu-2 stands by for us-1 in far too, and has the role of a primary there as well',
        ]),
      },
    });
  });

  it('do not give it two roles at once', async () => {
    await git.commit({ 'fleet/more.yaml': group('far', 'us-1', 'eu-1, eu-2') });
    await look(all);
    await failovers.start(asked);
    await look([]);
    const far = { ...asked, group: 'far', to: 'eu-1' } as const;
    await expect(failovers.start(far)).rejects.toThrow('eu-1 is to be standby by the failover of eu');
    await look(all);
    await failovers.start(far);
    await look(all);
    expect(await primaryOf('far')).toBe('eu-1');
  });

  it('are told apart also where both are started in the same moment', async () => {
    await git.commit({ 'fleet/more.yaml': group('far', 'us-1', 'eu-1') });
    await look(all);
    const started = await Promise.allSettled([
      failovers.start(asked),
      failovers.start({ ...asked, group: 'far', to: 'eu-1' }),
    ]);
    expect(started.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await look(all);
    expect(await roles()).toEqual(switched);
  });
});
