/** Parity end to end: a hub, two real control planes with an agent each, and each class of difference made by hand. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiObject } from '../../hub/api/schemas/object.ts';
import type { ApiDifference, ApiParity } from '../../hub/api/schemas/parity.ts';
import { readMessages } from '../../hub/cli/follow-events.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';
import { placesOf, readKept } from './kept-texts.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const cluster = (name: string, region: string, role: string) =>
  `${head}kind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${region}, role: ${role} }\n`;
const application = `${head}kind: Application
metadata: { name: web, labels: { dr: "yes" } }
spec:
  source: { path: apps/web, overlays: ["overlays/{{cluster.region}}"] }
  placement: { clusters: [eu-1, eu-2] }
  sync: { selfHeal: report }
  rollout: { strategy: all-at-once }
`;
const group = (more = '') => `${head}kind: ParityGroup
metadata: { name: eu }
spec:
  primary: eu-1
  standbys: { clusters: [eu-2] }
  applications: { selector: { matchLabels: { dr: "yes" } } }
  owner: team-dr
  variables: { region: "{{cluster.region}}" }
${more}`;
const declared = (field: string) => `  expectations:
    - name: smaller
      owner: team-web
      reason: the standby takes less
      match: { kinds: [ConfigMap], names: [settings] }
      rule:
        paths: [/data/${field}]
        holds: int(standby.data.${field}) <= int(primary.data.${field})
    - name: disks
      owner: team-disks
      reason: the standby has no fast disks yet
      match: { kinds: [Environment] }
      fields: { paths: [/environment/storageClasses/fast] }
`;
const map = (name: string, data: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\ndata: { ${data} }\n`;
const overlay = (size: number, host: string, more = '') =>
  `resources: [../../base]
patches:
  - patch: |-
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: settings, namespace: default }
      data: { size: "${size}", host: "db.${host}.example.com"${more} }
`;
/** So long that it would be packed, were it in the store as what is no Secret is. */
const long = 'grow '.repeat(1_000);
const files = {
  'fleet/clusters.yaml': `${cluster('eu-1', 'north', 'primary')}---\n${cluster('eu-2', 'south', 'standby')}`,
  'fleet/web.yaml': application,
  'fleet/eu.yaml': group(declared('size')),
  'apps/web/base/kustomization.yaml': 'resources: [maps.yaml, secret.yaml, long.yaml]\n',
  'apps/web/base/long.yaml': map('long', `seen: plain-to-see, long: "${long}"`),
  'apps/web/base/maps.yaml': `${map('settings', 'mode: calm')}---\n${map('other', 'value: one')}`,
  'apps/web/base/secret.yaml': `apiVersion: v1\nkind: Secret\nmetadata: { name: key, namespace: default }\nstringData: { token: hush-hush-token, long: "${long}" }\n`,
  'apps/web/overlays/north/kustomization.yaml': overlay(8, 'north'),
  'apps/web/overlays/south/kustomization.yaml': overlay(2, 'south'),
};

