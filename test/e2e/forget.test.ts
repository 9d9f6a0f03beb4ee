/** A cluster that is gone for good, end to end: its removals wait for an agent that never comes, until an operator has the hub forget it. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiCluster } from '../../hub/api/schemas/cluster.ts';
import { enrolWith } from '../contract/wire/harness.ts';
import { applicationFile, clusterFile, configMap, createHubBed, type HubBed } from './hub-bed.ts';

interface Assignment {
  readonly removed: boolean;
  readonly generation: number;
}

let bed: HubBed;

const itemsOf = async <T>(path: string) => (await bed.api().get<{ items: readonly T[] }>(path)).items;
const assigned = () => itemsOf<Assignment>('/api/v1/assignments?cluster=gone');
const clusters = async () => (await itemsOf<ApiCluster>('/api/v1/clusters')).map(({ name }) => name);
const enrol = async () => {
  const token = await bed.api().enrolmentToken('gone');
  return enrolWith({ enrolmentAddress: `127.0.0.1:${bed.addresses().enrolmentPort}` }, token);
};

function forget(cluster: string) {
  const { api, token } = bed.addresses();
  const args = ['hub/cli/main.ts', 'agent', 'forget', cluster, '--reason', 'torn down'];
  const env = { ...process.env, FAIRWAY_SERVER: api, FAIRWAY_TOKEN: token };
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000, env });
}

beforeAll(async () => {
  bed = await createHubBed();
  await bed.merge(
    {
      'fleet/clusters.yaml': clusterFile('gone', 'here'),
      'fleet/shop.yaml': applicationFile('shop', 'path: apps/shop', 'gone, here'),
      'apps/shop/map.yaml': configMap('shop', 'text'),
    },
    'start',
  );
  await bed.start();
  await bed.wait('both to be assigned', async () => ((await assigned()).length === 1 ? true : undefined));
  await enrol();
}, 60_000);

afterAll(() => bed?.close());

describe('fairway agent forget', () => {
  it('is refused while the cluster is in Git, and says what to do', async () => {
    const run = forget('gone');
    expect(run.stderr).toContain('take its Cluster out of Git');
    expect(run.status).toBe(7);
    expect(await clusters()).toEqual(['gone', 'here']);
  });

  it('ends the removal that waits for its agent, and the cluster disappears over a kill', async () => {
    await bed.merge(
      {
        'fleet/clusters.yaml': clusterFile('here'),
        'fleet/shop.yaml': applicationFile('shop', 'path: apps/shop', 'here'),
      },
      'gone is gone',
    );
    await bed.wait('the removal to wait for its agent', async () =>
      (await assigned()).some(({ removed }) => removed) ? true : undefined,
    );
    const run = forget('gone');
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe(
      'Forgot gone: 1 certificate and 0 tokens revoked, 1 assignment ended (1 removal waited for it).\n',
    );
    await bed.stop('SIGKILL');
    await bed.start();
    expect([await assigned(), await clusters()]).toEqual([[], ['here']]);
    const events = await bed
      .api()
      .events('types=audit.cluster.forgotten,audit.certificate.revoked&cluster=gone');
    expect(events.map(({ type, actor }) => `${type} ${actor}`)).toEqual([
      'audit.cluster.forgotten first',
      'audit.certificate.revoked first',
    ]);
    expect(forget('gone').status).toBe(3);
  }, 40_000);

  it('lets it come back under its name, with its generations going on', async () => {
    await enrol();
    await bed.merge(
      {
        'fleet/clusters.yaml': clusterFile('gone', 'here'),
        'fleet/shop.yaml': applicationFile('shop', 'path: apps/shop', 'gone, here'),
      },
      'gone is back',
    );
    const [back] = await bed.wait('it to be assigned again', async () => {
      const all = await assigned();
      return all.length > 0 ? all : undefined;
    });
    expect(back).toMatchObject({ removed: false, generation: 3 });
  }, 40_000);
});
