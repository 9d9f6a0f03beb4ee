/** The end of an override, in virtual time: what is told ahead of it, what it does, and how it is put off. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fleetOf } from '../fleet-rows.ts';
import { becomeHealthy, createLoopBed, type LoopBed, openRollouts } from '../loop-bed.test-support.ts';
import type { RolloutDriver } from '../rollout/rollout-loop.ts';
import { openDarkFailovers } from './failover-bed.test-support.ts';
import { loadFailovers } from './failover-inputs.ts';
import type { FailoverDriver } from './failovers.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const cluster = (name: string, role: string) =>
  `${head}kind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${name}, role: ${role} }\n`;
const map = (size: number) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { size: "${size}" }\n`;
const files = {
  'fleet/clusters.yaml': `${cluster('eu-1', 'primary')}---\n${cluster('eu-2', 'standby')}`,
  'fleet/web.yaml': `${head}kind: Application\nmetadata: { name: web }
spec:
  source: { path: web, overlays: ["{{cluster.role}}"] }
  placement: { clusters: [eu-1, eu-2] }
  rollout: { strategy: all-at-once }
`,
  'fleet/eu.yaml': `${head}kind: ParityGroup\nmetadata: { name: eu }\nspec: { primary: eu-1, standbys: { clusters: [eu-2] } }\n`,
  'web/primary/map.yaml': map(8),
  'web/standby/map.yaml': map(2),
};
const hour = 3_600_000;
const minute = 60_000;
const digestKey = new Uint8Array(32).fill(7);
const said = { reason: 'Git is dark', actor: 'ann' };
const page = { limit: 50, cursor: undefined };

describe('an override of roles', () => {
  let bed: LoopBed;
  let failovers: FailoverDriver;
  let rollouts: RolloutDriver;
  let startedAtMs: number;

  beforeEach(async () => {
    bed = await createLoopBed(undefined, (store) => loadFailovers(store, digestKey));
    rollouts = openRollouts(bed);
    failovers = openDarkFailovers(bed, digestKey);
    for (const name of ['eu-1', 'eu-2'])
      await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
    await bed.commit(files);
    await settle();
    startedAtMs = bed.clock.now();
  });
  afterEach(async () => {
    await Promise.all([failovers.stop(), rollouts.stop()]);
    await bed.close();
  });

  /** Everybody does at once what there is to do, until nothing is left. */
  const settle = async () => {
    for (let round = 0; round < 6; round += 1) {
      await bed.resolve();
      rollouts.wakeAll();
      await rollouts.loop.idle();
      await becomeHealthy(bed);
      failovers.wakeAll();
      await failovers.loop.idle();
    }
  };
  const to = async (ms: number) => {
    await bed.clock.advance(startedAtMs + ms - bed.clock.now());
    await settle();
  };
  const start = async (overrideMs: number) => {
    await failovers.start({
      ...{ group: 'eu', kind: 'failover', to: undefined, confirm: true, overrideMs, commit: undefined },
      ...{ ...said, actor: 'ann' },
    });
    await settle();
  };
  const now = async () => {
    const [one] = (await failovers.list('eu', page)).items;
    if (!one) throw new Error('there is no failover');
    return one;
  };
  const roles = async () => {
    const { clusters } = fleetOf(await bed.store.fleet.load());
    return [...clusters.values()].map(({ name, role }) => `${name} ${role}`);
  };
  /** What runs where, by the size that its role has. */
  const sizes = async () => {
    const found = new Map<string, string>();
    for (const { cluster: name, targetDigest } of await bed.store.releases.assignments({})) {
      const [entry] = (await bed.store.content.target(targetDigest))?.set.entries ?? [];
      const objects = await bed.store.content.objects([entry?.objectDigest ?? '']);
      for (const { content } of objects.values()) found.set(name, JSON.parse(content).data.size);
    }
    return [found.get('eu-1'), found.get('eu-2')];
  };
  const told = async (type: 'failover.expiring' | 'failover.extended' | 'failover.ended') =>
    (await bed.store.events.list({ types: [type] }, page)).items.map(({ message }) => message);

  it('is warned of an hour and ten minutes ahead, and then gives the roles back', async () => {
    await start(4 * hour);
    expect(await roles()).toEqual(['eu-1 standby', 'eu-2 primary']);
    expect(await sizes()).toEqual(['2', '8']);
    expect((await now()).phase).toBe('TrafficReady');
    await to(3 * hour - minute);
    expect(await told('failover.expiring')).toEqual([]);
    await to(3 * hour);
    await to(3 * hour + minute);
    const [first, ...none] = await told('failover.expiring');
    expect(none).toEqual([]);
    expect(first).toContain("eu: the hub's own word is over at 2026-01-01T04:00:");
    expect(first).toContain('eu-1 and eu-2 get the roles that Git has');
    expect(first).toContain('Git does not answer');
    await to(3 * hour + 51 * minute);
    expect(await told('failover.expiring')).toHaveLength(2);
    expect(await sizes()).toEqual(['2', '8']);
    await to(4 * hour + minute);
    expect(await roles()).toEqual(['eu-1 primary', 'eu-2 standby']);
    expect(await sizes()).toEqual(['8', '2']);
    expect(await now()).toMatchObject({ phase: 'Ended', override: { ended: 'expired' } });
    expect(await told('failover.expiring')).toHaveLength(2);
    expect(await told('failover.ended')).toEqual(['eu: expired: roles are as Git has them; it was ready']);
  });

  it('lasts longer when it is extended, with a word of why, and is warned of anew', async () => {
    await start(4 * hour);
    await to(3 * hour + 30 * minute);
    expect(await told('failover.expiring')).toHaveLength(1);
    const more = { ...said, reason: 'Git is dark still', overrideMs: 4 * hour };
    expect((await failovers.extend('eu', more)).override?.untilMs).toBe(bed.clock.now() + 4 * hour);
    await settle();
    expect(await told('failover.extended')).toEqual([
      expect.stringMatching(/^eu: the hub's own word lasts until 2026-01-01T07:30:.*: Git is dark still$/),
    ]);
    await to(5 * hour);
    expect(await sizes()).toEqual(['2', '8']);
    expect(fleetOf(await bed.store.fleet.load()).clusters.get('eu-2')?.override?.untilMs).toBe(
      (await now()).override?.untilMs,
    );
    expect(await told('failover.expiring')).toHaveLength(1);
    await to(6 * hour + 31 * minute);
    expect(await told('failover.expiring')).toHaveLength(2);
    await to(7 * hour + 31 * minute);
    expect(await sizes()).toEqual(['8', '2']);
    await expect(failovers.extend('eu', more)).rejects.toThrow('No failover of "eu" is under way');
  });

  it('is not warned of what somebody has just said: an extension of an hour, ten minutes ahead alone', async () => {
    await start(4 * hour);
    await to(3 * hour + 30 * minute);
    await failovers.extend('eu', { ...said, overrideMs: hour });
    await settle();
    await to(4 * hour + 19 * minute);
    expect(await told('failover.expiring')).toHaveLength(1);
    await to(4 * hour + 21 * minute);
    expect(await told('failover.expiring')).toHaveLength(2);
  });

  it('cannot be extended to a shorter time, nor where there is none or its signature is wrong', async () => {
    await start(4 * hour);
    const less = { ...said, overrideMs: hour };
    await expect(failovers.extend('eu', less)).rejects.toThrow('It lasts until 2026-01-01T04:00:');
    const one = await now();
    const { override } = one;
    if (!override) throw new Error('there is no override');
    const forged = {
      ...one,
      version: one.version + 1,
      override: { ...override, untilMs: override.untilMs + hour },
    };
    await bed.store.failovers.save(forged, one.version, []);
    expect(await failovers.open()).toEqual([]);
    await expect(failovers.extend('eu', { ...said, overrideMs: 9 * hour })).rejects.toThrow('No failover of');
    await settle();
    expect(await roles()).toEqual(['eu-1 primary', 'eu-2 standby']);
    const plain = { ...one, override: undefined, version: forged.version + 1, phase: 'Switching' as const };
    await bed.store.failovers.save(plain, forged.version, []);
    await expect(failovers.extend('eu', { ...said, overrideMs: 9 * hour })).rejects.toThrow(
      'nothing to extend',
    );
  });

  it('ends without a warning where it is too short for one', async () => {
    await start(10 * minute);
    await to(11 * minute);
    expect(await now()).toMatchObject({ phase: 'Ended', override: { ended: 'expired' } });
    expect(await told('failover.expiring')).toEqual([]);
  });
});
