/** A failover of what was rolled back before: nothing of it goes out by itself, and nobody has to guess why. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { becomeHealthy, createLoopBed, type LoopBed, openRollouts } from '../loop-bed.test-support.ts';
import type { RolloutDriver } from '../rollout/rollout-loop.ts';
import { openDarkFailovers } from './failover-bed.test-support.ts';
import { loadFailovers } from './failover-inputs.ts';
import type { FailoverDriver } from './failovers.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const cluster = (name: string, role: string) =>
  `${head}kind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${name}, role: ${role} }\n`;
const map = (version: string, size: number) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { version: ${version}, size: "${size}" }\n`;
const filesOf = (version: string) => ({
  'fleet/clusters.yaml': `${cluster('eu-1', 'primary')}---\n${cluster('eu-2', 'standby')}`,
  'fleet/web.yaml': `${head}kind: Application\nmetadata: { name: web }
spec:
  source: { path: web, overlays: ["{{cluster.role}}"] }
  placement: { clusters: [eu-1, eu-2] }
  rollout: { strategy: all-at-once }
`,
  'fleet/eu.yaml': `${head}kind: ParityGroup\nmetadata: { name: eu }\nspec: { primary: eu-1, standbys: { clusters: [eu-2] } }\n`,
  'web/primary/map.yaml': map(version, 8),
  'web/standby/map.yaml': map(version, 2),
});
const digestKey = new Uint8Array(32).fill(7);
const said = { reason: 'eu-1 is dark', actor: 'ann' };
const asked = {
  group: 'eu',
  kind: 'failover',
  to: undefined,
  overrideMs: 3_600_000,
  commit: undefined,
} as const;

let bed: LoopBed;
let failovers: FailoverDriver;
let rollouts: RolloutDriver;

beforeEach(async () => {
  bed = await createLoopBed(undefined, (store) => loadFailovers(store, digestKey));
  rollouts = openRollouts(bed);
  failovers = openDarkFailovers(bed, digestKey);
  for (const name of ['eu-1', 'eu-2'])
    await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
  await bed.commit(filesOf('v1'));
  await settle();
});
afterEach(async () => {
  await Promise.all([failovers.stop(), rollouts.stop()]);
  await bed.close();
});

/** Everybody does at once what there is to do, until nothing is left. */
async function settle(): Promise<void> {
  for (let round = 0; round < 6; round += 1) {
    await bed.resolve();
    rollouts.wakeAll();
    await rollouts.loop.idle();
    await becomeHealthy(bed);
    failovers.wakeAll();
    await failovers.loop.idle();
    await bed.clock.advance(2);
  }
}
const act = async (
  action: { readonly type: 'rollback' } | { readonly type: 'retry'; readonly cluster: '' },
) => {
  await rollouts.act('web', action, { ...said, atMs: bed.clock.now() });
  await settle();
};
async function targets() {
  const all = await bed.store.releases.assignments({});
  return Object.fromEntries(all.map((one) => [one.cluster, one.targetDigest]));
}
async function newest() {
  const [one] = (await failovers.list('eu', { limit: 1, cursor: undefined })).items;
  if (!one) throw new Error('there is no failover');
  return one;
}
const heldSentence = expect.stringContaining('what was released of web last was rolled back and is held');
const status =
  'what it is to get was rolled back before and is held; `fairway rollout retry web --reason TEXT` lets it go';

it('has to be confirmed, says in its status what is held, and goes on with a retry', async () => {
  await bed.commit(filesOf('v2'));
  await settle();
  await act({ type: 'rollback' });
  const before = await targets();
  await expect(failovers.start({ ...asked, ...said, confirm: false })).rejects.toMatchObject({
    details: { confirm: expect.arrayContaining([heldSentence]) },
  });
  const { confirmed } = await failovers.start({ ...asked, ...said, confirm: true });
  expect(confirmed).toContainEqual(heldSentence);
  await settle();
  // What failed goes nowhere by itself.
  expect(await targets()).toEqual(before);
  expect(await newest()).toMatchObject({
    ...{ phase: 'Switching', applications: [{ application: 'web', waitsOn: status }] },
    message: `1 of 1 applications to go; web: ${status}`,
  });
  await act({ type: 'retry', cluster: '' });
  expect(await newest()).toMatchObject({ phase: 'TrafficReady' });
  expect(await targets()).not.toEqual(before);
});

it('says so too where the failover before was rolled back, of which no rollout begins anew', async () => {
  await failovers.start({ ...asked, ...said, confirm: true });
  await settle();
  const switched = await targets();
  await act({ type: 'rollback' });
  await failovers.revoke('eu', said);
  await settle();
  await expect(failovers.start({ ...asked, ...said, confirm: false })).rejects.toMatchObject({
    details: { confirm: expect.arrayContaining([heldSentence]) },
  });
  await failovers.start({ ...asked, ...said, confirm: true });
  await settle();
  expect(await newest()).toMatchObject({ applications: [{ application: 'web', waitsOn: status }] });
  await act({ type: 'retry', cluster: '' });
  expect(await targets()).toEqual(switched);
  expect(await newest()).toMatchObject({ phase: 'TrafficReady' });
});

it('asks nothing of the kind where nothing was rolled back', async () => {
  const { confirmed } = await failovers.start({ ...asked, ...said, confirm: true });
  expect(confirmed).not.toContainEqual(heldSentence);
});
