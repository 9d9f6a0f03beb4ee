/** A failover concerns its two clusters: what is being released elsewhere meanwhile keeps its own pace. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLoopBed, type LoopBed, openRollouts, settleRollouts } from '../loop-bed.test-support.ts';
import type { RolloutDriver } from '../rollout/rollout-loop.ts';
import { openDarkFailovers } from './failover-bed.test-support.ts';
import { loadFailovers } from './failover-inputs.ts';
import type { FailoverDriver } from './failovers.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const roles = {
  'ap-1': 'primary',
  'eu-1': 'primary',
  'eu-2': 'standby',
  'us-1': 'primary',
  'us-2': 'standby',
};
const map = (version: string, size: number) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { version: ${version}, size: "${size}" }\n`;
const filesOf = (version: string) => ({
  'fleet/clusters.yaml': Object.entries(roles)
    .map(
      ([name, role]) =>
        `${head}kind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${name}, role: ${role} }\n`,
    )
    .join('---\n'),
  'fleet/web.yaml': `${head}kind: Application\nmetadata: { name: web }
spec:
  source: { path: web, overlays: ["{{cluster.role}}"] }
  placement: { clusters: [${Object.keys(roles).join(', ')}] }
  rollout: { strategy: careful }
`,
  'fleet/eu.yaml': `${head}kind: ParityGroup\nmetadata: { name: eu }\nspec: { primary: eu-1, standbys: { clusters: [eu-2] } }\n`,
  'web/primary/map.yaml': map(version, 8),
  'web/standby/map.yaml': map(version, 2),
});
const digestKey = new Uint8Array(32).fill(7);
const said = { reason: 'a test', actor: 'ann', confirm: true, commit: undefined, to: undefined, group: 'eu' };

let bed: LoopBed;
let failovers: FailoverDriver;
let rollouts: RolloutDriver;

beforeEach(async () => {
  bed = await createLoopBed(undefined, (store) => loadFailovers(store, digestKey));
  rollouts = openRollouts(bed);
  failovers = openDarkFailovers(bed, digestKey);
  for (const name of Object.keys(roles))
    await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
  await bed.commit(filesOf('v1'));
  await bed.resolve();
  await settleRollouts(bed, rollouts);
});
afterEach(async () => {
  await Promise.all([failovers.stop(), rollouts.stop()]);
  await bed.close();
});

/** Looks at everything a few times; agents have nothing to say but what `healthy` names. */
async function look(healthy: readonly string[] = []): Promise<void> {
  for (let round = 0; round < 6; round += 1) {
    await bed.resolve();
    rollouts.wakeAll();
    await rollouts.loop.idle();
    for (const { cluster, application, generation } of await bed.store.releases.assignments({}))
      if (healthy.includes(cluster))
        await bed.store.releases.acknowledge({
          ...{ cluster, application, generation, stage: 'healthy', message: '', timeMs: bed.clock.now() },
        });
    failovers.wakeAll();
    await failovers.loop.idle();
    await bed.clock.advance(2);
  }
}
async function targets() {
  const all = await bed.store.releases.assignments({});
  return Object.fromEntries(all.map((one) => [one.cluster, one.targetDigest]));
}

describe('a failover while a release is under way elsewhere', () => {
  it.each(['failover', 'drill'] as const)('by %s lets no other cluster get it sooner', async (kind) => {
    const before = await targets();
    await bed.commit(filesOf('v2'));
    await look();
    const begun = await targets();
    expect(Object.keys(roles).filter((name) => begun[name] !== before[name])).toEqual(['ap-1']);
    await failovers.start({ ...said, kind, overrideMs: 3_600_000 });
    await look();
    const going = await targets();
    expect(going['eu-2']).not.toBe(begun['eu-2']);
    expect({ ...going, 'eu-2': '' }).toEqual({ ...begun, 'eu-2': '' });
    await look(['eu-1', 'eu-2']);
    expect((await failovers.list('eu', { limit: 1, cursor: undefined })).items).toMatchObject([
      { phase: kind === 'drill' ? 'Done' : 'TrafficReady', rtoMs: expect.any(Number) },
    ]);
    // From here on it is released as it was: one cluster first.
    const now = await targets();
    expect(['us-1', 'us-2'].filter((name) => now[name] !== begun[name])).toEqual(['us-1']);
    await look(Object.keys(roles));
    await settleRollouts(bed, rollouts);
    const end = await targets();
    expect(new Set(Object.keys(roles).map((name) => end[name])).size).toBe(2);
    expect([end['us-1'], end['us-2']]).toEqual([end['ap-1'], end[kind === 'drill' ? 'eu-2' : 'eu-1']]);
  });
});