const idle = `apiVersion: apps/v1
kind: Deployment
metadata: { name: idle, namespace: default }
spec:
  replicas: 1
  selector: { matchLabels: { app: idle } }
  template:
    metadata: { labels: { app: idle } }
    spec: { containers: [{ name: idle, image: example.com/idle }] }
`;
const wellStatus = {
  ...{ observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
  conditions: [
    { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
    { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
  ],
};

/** A StorageClass that one of the clusters has. */
function writeClass(folder: string): string {
  const path = join(folder, 'class.yaml');
  const text = 'apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: { name: fast }\n';
  writeFileSync(path, `${text}provisioner: example.com/disk\n`);
  return path;
}

let bed: FleetBed | undefined;
const need = (): FleetBed => {
  if (!bed) throw new Error('there is no bed');
  return bed;
};
const parity = () => need().api().get<ApiParity>('/api/v1/parity/eu');
const differences = async () =>
  (await need().api().get<{ items: ApiDifference[] }>('/api/v1/parity/eu/differences')).items;
const told = (items: readonly ApiDifference[]) =>
  items
    .filter(({ path }) => !path.startsWith('/environment/'))
    .map((one) => `${one.class} ${one.path} ${one.side}`)
    .sort();
/** Waits until exactly these are told. */
const reached = async (what: string, expected: readonly string[]) => {
  let last: readonly string[] = [];
  return need()
    .wait(what, async () => {
      const items = await differences().catch(() => []);
      last = told(items);
      return JSON.stringify(last) === JSON.stringify([...expected].sort()) ? items : undefined;
    })
    .catch((error: unknown) => {
      throw new Error(`${String(error)}\nlast told: ${last.join(', ')}`);
    });
};

/** From the moment that the agent's report is in the store. */
const toldWithinMs = 2_000;
const rowsOf = async (name: string) =>
  (await need().api().get<{ items: ApiObject[] }>(`/api/v1/objects?cluster=${name}`)).items;
const digestIn = async (name: string, object: string) =>
  (await rowsOf(name)).find(({ key }) => key.name === object)?.objectDigest;

/** What is told once the report is there that it follows from; it has to be told within two seconds of that. */
const followsReport = async <T>(
  what: string,
  from: string,
  isReported: (rows: readonly ApiObject[]) => boolean,
  read: () => Promise<T | undefined>,
): Promise<T> => {
  let reportedAtMs: number | undefined;
  const found = await need().wait(what, async () => {
    if (reportedAtMs === undefined && isReported(await rowsOf(from))) reportedAtMs = Date.now();
    return reportedAtMs === undefined ? undefined : read();
  });
  const lateMs = Date.now() - (reportedAtMs ?? Number.NEGATIVE_INFINITY);
  expect(lateMs, `${what}: told ${lateMs} ms after its report`).toBeLessThanOrEqual(toldWithinMs);
  return found;
};
const findTold = (part: Partial<ApiDifference>) => async () =>
  (await differences()).find((one) =>
    Object.entries(part).every(([name, value]) => one[name as keyof ApiDifference] === value),
  );

/** Verdicts as the event stream tells them from now on. */
const listen = async () => {
  const abort = new AbortController();
  const { api, token } = need().addresses();
  const response = await fetch(`${api}/api/v1/events/stream?types=parity.changed`, {
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  });
  const messages = readMessages(response);
  return {
    async next(): Promise<string> {
      const { value } = await messages.next();
      const { data } = JSON.parse(value?.data ?? '{}') as { data?: { group: string; verdict: string } };
      return `${data?.group} ${data?.verdict}`;
    },
    end: () => abort.abort(),
  };
};

beforeAll(async () => {
  bed = await createFleetBed({ clusters: ['eu-1', 'eu-2'], files });
  if (!bed) return;
  bed.kubectl('eu-1', 'apply', '-f', writeClass(bed.folder));
  await bed.startHub();
  for (const name of ['eu-1', 'eu-2']) await bed.startAgent(name);
}, 240_000);

afterAll(() => bed?.close());

describe('parity of two clusters', { timeout: 120_000 }, () => {
  it('is Ready where the only difference is declared and each speaks of its own region', async (context) => {
    if (!bed) return context.skip();
    const items = await reached('the declared difference alone', ['declared /data/size both']);
    const size = items.find(({ path }) => path === '/data/size');
    expect(size).toMatchObject({ owner: 'team-web', primaryValue: '"8"', standbyValue: '"2"' });
    const disks = await bed.wait('the facts of both clusters', async () =>
      (await differences()).find(({ path }) => path === '/environment/storageClasses/fast'),
    );
    expect(disks).toMatchObject({ class: 'declared', owner: 'team-disks', standbyValue: null });
    expect(await parity()).toMatchObject({ verdict: 'Ready', whole: true, score: 100 });
  });

  it('tells a difference that nobody declared, with the file, line and author of each side', async (context) => {
    if (!bed) return context.skip();
    const file = 'apps/web/overlays/south/kustomization.yaml';
    const before = await digestIn('eu-2', 'settings');
    await bed.merge({ [file]: overlay(2, 'south', ', mode: brisk') }, 'another mode in the south');
    const explained = await followsReport(
      'the overlay, and who wrote it',
      'eu-2',
      (rows) => rows.some(({ key, objectDigest }) => key.name === 'settings' && objectDigest !== before),
      findTold({ class: 'overlay', path: '/data/mode', owner: 'Grace Lim <grace@example.com>' }),
    );
    await reached('the overlay', ['declared /data/size both', 'overlay /data/mode both']);
    expect(explained).toMatchObject({
      standbySource: { file, author: 'Grace Lim <grace@example.com>' },
      primarySource: { file: 'apps/web/base/maps.yaml', author: 'Ada Park <ada@example.com>' },
      owner: 'Grace Lim <grace@example.com>',
    });
    expect(explained.standbySource?.line).toBeGreaterThan(1);
    expect(await parity()).toMatchObject({ verdict: 'Degraded', whole: false });
    await bed.merge({ [file]: overlay(2, 'south') }, 'the same mode again');
    await reached('the end of it', ['declared /data/size both']);
  });

  it('tells a difference that somebody declares with whoever answers for it', async (context) => {
    if (!bed) return context.skip();
    const file = 'apps/web/overlays/south/kustomization.yaml';
    const before = await digestIn('eu-2', 'settings');
    const expectation = `    - name: mode
      owner: team-mode
      reason: the south works otherwise
      match: { kinds: [ConfigMap], names: [settings] }
      fields: { paths: [/data/mode] }
`;
    await bed.merge(
      {
        [file]: overlay(2, 'south', ', mode: brisk'),
        'fleet/eu.yaml': group(declared('size') + expectation),
      },
      'another mode in the south, as declared',
    );
    const found = await followsReport(
      'the declared difference',
      'eu-2',
      (rows) => rows.some(({ key, objectDigest }) => key.name === 'settings' && objectDigest !== before),
      findTold({ class: 'declared', path: '/data/mode', owner: 'team-mode' }),
    );
    expect(found).toMatchObject({ expectation: 'mode', primaryValue: '"calm"', standbyValue: '"brisk"' });
    await reached('both declared', ['declared /data/mode both', 'declared /data/size both']);
    expect(await parity()).toMatchObject({ verdict: 'Ready', whole: true });
    await bed.merge(
      { [file]: overlay(2, 'south'), 'fleet/eu.yaml': files['fleet/eu.yaml'] },
      'the same mode again',
    );
    await reached('the end of it', ['declared /data/size both']);
  });

  it('tells a change by hand with its manager, and whoever listens that the verdict is another', async (context) => {
    if (!bed) return context.skip();
    const verdicts = await listen();
    const changedAtMs = Date.now();
    const patch = ['--type=merge', '-p', '{"data":{"value":"by hand"}}'];
    bed.kubectl('eu-2', 'patch', 'configmap', 'other', '--field-manager=night-shift', ...patch);
    await followsReport(
      'the drift, and its manager',
      'eu-2',
      (rows) => rows.some(({ key, drift }) => key.name === 'other' && drift?.healedAt === null),
      findTold({ class: 'drift', path: '/data/value', side: 'standby', owner: 'night-shift' }),
    );
    const items = await reached('the drift', ['declared /data/size both', 'drift /data/value standby']);
    expect(items.find(({ path }) => path === '/data/value')).toMatchObject({
      ...{ owner: 'night-shift', primaryValue: '"one"', standbyValue: '"by hand"' },
    });
    // Kubernetes counts whole seconds.
    const since = Date.parse(items.find(({ path }) => path === '/data/value')?.since ?? '');
    expect(since).toBeGreaterThan(changedAtMs - 1_000);
    expect(since).toBeLessThanOrEqual(Date.now());
    expect(await verdicts.next()).toBe('eu Degraded');
    const back = ['--type=merge', '-p', '{"data":{"value":"one"}}'];
    bed.kubectl('eu-2', 'patch', 'configmap', 'other', '--field-manager=night-shift', ...back);
    await reached('the end of it', ['declared /data/size both']);
    expect(await verdicts.next()).toBe('eu Ready');
    verdicts.end();
  });

  it('tells what the standby lacks and what it has besides, until Git wants both alike', async (context) => {
    if (!bed) return context.skip();
    const south = 'apps/web/overlays/south';
    const without = `  - patch: |-
      $patch: delete
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: other, namespace: default }
`;
    const text = overlay(2, 'south').replace('[../../base]', '[../../base, more.yaml]') + without;
    await bed.merge(
      { [`${south}/kustomization.yaml`]: text, [`${south}/more.yaml`]: map('more', 'value: one') },
      'one map less and one more in the south',
    );
    await followsReport(
      'what the standby has besides',
      'eu-2',
      (rows) => rows.some(({ key, sync }) => key.name === 'more' && sync === 'Synced'),
      findTold({ class: 'extra', path: '', owner: 'team-dr' }),
    );
    await followsReport(
      'what the standby lacks',
      'eu-2',
      (rows) => !rows.some(({ key }) => key.name === 'other'),
      findTold({ class: 'missing', path: '', owner: 'team-dr' }),
    );
    const items = await reached('both', ['declared /data/size both', 'extra  both', 'missing  both']);
    expect(items.find((one) => one.class === 'missing')).toMatchObject({
      ...{ primaryKey: { name: 'other' }, standbyKey: null, severity: 'critical' },
    });
    const sourced = await bed.wait('where the object comes from', async () =>
      (await differences()).find((one) => one.class === 'extra' && one.standbySource),
    );
    expect(sourced).toMatchObject({ standbySource: { file: `${south}/more.yaml` }, primarySource: null });
    expect(items.find((one) => one.class === 'extra')).toMatchObject({
      ...{ primaryKey: null, standbyKey: { name: 'more' }, severity: 'warning' },
    });
    expect(await parity()).toMatchObject({ verdict: 'NotReady', whole: false });
    await bed.merge({ [`${south}/kustomization.yaml`]: overlay(2, 'south') }, 'both alike again');
    await reached('the end of it', ['declared /data/size both']);
  });

  it('tells an object that is unwell in the standby', async (context) => {
    if (!bed) return context.skip();
    const base = 'apps/web/base';
    await bed.merge(
      {
        [`${base}/kustomization.yaml`]: 'resources: [maps.yaml, secret.yaml, long.yaml, idle.yaml]\n',
        [`${base}/idle.yaml`]: idle,
      },
      'something that has to become healthy',
    );
    const both = ['declared /data/size both', 'unhealthy  primary', 'unhealthy  standby'];
    await followsReport(
      'what is unwell',
      'eu-2',
      (rows) => rows.some(({ key, health }) => key.name === 'idle' && health === 'InProgress'),
      findTold({ class: 'unhealthy', side: 'standby', owner: 'team-dr' }),
    );
    await reached('both on their way', both);
    // There are no nodes: what a controller would say, somebody says by hand.
    const well = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status: wellStatus })];
    bed.kubectl('eu-1', 'patch', 'deployment', 'idle', ...well);
    const items = await reached('the standby alone', ['declared /data/size both', 'unhealthy  standby']);
    expect(items.find((one) => one.class === 'unhealthy')).toMatchObject({
      ...{ standbyKey: { name: 'idle' }, severity: 'warning', action: 'fairway status eu-2' },
    });
    expect(await parity()).toMatchObject({ verdict: 'Degraded', whole: false });
    bed.kubectl('eu-2', 'patch', 'deployment', 'idle', ...well);
    await reached('both well', ['declared /data/size both']);
    await bed.merge(
      { [`${base}/kustomization.yaml`]: files['apps/web/base/kustomization.yaml'] },
      'and no more',
    );
    await reached('the end of it', ['declared /data/size both']);
  });

  it('tells a standby that is behind, until it has caught up, and what became stale', async (context) => {
    if (!bed) return context.skip();
    const pause = { cluster: 'eu-2', durationSeconds: 600, reason: 'the test' };
    await bed.api().post('/api/v1/pause', pause);
    const before = { one: await digestIn('eu-1', 'other'), two: await digestIn('eu-2', 'settings') };
    await bed.merge(
      {
        'apps/web/base/maps.yaml': `${map('settings', 'mode: calm')}---\n${map('other', 'value: two')}`,
        'apps/web/overlays/south/kustomization.yaml': overlay(8, 'south'),
      },
      'a second value, and as much for the south',
    );
    await followsReport(
      'the standby to be behind',
      'eu-1',
      (rows) => rows.some(({ key, objectDigest }) => key.name === 'other' && objectDigest !== before.one),
      findTold({ class: 'lagging', side: 'standby', path: '/data/value', owner: 'team-dr' }),
    );
    const behind = await differences();
    expect(behind.every((one) => one.class === 'lagging' || one.class === 'declared')).toBe(true);
    await bed.api().post('/api/v1/resume', { cluster: 'eu-2' });
    const stale = await followsReport(
      'the expectation to be stale',
      'eu-2',
      (rows) => rows.some(({ key, objectDigest }) => key.name === 'settings' && objectDigest !== before.two),
      async () => {
        const found = await parity();
        return found.expectations[0]?.state === 'stale' ? found : undefined;
      },
    );
    await reached('parity', []);
    expect(stale).toMatchObject({ verdict: 'Ready', whole: true });
    expect(stale.expectations.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'smaller stale',
      'disks active',
    ]);
  });

  it('keeps a time line, tells of changes, and no value of a Secret', async (context) => {
    if (!bed) return context.skip();
    const line = await bed.api().get<{ items: { message: string }[] }>('/api/v1/parity/eu/timeline');
    expect(line.items.map(({ message }) => message)).toContain('Ready -> Degraded: 2 declared, 1 drift');
    const events = await bed.api().get<{ items: unknown[] }>('/api/v1/events?types=parity.changed');
    expect(events.items.length).toBeGreaterThan(3);
    const told = JSON.stringify([await parity(), await differences(), events, line]);
    const kept = [{ where: 'answers', text: told }, ...readKept(bed)];
    const token = 'hush-hush-token';
    expect(placesOf(kept, [token, Buffer.from(token).toString('base64')])).toEqual([]);
    // What is no secret is found, though it is packed.
    expect(placesOf(kept, ['plain-to-see'])).toContain('blobs.content');
  });
});
