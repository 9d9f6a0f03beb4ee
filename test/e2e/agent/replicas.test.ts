/** Two replicas of an agent and one Lease: one works, the other takes over when it dies or ends; and what an operator can ask of them. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../cluster/free-port.ts';
import { root } from '../../tools/source-files.ts';
import { createFleetBed, type FleetBed } from '../fleet-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const map = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\ndata: { value: "${value}" }\n`;

let bed: FleetBed | undefined;
const ports: number[] = [];

beforeAll(async () => {
  bed = await createFleetBed({
    clusters: ['pair'],
    files: {
      'fleet/pair.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: pair }\nspec: { region: here }\n',
      'fleet/maps.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: maps }\nspec:\n  source: { path: apps/maps }\n  placement: { clusters: [pair] }\n',
      'apps/maps/all.yaml': map('a', '1'),
    },
  });
  if (!bed) return;
  await bed.startHub();
}, 240_000);

afterAll(() => bed?.close());

const replica = async (token: boolean) => {
  const port = await freePort();
  ports.push(port);
  const args = ['--leader-elect', '--health-address', `127.0.0.1:${port}`];
  return { program: await bed!.startAgent('pair', { token, args }), port };
};
const get = async (port: number, path: string) => {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
};
const dataOf = (name: string) =>
  bed?.kubectl('pair', 'get', 'configmap', name, '-o', 'jsonpath={.data.value}').stdout;
const versionOf = (name: string) =>
  bed?.kubectl('pair', 'get', 'configmap', name, '-o', 'jsonpath={.metadata.resourceVersion}').stdout;
const holder = () =>
  bed?.kubectl(
    'pair',
    '-n',
    'fairway-agent',
    'get',
    'lease',
    'fairway-agent',
    '-o',
    'jsonpath={.spec.holderIdentity}',
  ).stdout;
const fairway = (...args: readonly string[]) => {
  const { api, token } = bed!.addresses();
  const result = spawnSync(process.execPath, [join(root, 'hub/cli/main.ts'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, FAIRWAY_SERVER: api, FAIRWAY_TOKEN: token, NO_COLOR: '1' },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
};

describe('two replicas of an agent', () => {
  it('of which one works, and the other takes over after a kill without writing anything twice', async (context) => {
    if (!bed) return context.skip(skipped);
    const first = await replica(true);
    await bed.settle(await bed.repository.head(), { placements: 1 });
    const leader = holder();
    const second = await replica(false);
    await bed.wait('the second to stand by', async () =>
      (await get(second.port, '/readyz'))?.text === 'standby\n' ? true : undefined,
    );
    expect([(await get(first.port, '/readyz'))?.text, holder()]).toEqual(['ok\n', leader]);
    expect((await get(second.port, '/metrics'))?.text).toContain('fairway_agent_leader 0');
    const before = versionOf('a');
    await first.program.stop('SIGKILL');
    const commit = await bed.merge(
      { 'apps/maps/all.yaml': `${map('a', '1')}---\n${map('b', '2')}` },
      'maps: b',
    );
    await bed.settle(commit);
    expect([dataOf('b'), holder() === leader]).toEqual(['2', false]);
    // The new leader found what the old one had applied, and left it as it was.
    expect(versionOf('a')).toBe(before);
    expect((await get(second.port, '/metrics'))?.text).toContain('fairway_agent_leader 1');
  }, 120_000);

  it('hand over at once when the leader is told to end', async (context) => {
    if (!bed) return context.skip(skipped);
    const second = bed.agent('pair');
    const third = await replica(false);
    await bed.wait('the third to stand by', async () =>
      (await get(third.port, '/readyz'))?.text === 'standby\n' ? true : undefined,
    );
    const leader = holder();
    await second.stop('SIGTERM');
    await bed.wait('the third to lead', async () => {
      const { text = '' } = (await get(third.port, '/status')) ?? {};
      return text.includes('"running"') ? true : undefined;
    });
    expect(holder()).not.toBe(leader);
    const commit = await bed.merge({ 'apps/maps/all.yaml': map('a', '3') }, 'maps: 3, no b');
    await bed.settle(commit);
    await bed.wait('b to go', () => (dataOf('b') === '' ? true : undefined));
    expect(dataOf('a')).toBe('3');
  }, 120_000);

  it('tell how they are, from their endpoint and from the cluster', async (context) => {
    if (!bed) return context.skip(skipped);
    const live = fairway('agent', 'status', '--address', `http://127.0.0.1:${ports.at(-1)}`);
    expect([live.code, live.stderr]).toEqual([0, '']);
    expect(live.stdout).toMatch(/^Cluster: +pair$/m);
    expect(live.stdout).toMatch(/^Hub: +connected to 127\.0\.0\.1:/m);
    expect(live.stdout).toMatch(/^maps +Current +1 +0$/m);
    const { kubeconfig } = bed.plane('pair');
    const kept = fairway('agent', 'status', '--kubeconfig', kubeconfig, '-o', 'json');
    expect(JSON.parse(kept.stdout)).toMatchObject({
      leader: { holder: holder(), transitions: 2 },
      applications: [{ application: 'maps', groupKinds: ['ConfigMap'], namespaces: ['default'] }],
    });
    expect(fairway('agent', 'status', '--kubeconfig', kubeconfig).stdout).toMatch(
      /^maps +\d+ +ConfigMap +default$/m,
    );
    const dead = fairway('agent', 'status', '--address', `127.0.0.1:${ports[0]}`);
    expect([dead.code, dead.stderr]).toEqual([
      1,
      `fairway: http://127.0.0.1:${ports[0]}/status cannot be reached\n`,
    ]);
    expect(fairway('agent', 'status', '--else').code).toBe(2);
  }, 120_000);

  it('give diagnostics to the hub, with nothing secret in them, and the hub keeps who asked', async (context) => {
    if (!bed) return context.skip(skipped);
    const file = join(bed.folder, 'diagnostics.json');
    const asked = fairway('agent', 'diagnostics', 'pair', '-o', file);
    expect([asked.code, asked.stdout]).toEqual([0, `Wrote the diagnostics of pair to ${file}.\n`]);
    const text = readFileSync(file, 'utf8');
    const bundle = JSON.parse(text) as {
      agent: { cluster: string; leader: boolean };
      desired: { applications: unknown[] };
      log: string[];
    };
    expect(bundle.agent).toMatchObject({ cluster: 'pair', leader: true });
    expect(bundle.desired.applications).toMatchObject([{ application: 'maps', objects: 1 }]);
    expect(bundle.log.join('\n')).toContain('this replica leads');
    const secret = bed.kubectl(
      'pair',
      '-n',
      'fairway-agent',
      'get',
      'secret',
      'fairway-agent-identity',
      '-o',
      'json',
    ).stdout;
    const identity = Buffer.from(
      (JSON.parse(secret) as { data: Record<string, string> }).data['identity.json'] ?? '',
      'base64',
    ).toString();
    const { cacheKey, privateKeyPem } = JSON.parse(identity) as { cacheKey: string; privateKeyPem: string };
    for (const hidden of [cacheKey, privateKeyPem.split('\n')[1] ?? '', bed.plane('pair').token])
      expect([hidden.length > 20, text.includes(hidden)]).toEqual([true, false]);
    const audited = await bed.api().events('types=audit.query&cluster=pair');
    expect(audited.map(({ message }) => message)).toContain('Asked the agent of pair for diagnostics.');
  }, 120_000);
});

describe('fairway adopt --dry-run', () => {
  it('tells what would be taken, from whom and what would change, and writes nothing', async (context) => {
    if (!bed) return context.skip(skipped);
    const metadata = { name: 'taken', namespace: 'default' };
    const helm = { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': 'default' };
    const objects = [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { ...metadata, annotations: helm },
        data: { value: 'old', stale: 'x' },
      },
      { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { password: 'hunter2-of-adopt' } },
    ];
    for (const object of objects) {
      const file = join(bed.folder, 'taken.json');
      writeFileSync(file, JSON.stringify(object));
      const created = bed.kubectl('pair', 'create', '-f', file, '--field-manager=helm');
      expect(created.stderr).toBe('');
    }
    const before = ['configmap', 'secret'].map(
      (kind) => bed?.kubectl('pair', 'get', kind, 'taken', '-o', 'json').stdout,
    );
    const files = {
      'fleet/shop.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: shop }\nspec:\n  source: { path: apps/shop }\n  placement: { clusters: [pair] }\n  sync: { adoption: never }\n',
      'apps/shop/all.yaml': `${map('taken', 'new')}---\n${map('fresh', '1')}---\napiVersion: v1\nkind: Secret\nmetadata: { name: taken, namespace: default, annotations: { fairway.dev/adoption: ifNoDiff } }\nstringData: { password: tiger-of-adopt }\n`,
    };
    await bed.merge(files, 'shop');
    await bed.wait('shop to be refused', async () => {
      const placements = await bed?.api().placements();
      return placements?.some(({ application, sync }) => application === 'shop' && sync === 'Failed')
        ? true
        : undefined;
    });
    const told = fairway('adopt', '--dry-run', 'shop', 'pair');
    expect([told.code, told.stderr]).toEqual([0, '']);
    expect(told.stdout.trimEnd().split('\n')).toEqual([
      'shop in pair: 0 objects would be taken over, 0 made, 2 refused, 1 its own',
      '  ConfigMap default/taken would be refused, now of helm (shop)',
      '    it exists already, and adoption is never',
      '    /data/value "old" -> "new"',
      '    /data/stale "x" goes',
      '    /metadata/annotations/meta.helm.sh~1release-name "shop" goes',
      '    /metadata/annotations/meta.helm.sh~1release-namespace "default" goes',
      '    .data.value: conflict with "helm" using v1',
      '  Secret default/taken would be refused, now of helm',
      '    it exists already and differs, and adoption is ifNoDiff',
      '    /metadata/annotations/fairway.dev~1adoption changes',
      '    /data/password changes',
      '    /type changes',
      '    .data.password: conflict with "helm" using v1',
    ]);
    const json = fairway('adopt', 'shop', '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject([
      { cluster: 'pair', application: 'shop', truncated: false },
    ]);
    for (const hidden of ['hunter2-of-adopt', 'tiger-of-adopt'])
      for (const text of [hidden, Buffer.from(hidden).toString('base64')])
        expect(json.stdout + told.stdout).not.toContain(text);
    expect(fairway('adopt', 'shop', 'none').code).toBe(3);
    expect(before).toEqual(
      ['configmap', 'secret'].map((kind) => bed?.kubectl('pair', 'get', kind, 'taken', '-o', 'json').stdout),
    );
  }, 120_000);
});
