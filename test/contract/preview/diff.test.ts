/** `fairway diff`, through the API of a whole hub over a real Git server, and without a hub over a repository on disk. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFleetRepository, type FleetRepository } from '../../../hub/cli/demo/fleet-repository.ts';
import { createGitServer, type GitServer } from '../../../hub/cli/demo/git-server.ts';
import type { RunningHub } from '../../../hub/main.ts';
import type { DiffReport } from '../../../hub/preview/report.ts';
import { runFairway } from '../run-fairway.ts';
import { askHub, startWholeHub } from '../whole-hub.ts';

const cluster = (name: string, region: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: {name: ${name}, labels: {tier: prod}}\nspec: {region: ${region}}\n`;

const application = `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: {name: web}
spec:
  source: {path: apps/web, overlays: ['overlays/{{cluster.region}}', base]}
  placement: {selector: {matchLabels: {tier: prod}}}
  rollout: {strategy: all-at-once}
`;

const files = {
  'fleet/clusters.yaml': ['eu-1', 'eu-2', 'us-1']
    .map((name) => cluster(name, name.slice(0, 2)))
    .join('---\n'),
  'fleet/web.yaml': application,
  'apps/web/base/kustomization.yaml':
    'namespace: shop\nresources: [web.yaml]\nconfigMapGenerator: [{name: settings, literals: [mode=calm]}]\nsecretGenerator: [{name: login, literals: [password=hunter2]}]\n',
  'apps/web/base/web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: side, image: 'side:1'}
        - {name: web, image: 'web:1', envFrom: [{configMapRef: {name: settings}}]}
`,
  'apps/web/overlays/us/kustomization.yaml': 'resources: [../../base]\nreplicas: [{name: web, count: 5}]\n',
};

let folder: string;
let repository: FleetRepository;
let server: GitServer;
let hub: RunningHub;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-preview-'));
  repository = await createFleetRepository({
    workTree: join(folder, 'work'),
    bare: join(folder, 'served', 'fleet.git'),
  });
  await repository.commit(files, { message: 'one' });
  await repository.push();
  server = await createGitServer({ root: join(folder, 'served') });
  hub = await startWholeHub(folder, server.url('fleet.git'));
  await vi.waitFor(
    async () => {
      const { items } = (await ask('/api/v1/assignments')) as { items: readonly unknown[] };
      expect(items).toHaveLength(3);
    },
    { timeout: 20_000, interval: 100 },
  );
});

afterAll(async () => {
  await hub.stop();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const ask = (path: string) => askHub(hub, path);

const fairway = (...args: readonly string[]) =>
  runFairway(args, {
    ...{ home: folder, cwd: repository.workTree, fetch: globalThis.fetch },
    env: { FAIRWAY_SERVER: hub.addresses.api, FAIRWAY_TOKEN: hub.firstToken ?? '' },
  });

/** A branch off main with one commit, pushed; main is checked out again after it. */
async function branch(name: string, changes: Readonly<Record<string, string | null>>): Promise<string> {
  await repository.git('checkout', '--quiet', '-b', name, 'main');
  const sha = await repository.commit(changes, { message: name });
  await repository.push(name);
  await repository.git('checkout', '--quiet', 'main');
  return sha;
}

const replaced = (file: keyof typeof files, from: string, to: string) => ({
  [file]: files[file].replace(from, to),
});

