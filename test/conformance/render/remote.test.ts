/** Bases in other repositories against the real kustomize, which fetches them from a real Git server. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGit } from '../../../hub/cli/demo/git-program.ts';
import { createGitServer, type GitServer } from '../../../hub/cli/demo/git-server.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { createMountedTree } from '../../../hub/render/remote/mounted-tree.ts';
import { createGitSource, type GitSource } from '../../../hub/source/git-source.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { ensureBinary } from '../../cluster/binaries.ts';
import type { Case } from './cases-basic.ts';
import { documentsOf, type Outcome, renderOurs } from './compare.ts';

const program = process.env['FAIRWAY_KUSTOMIZE_BINARY'] ?? (await ensureBinary('kustomize'));

const map = (name: string, data = 'a: b') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {${data}}\n`;
const layer = (...lines: string[]) => lines.join('\n') + '\n';

/** A repository by its branches and tags; URL stands for the server. */
const library = (url: string): Readonly<Record<string, Case>> => ({
  v1: {
    'kustomization.yaml': 'resources: [top.yaml]\nnamePrefix: top-\n',
    'top.yaml': map('one'),
    'base/kustomization.yaml':
      'resources: [map.yaml]\nnamePrefix: v1-\nconfigMapGenerator: [{name: made, files: [data.txt]}]\n',
    'base/map.yaml': map('web'),
    'base/data.txt': 'text\n',
    'overlay/kustomization.yaml': 'resources: [../base]\nnamespace: shop\nlabels: [{pairs: {app: web}}]\n',
    'component/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -more\ncommonAnnotations: {by: component}\n',
    'outside/kustomization.yaml': 'resources: [../../elsewhere]\n',
    'reads/kustomization.yaml': 'configMapGenerator: [{name: made, files: [../base/data.txt]}]\n',
    'further/kustomization.yaml': `resources: ["${url}/other.git//lib?ref=main"]\nnamePrefix: further-\n`,
    'back/kustomization.yaml': `resources: ["${url}/library.git//back?ref=v1"]\n`,
    'above/inner/kustomization.yaml': `resources: ["${url}/library.git//above?ref=v1"]\nnameSuffix: -inner\n`,
    'above/kustomization.yaml': 'resources: [map.yaml]\n',
    'above/map.yaml': map('above'),
    'named/kustomization.yaml': `resources: [map.yaml, "${url}/library.git?ref=v1"]\n`,
    'named/map.yaml': map('named'),
    'round/kustomization.yaml': `resources: ["${url}/library.git//round/there?ref=v1"]\n`,
    'round/there/kustomization.yaml': `resources: ["${url}/library.git//round?ref=v1"]\n`,
    'empty/readme.md': 'nothing\n',
    'file.txt': 'a file\n',
  },
  main: {
    'base/kustomization.yaml': 'resources: [map.yaml]\nnamePrefix: main-\n',
    'base/map.yaml': map('web', 'c: d'),
    'with/kustomization.yaml': `resources: ["../base", "${url}/library.git//base?ref=v1"]\n`,
  },
});
const other = (url: string): Readonly<Record<string, Case>> => ({
  main: {
    'lib/kustomization.yaml': 'resources: [map.yaml]\n',
    'lib/map.yaml': map('lib'),
    'loop/kustomization.yaml': `resources: ["${url}/library.git//loop?ref=v1"]\n`,
  },
});

const app = (...lines: string[]): Case => ({ 'app/kustomization.yaml': layer(...lines) });
const base = (url: string, ...lines: string[]) => app('resources:', `- ${JSON.stringify(url)}`, ...lines);

