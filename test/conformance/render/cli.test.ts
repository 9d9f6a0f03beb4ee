/** `fairway render --path` against the real `kustomize build` with the same flags, over the same folders on disk. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGit } from '../../../hub/cli/demo/git-program.ts';
import { createGitServer, type GitServer } from '../../../hub/cli/demo/git-server.ts';
import { ensureBinary } from '../../cluster/binaries.ts';
import { runFairway } from '../../contract/run-fairway.ts';
import { documentsOf } from './compare.ts';

const program = process.env['FAIRWAY_KUSTOMIZE_BINARY'] ?? (await ensureBinary('kustomize'));
const helm = process.env['FAIRWAY_HELM_BINARY'] ?? (await ensureBinary('helm'));

const map = (name: string, data = 'a: b') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {${data}}\n`;
const several = `${map('z')}---\n${map('a')}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n`;
const files: Readonly<Record<string, string>> = {
  'plain/kustomization.yaml': 'resources: [several.yaml]\n',
  'plain/several.yaml': several,
  'sorted/kustomization.yaml': 'resources: [several.yaml]\nsortOptions: {order: fifo}\n',
  'sorted/several.yaml': several,
  'legacy/kustomization.yaml':
    'resources: [several.yaml]\nsortOptions: {order: legacy, legacySortOptions: {orderFirst: [Service]}}\n',
  'legacy/several.yaml': several,
  'over/kustomization.yaml': 'resources: [../sorted]\n',
  'outside/kustomization.yaml':
    'resources: [../shared.yaml]\nconfigMapGenerator: [{name: made, files: [../shared.txt], envs: [../shared.env]}]\npatches: [{path: ../patch.yaml}]\n',
  'shared.yaml': map('shared'),
  'shared.txt': 'text\n',
  'shared.env': 'A=b\n',
  'patch.yaml': map('shared', 'c: d'),
  'missing/kustomization.yaml': 'resources: [../none.yaml]\n',
  'chart/kustomization.yaml': 'helmCharts: [{name: web, releaseName: rel}]\n',
  'chart/charts/web/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
  'chart/charts/web/values.yaml': 'a: b\n',
  'chart/charts/web/templates/map.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {a: {{ .Values.a }}}\n',
  'secret/kustomization.yaml': 'secretGenerator: [{name: s, literals: [a=b]}]\n',
  'linked/kustomization.yaml': 'resources: [link.yaml]\n',
};

/** A folder and flags. */
const runs: readonly (readonly string[])[] = [
  ['plain'],
  ['plain', '--reorder', 'legacy'],
  ['plain', '--reorder', 'none'],
  ['plain', '--reorder', 'fifo'],
  ['sorted'],
  ['sorted', '--reorder', 'legacy'],
  ['legacy', '--reorder', 'none'],
  ['over', '--reorder', 'none'],
  ['outside'],
  ['outside', '--load-restrictor', 'LoadRestrictionsRootOnly'],
  ['outside', '--load-restrictor', 'LoadRestrictionsNone'],
  ['outside', '--load-restrictor', 'LoadRestrictionsSome'],
  ['missing', '--load-restrictor', 'LoadRestrictionsNone'],
  ['linked'],
  ['linked', '--load-restrictor', 'LoadRestrictionsNone'],
  ['chart'],
  ['chart', '--enable-helm'],
  ['secret'],
];

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe.skipIf(program === undefined || helm === undefined)('fairway render --path', () => {
  let folder = '';
  let server: GitServer;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fairway-cli-'));
    env = { ...process.env, PATH: `${dirname(helm!)}${delimiter}${process.env['PATH']}` };
    write('work', files);
    symlinkSync('../shared.yaml', join(folder, 'work/linked/link.yaml'));
    const git = (...args: string[]) => runGit(args, { cwd: join(folder, 'work') });
    await git('init', '--quiet', '--initial-branch=main');
    await git('add', '-A');
    await git('-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '-m', 'first');
    await runGit(['clone', '--quiet', '--bare', join(folder, 'work'), join(folder, 'served/work.git')]);
    server = await createGitServer({ root: join(folder, 'served') });
  }, 60_000);
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function write(top: string, contents: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(contents)) {
      mkdirSync(dirname(join(folder, top, path)), { recursive: true });
      writeFileSync(join(folder, top, path), text);
    }
  }

  const fairway = (...args: readonly string[]): Promise<Ran> =>
    runFairway(['render', ...args], { home: folder, cwd: join(folder, 'work'), env });

  const kustomize = (...args: readonly string[]): Promise<Ran> =>
    new Promise((resolve) => {
      execFile(program!, ['build', ...args], { cwd: join(folder, 'work'), env }, (error, out, err) =>
        resolve({ code: error === null ? 0 : 1, out, err }),
      );
    });

  it.each(runs.map((run) => [run.join(' '), run] as const))('%s', async (_, [path = '', ...flags]) => {
    const theirs = await kustomize(path, ...flags);
    const ours = await fairway('--path', path, '--show-secrets', ...flags);
    if (theirs.code !== 0)
      expect(ours, theirs.err).toMatchObject({ code: expect.not.toBeOneOf([0]), out: '' });
    else {
      expect(ours.err).toBe('');
      expect(ours.out).toBe(theirs.out);
    }
  });

  it('says what is missing where a chart or a base elsewhere is refused', async () => {
    expect((await fairway('--path', 'chart')).err).toContain('--enable-helm');
    write('work', {
      'remote/kustomization.yaml': `resources: ["${server.url('work.git')}//plain?ref=main"]\n`,
    });
    const refused = await fairway('--path', 'remote');
    expect(refused.err).toContain('remote/kustomization.yaml:1');
    expect(refused.err).toContain('--allow-remote');
  });

  it('takes a version of Kubernetes only as a Cluster states it', async () => {
    expect((await fairway('--path', 'plain', '--kubernetes', 'v1.33.2')).code).toBe(0);
    expect((await fairway('--path', 'plain', '--kubernetes', 'newest')).err).toContain(
      '--kubernetes newest: expected a version such as 1.36.3',
    );
  });

  it('fetches a base elsewhere when it may', async () => {
    write('work', {
      'remote/kustomization.yaml': `resources: ["${server.url('work.git')}//plain?ref=main"]\n`,
    });
    const ours = await fairway('--path', 'remote', '--allow-remote');
    expect(documentsOf(ours.out)).toEqual(documentsOf((await kustomize('remote')).out));
    expect(documentsOf(ours.out)).toHaveLength(4);
  });

  it('renders a revision of the repository instead of what lies on disk', async () => {
    const before = await fairway('--path', 'plain');
    write('work', { 'plain/several.yaml': map('changed') });
    expect((await fairway('--path', 'plain', '--rev', 'main')).out).toBe(before.out);
    expect(documentsOf((await fairway('--path', 'plain')).out)).toHaveLength(1);
    expect((await fairway('--path', 'plain', '--rev', 'nowhere')).err).toContain('nowhere');
    write('work', { 'plain/several.yaml': several });
  });

  it('renders a folder that only the revision has, and from a bare repository', async () => {
    const before = await fairway('--path', 'plain', '--rev', 'main');
    rmSync(join(folder, 'work/plain'), { recursive: true });
    expect(await fairway('--path', 'plain', '--rev', 'main')).toEqual(before);
    expect(await fairway('--path', '../served/work.git/plain', '--rev', 'main')).toEqual(before);
    expect((await fairway('--path', 'plain')).err).toContain('is no folder');
    expect((await fairway('--path', 'never', '--rev', 'main')).err).toContain('looked for never');
    write('work', {
      'plain/several.yaml': several,
      'plain/kustomization.yaml': 'resources: [several.yaml]\n',
    });
  });

  it('renders an Application of the fleet folder for a Cluster', async () => {
    const resource = (kind: string, name: string, spec: string) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
    write('work', {
      'fleet/eu-1.yaml': resource('Cluster', 'eu-1', '{region: eu}'),
      'fleet/web.yaml': resource(
        'Application',
        'web',
        '{source: {path: plain}, placement: {clusters: [eu-1]}}',
      ),
    });
    const ours = await fairway('--path', '.', '--application', 'web', '--cluster', 'eu-1');
    expect(documentsOf(ours.out)).toEqual(documentsOf((await kustomize('plain')).out));
    const none = await fairway('--path', '.', '--application', 'web', '--cluster', 'us-1');
    expect(none.err).toContain('is not placed on a Cluster "us-1"');
    write('work', { 'fleet/broken.yaml': resource('Cluster', 'us-1', '{regoin: eu}') });
    const broken = await fairway('--path', '.', '--application', 'web', '--cluster', 'us-1');
    expect(broken.err).toMatch(/is not placed on a Cluster "us-1"[\s\S]*fleet\/broken.yaml:4/);
    rmSync(join(folder, 'work/fleet/broken.yaml'));
    const old = await fairway('--path', '.', '--application', 'web', '--cluster', 'eu-1', '--rev', 'main');
    expect(old.err).toContain('the fleet folder is not there');
  });
});