describe('fairway diff through a hub', () => {
  it('finds nothing between what runs and what it runs from', async () => {
    const { code, out, err } = await fairway('diff', 'main');
    expect(err).toBe('');
    expect(out).toMatch(/^running \.\. main \([0-9a-f]{7}\) {2}no difference\n$/);
    expect(code).toBe(0);
    expect((await fairway('diff', 'main..running')).code).toBe(0);
  });

  it('tells what a branch would change, which the hub has not seen before', async () => {
    await branch('calmer', {
      ...replaced('apps/web/base/web.yaml', 'web:1', 'web:2'),
      ...replaced('apps/web/base/kustomization.yaml', 'mode=calm', 'mode=loud'),
    });
    const { code, out } = await fairway('diff', 'calmer');
    expect(code).toBe(1);
    expect(out).toMatch(/1 application differs in 3 clusters; objects: 6 changed\n/);
    expect(out).toMatch(
      /~ ConfigMap shop\/settings-\w+ \(was settings-\w+\)\n {4}same 1 field in eu-1, eu-2, us-1\n {6}\/data\/mode: "calm" -> "loud"\n/,
    );
    expect(out).toContain('/spec/template/spec/containers/[name=web]/image: "web:1" -> "web:2"\n');
    expect(await ask('/api/v1/assignments')).toMatchObject({
      items: [{ generation: 1 }, { generation: 1 }, { generation: 1 }],
    });
  });

  it('masks Secrets in every form', async () => {
    await branch('secret', replaced('apps/web/base/kustomization.yaml', 'hunter2', 'swordfish'));
    for (const format of ['text', 'json', 'markdown']) {
      const { code, out } = await fairway('diff', 'main..secret', '-o', format);
      expect(code).toBe(1);
      expect(out).toContain('/data/password');
      for (const value of ['hunter2', 'swordfish'])
        for (const spelled of [value, Buffer.from(value).toString('base64')])
          expect(out).not.toContain(spelled);
    }
  });

  it('tells of one cluster apart, of placements, and by commit, branch and ancestor', async () => {
    const sha = await branch('move', {
      ...replaced('apps/web/overlays/us/kustomization.yaml', 'count: 5', 'count: 6'),
      'fleet/clusters.yaml': ['eu-1', 'us-1', 'ap-1']
        .map((name) => cluster(name, name.slice(0, 2)))
        .join('---\n'),
    });
    for (const range of ['main..move', `main..${sha}`, `move~1..${sha.slice(0, 40)}`, `move^..move`]) {
      const { out } = await fairway('diff', range, '-o', 'json');
      const report = JSON.parse(out) as DiffReport;
      expect(report.to.commit).toBe(sha);
      expect(report.applications[0]).toMatchObject({
        placed: { names: ['ap-1'] },
        withdrawn: { names: ['eu-2'] },
      });
    }
    const one = await fairway('diff', 'main..move', '--cluster', 'us-1');
    expect(one.out).toContain('1 field in us-1\n      /spec/replicas: 5 -> 6\n');
    expect(one.out).not.toContain('eu-2');
    for (const [flag, kind] of [
      ['--application', 'Application'],
      ['--cluster', 'Cluster'],
    ] as const) {
      const slip = await fairway('diff', 'main..move', flag, 'webb');
      expect([slip.code, slip.err]).toEqual([2, `fairway: There is no ${kind} webb on either side.\n`]);
    }
    const main = (await repository.git('rev-parse', 'main')).trim();
    expect((await fairway('diff', `${main.slice(0, 8)}..main`)).code).toBe(0);
  });

  it('names the problem of a branch that cannot be rendered, and of a conflict', async () => {
    await branch('broken', { 'apps/web/overlays/us/kustomization.yaml': 'resources: [../../nothing]\n' });
    const broken = await fairway('diff', 'broken');
    expect(broken.code).toBe(1);
    expect(broken.out).toMatch(/after: web in us-1: apps\/web\/overlays\/us\/kustomization\.yaml:1/);
    await branch('claims', { 'fleet/twin.yaml': application.replace('name: web', 'name: twin') });
    const claims = await fairway('diff', 'claims', '--application', 'twin');
    expect(claims.out).toMatch(
      /after: twin in eu-1, eu-2, us-1: fleet\/twin\.yaml.*belongs to Application web/,
    );
  });

  it('reads no repository that is not followed yet', async () => {
    await branch('elsewhere', {
      'fleet/other.yaml': `apiVersion: fairway.dev/v1alpha1\nkind: Repository\nmetadata: {name: other}\nspec: {url: '${server.url('fleet.git')}x'}\n---\n${application.replace('name: web', 'name: two').replace('path:', 'repository: other, path:')}`,
    });
    expect((await fairway('diff', 'elsewhere')).out).toContain('Repository other is not followed yet');
  });

  it('ends with 2 for an error', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['nowhere', /there is no branch, tag or commit nowhere/],
      ['main..', /is not FROM\.\.TO/],
      ['a...b', /merge base/],
      ['main~99', /beyond the first commit/],
    ];
    for (const [range, message] of cases) {
      const { code, out, err } = await fairway('diff', range);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(message);
    }
  });
});

describe('fairway diff on disk', () => {
  it('compares commits, and what is not committed yet', async () => {
    expect((await fairway('diff', '--path', '.')).code).toBe(0);
    const commits = await fairway('diff', '--path', '.', 'main..calmer', '--cluster', 'eu-1');
    expect(commits.out).toContain('"web:1" -> "web:2"');
    await repository.git('update-ref', 'refs/remotes/origin/main', 'main');
    const remote = await fairway('diff', '--path', '.', 'origin/main..calmer', '-o', 'json');
    expect([remote.err, (JSON.parse(remote.out) as DiffReport).summary.changed]).toEqual(['', 6]);
    const file = join(repository.workTree, 'apps/web/base/web.yaml');
    await writeFile(file, files['apps/web/base/web.yaml'].replace('replicas: 2', 'replicas: 4'));
    const { code, out } = await fairway('diff', '--path', 'apps', '-o', 'markdown');
    expect(code).toBe(1);
    expect(out).toContain('@@ /spec/replicas @@\n- 2\n+ 4\n');
    await writeFile(file, files['apps/web/base/web.yaml']);
    expect((await fairway('diff', '--path', folder)).code).toBe(2);
  });
});

describe('fairway render --rev, asked of the hub', () => {
  it('renders one application of a revision, for one cluster', async () => {
    const now = await fairway('render', '--application', 'web', '--cluster', 'eu-1');
    await branch('scaled', {
      'apps/web/base/kustomization.yaml': `${files['apps/web/base/kustomization.yaml']}replicas: [{name: web, count: 7}]\n`,
    });
    const then = await fairway('render', '--application', 'web', '--cluster', 'eu-1', '--rev', 'scaled');
    expect(then.err).toBe('');
    expect(then.out).toBe(now.out.replace('replicas: 2', 'replicas: 7'));
    expect(then.out).not.toContain('hunter2');
    expect((await fairway('render', '--application', 'web', '--cluster', 'eu-1', '--rev', 'main')).out).toBe(
      now.out,
    );
    const nowhere = await fairway('render', '--application', 'web', '--cluster', 'eu-9', '--rev', 'scaled');
    expect(nowhere.err).toContain('There is no Cluster eu-9');
    await branch('unrendered', { 'apps/web/base/kustomization.yaml': 'resources: [none.yaml]\n' });
    const broken = await fairway(
      'render',
      '--application',
      'web',
      '--cluster',
      'eu-1',
      '--rev',
      'unrendered',
    );
    expect(broken.err).toContain('apps/web/base/kustomization.yaml:1');
  });
});