const cases = (url: string): Readonly<Record<string, Case>> => ({
  'a tag': base(`${url}/library.git//base?ref=v1`),
  'a branch': base(`${url}/library.git//base?ref=main`),
  'the default branch': base(`${url}/library.git//base`),
  'a full name of a ref': base(`${url}/library.git//base?ref=refs/tags/v1`),
  'a name of a ref below refs': base(`${url}/library.git//base?ref=tags/v1`),
  'a version, a timeout and no submodules': base(
    `${url}/library.git//base?version=v1&timeout=20&submodules=false`,
  ),
  'the top of a repository': base(`${url}/library.git?ref=v1`),
  'a path after .git': base(`${url}/library.git/base?ref=v1`),
  'a path with dots': base(`${url}/library.git//overlay/../base?ref=v1`),
  'a base within it': base(`${url}/library.git//overlay?ref=v1`, 'namePrefix: app-'),
  'patches, images and labels over it': base(
    `${url}/library.git//overlay?ref=v1`,
    'patches: [{patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: v1-web}, data: {a: patched}}"}]',
    'commonLabels: {l: v}',
  ),
  'two refs of one repository': app(
    'resources:',
    `- ${url}/library.git//base?ref=v1`,
    `- ${url}/library.git//base?ref=main`,
  ),
  'the same twice': app(
    'resources:',
    `- ${url}/library.git//base?ref=v1`,
    `- ${url}/library.git/base?ref=v1`,
  ),
  'a component': {
    ...app('resources: [map.yaml]', `components: ["${url}/library.git//component?ref=v1"]`),
    'app/map.yaml': map('own'),
  },
  'a component as a base': base(`${url}/library.git//component?ref=v1`),
  'a base as a component': app(`components: ["${url}/library.git//base?ref=v1"]`),
  'the old field': app(`bases: ["${url}/library.git//base?ref=v1"]`),
  'a base that has a base in another repository': base(`${url}/library.git//further?ref=v1`),
  'another ref of itself': base(`${url}/library.git//with?ref=main`),
  'a folder above, fetched again': base(`${url}/library.git//above/inner?ref=v1`),
  'an address that begins its own': base(`${url}/library.git//named?ref=v1`),
  itself: base(`${url}/library.git//back?ref=v1`),
  'two that lead to one another': base(`${url}/library.git//round?ref=v1`),
  'a path out of the repository': base(`${url}/library.git//outside?ref=v1`),
  'a file beside its folder': base(`${url}/library.git//reads?ref=v1`),
  'no such folder': base(`${url}/library.git//missing?ref=v1`),
  'a folder without a kustomization': base(`${url}/library.git//empty?ref=v1`),
  'a file': base(`${url}/library.git//file.txt?ref=v1`),
  'no such ref': base(`${url}/library.git//base?ref=v9`),
  'no such repository': base(`${url}/nothing.git//base?ref=v1`),
  'a local file that is called like an address': {
    ...base('github.com/org/repo'),
    'app/github.com/org/repo': map('local'),
  },
  'where each object comes from': base(
    `${url}/library.git//overlay?ref=v1`,
    'buildMetadata: [originAnnotations, transformerAnnotations]',
  ),
});

describe.skipIf(program === undefined)('bases in other repositories, as kustomize builds them', () => {
  let folder = '';
  let server: GitServer;
  let source: GitSource;
  const signal = AbortSignal.timeout(180_000);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fairway-remote-'));
    server = await createGitServer({ root: join(folder, 'served') });
    const url = server.url('').replace(/\/$/, '');
    for (const [name, refs] of Object.entries({ library: library(url), other: other(url) }))
      await publish(join(folder, `served/${name}.git`), refs);
    source = createGitSource({
      directory: join(folder, 'mirrors'),
      credentials: { forUrl: async () => undefined },
      clock: systemClock,
      log: silentLogger,
    });
  }, 60_000);
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A bare repository with a commit for each name; `main` is a branch, everything else a tag. */
  const publish = async (path: string, refs: Readonly<Record<string, Case>>): Promise<void> => {
    const work = `${path}.work`;
    mkdirSync(work, { recursive: true });
    const git = (...args: string[]) => runGit(args, { cwd: work });
    await git('init', '--quiet', '--initial-branch=main');
    for (const [ref, files] of Object.entries(refs)) {
      await git('rm', '-rq', '--ignore-unmatch', '.');
      write(work, files);
      await git('add', '-A');
      await git('-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '-m', ref);
      if (ref !== 'main') await git('tag', ref);
    }
    await runGit(['clone', '--quiet', '--bare', work, path]);
  };

  const ours = (files: Case): Promise<Outcome> =>
    renderOurs(
      files,
      undefined,
      createMountedTree(createMemoryTree(files), {
        async remoteTree({ url, ref }) {
          const { head } = await source.fetch({ url, ref, signal });
          return source.tree(url, head);
        },
      }),
    );

  const theirs = (name: string, files: Case): Promise<Outcome> => {
    const work = join(folder, 'theirs', name.replaceAll(' ', '-'));
    write(work, files);
    return new Promise((resolve) => {
      execFile(
        program!,
        ['build', join(work, 'app')],
        { timeout: 30_000, env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } },
        (error, stdout, stderr) =>
          resolve(error === null ? { documents: documentsOf(stdout) } : { failure: stderr }),
      );
    });
  };

  it.each(Object.keys(cases('')))('%s', async (name) => {
    const files = cases(server.url('').replace(/\/$/, ''))[name]!;
    const expected = await theirs(name, files);
    const rendered = await ours(files);
    if ('failure' in expected)
      expect(rendered, expected.failure).toEqual({ failure: expect.stringMatching(/^app\/kustom|^http/) });
    else expect(rendered).toEqual(expected);
  });

  it('by the id of a commit, at which they stay', async () => {
    const commit = execFileSync('git', ['rev-parse', 'v1'], { cwd: join(folder, 'served/library.git') });
    const files = base(`${server.url('library.git')}//base?ref=${commit.toString().trim()}`);
    const expected = await theirs('a commit', files);
    expect(expected).toHaveProperty('documents');
    expect(await ours(files)).toEqual(expected);
  });
});

function write(folder: string, files: Case): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
