/** The main job on real parts: one merge in Git reaches every cluster, and stays. */
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoRepository } from '../../hub/cli/demo/stage.ts';
import { root } from '../tools/source-files.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const clusters = ['eu-1', 'us-1', 'ap-1'] as const;
const clusterFile = clusters
  .map(
    (name) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata:\n  name: ${name}\n  labels: { environment: production }\nspec:\n  region: ${name.slice(0, 2)}\n`,
  )
  .join('---\n');

let bed: FleetBed | undefined;
const jsonpath = (path: string) => ['-o', `jsonpath=${path}`];

beforeAll(async () => {
  bed = await createFleetBed({
    clusters,
    whole: ['eu-1'],
    copyFrom: demoRepository,
    files: { 'fleet/clusters.yaml': clusterFile },
  });
  if (!bed) return;
  await bed.startHub();
  for (const name of clusters) await bed.startAgent(name);
}, 240_000);

afterAll(() => bed?.close());

/** The image of shop/web in each cluster. */
const imagesOf = (fleet: FleetBed) =>
  clusters.map(
    (name) =>
      fleet.kubectl(
        name,
        'get',
        'deployment',
        'web',
        '-n',
        'shop',
        ...jsonpath('{.spec.template.spec.containers[0].image}'),
      ).stdout,
  );

describe('the main job on three control planes', () => {
  it('brings the first commit to every cluster', async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    await bed.settle(await bed.repository.head(), { placements: 9 });
    expect(imagesOf(bed)).toEqual(clusters.map(() => 'registry.example/shop/web:1.4.0'));
  }, 120_000);

  it('is healthy where the workloads truly became available, and leaves their replicas to the autoscaler', async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    await bed.wait('eu-1 to be healthy', async () => {
      const placements = (await bed?.api().placements())?.filter(({ cluster }) => cluster === 'eu-1') ?? [];
      return placements.length === 3 && placements.every(({ stage }) => stage === 'Healthy')
        ? true
        : undefined;
    });
    const replicas = () =>
      bed?.kubectl('eu-1', 'get', 'deployment', 'web', '-n', 'shop', ...jsonpath('{.spec.replicas}')).stdout;
    await bed.wait('the autoscaler to ask for its three replicas', () =>
      replicas() === '3' ? true : undefined,
    );
    const { items } = await bed
      .api()
      .get<{ items: { acknowledgements: Record<string, string | null> }[] }>(
        '/api/v1/assignments?cluster=eu-1',
      );
    for (const { acknowledgements } of items)
      for (const stage of ['receivedAt', 'appliedAt', 'healthyAt'])
        expect(acknowledgements[stage]).toEqual(expect.any(String));
    expect(await bed.api().events('types=drift&cluster=eu-1')).toEqual([]);
  }, 120_000);

  it('brings one merge to the base to every cluster', async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    const file = 'apps/shop/base/kustomization.yaml';
    const text = await bed.repository.git('show', `HEAD:${file}`);
    const commit = await bed.merge({ [file]: text.replace('1.4.0', '1.5.0') }, 'shop: release 1.5.0');
    await bed.settle(commit);
    expect(imagesOf(bed)).toEqual(clusters.map(() => 'registry.example/shop/web:1.5.0'));
  }, 120_000);

  it("brings a change of one region's overlay to that region only", async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    const before = new Map(
      (await bed.api().placements()).map((each) => [`${each.cluster}/${each.application}`, each.generation]),
    );
    const file = 'apps/shop/overlays/us/kustomization.yaml';
    const text = await bed.repository.git('show', `HEAD:${file}`);
    const commit = await bed.merge({ [file]: text.replace('CURRENCY=USD', 'CURRENCY=CAD') }, 'shop: Canada');
    const placements = await bed.settle(commit);
    const changed = placements.filter(
      (each) => before.get(`${each.cluster}/${each.application}`) !== each.generation,
    );
    expect(changed.map(({ cluster, application }) => `${cluster}/${application}`)).toEqual(['us-1/shop']);
    const maps = bed.kubectl(
      'us-1',
      'get',
      'configmap',
      '-n',
      'shop',
      '-l',
      'region=us',
      ...jsonpath('{.items[*].data.CURRENCY}'),
    );
    expect(maps.stdout).toBe('CAD');
  }, 120_000);

  it('finds a change made by hand, says by which manager and when, and undoes it', async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    const patch = JSON.stringify({ spec: { minReplicas: 4, maxReplicas: 12 } });
    const args = [
      'patch',
      'hpa',
      'web',
      '-n',
      'shop',
      '--type=merge',
      '--field-manager=kubectl-edit',
      '-p',
      patch,
    ];
    expect(bed.kubectl('eu-1', ...args).status).toBe(0);
    await bed.wait('the autoscaler to be 3/9 again', () => {
      const live = bed?.kubectl(
        'eu-1',
        'get',
        'hpa',
        'web',
        '-n',
        'shop',
        ...jsonpath('{.spec.minReplicas}/{.spec.maxReplicas}'),
      );
      return live?.stdout === '3/9' ? true : undefined;
    });
    const healed = await bed.wait('the event', async () => {
      const events = await bed?.api().events('types=drift&cluster=eu-1');
      return events?.find(
        ({ type, object }) =>
          type === 'drift.healed' && object === 'autoscaling/HorizontalPodAutoscaler/shop/web',
      );
    });
    expect(healed.message).toContain('kubectl-edit');
    expect(healed.actor).toBe('agent:eu-1');
  }, 120_000);

  it('rolls back by git revert', async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    const [released] = (await bed.repository.git('log', '--format=%H', '--grep', 'release 1.5.0'))
      .trim()
      .split('\n');
    const commit = await bed.repository.revert(released ?? '');
    await bed.repository.push();
    await bed.settle(commit);
    expect(imagesOf(bed)).toEqual(clusters.map(() => 'registry.example/shop/web:1.4.0'));
    const seen = await bed.api().events('types=revision.seen');
    expect(seen.map(({ actor }) => actor.split(' <')[0])).toContain('Grace Lim');
  }, 120_000);

  it('prunes what leaves Git, and nothing else', async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    expect(
      bed.kubectl('ap-1', 'create', 'configmap', 'by-hand', '-n', 'shop', '--from-literal=a=b').status,
    ).toBe(0);
    const file = 'apps/shop/base/kustomization.yaml';
    const text = await bed.repository.git('show', `HEAD:${file}`);
    const before = bed.kubectl('ap-1', 'get', 'deployment,hpa,configmap', '-n', 'shop', '-o', 'name').stdout;
    const commit = await bed.merge(
      { [file]: text.replace('  - service.yaml\n', ''), 'apps/shop/base/service.yaml': null },
      'shop: no service',
    );
    await bed.settle(commit);
    await bed.wait('the Service to go', () =>
      bed?.kubectl('ap-1', 'get', 'service', 'web', '-n', 'shop').status === 0 ? undefined : true,
    );
    expect(bed.kubectl('ap-1', 'get', 'deployment,hpa,configmap', '-n', 'shop', '-o', 'name').stdout).toBe(
      before,
    );
    expect(bed.kubectl('ap-1', 'get', 'service', 'api', '-n', 'payments').status).toBe(0);
  }, 120_000);

  it('shows all of it on the command line', async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    const { api, token } = bed.addresses();
    const env = { ...process.env, FAIRWAY_SERVER: api, FAIRWAY_TOKEN: token, NO_COLOR: '1' };
    const fairway = (...args: string[]) =>
      new Promise<string>((resolve, reject) => {
        execFile(process.execPath, ['hub/cli/bin.js', ...args], { cwd: root, env }, (error, stdout) =>
          error ? reject(error) : resolve(stdout),
        );
      });
    const status = await fairway('status');
    for (const name of clusters) expect(status).toContain(name);
    const clusterList = JSON.parse(await fairway('get', 'clusters', '-o', 'json')) as
      | { items?: unknown[] }
      | unknown[];
    expect(Array.isArray(clusterList) ? clusterList : clusterList.items).toHaveLength(3);
    expect(await fairway('get', 'revisions')).toContain('Grace Lim');
    expect(await fairway('get', 'events')).toContain('drift.healed');
  }, 60_000);
});
