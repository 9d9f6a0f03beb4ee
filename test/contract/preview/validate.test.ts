/** `fairway validate`, run in this process over work trees on disk. */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runGit } from '../../../hub/cli/demo/git-program.ts';
import { createGitServer } from '../../../hub/cli/demo/git-server.ts';
import { systemPrograms } from '../../../hub/cli/programs.ts';
import type { ValidationReport } from '../../../hub/preview/findings.ts';
import { runFairway } from '../run-fairway.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-validate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const validate = (...args: readonly string[]) =>
  runFairway(
    ['validate', ...args],
    { home: folder, cwd: folder },
    { ...systemPrograms, version: async () => '1.2.3' },
  );

const report = async (...args: readonly string[]) =>
  JSON.parse((await validate('-o', 'json', ...args)).out) as ValidationReport;

function expectGolden(name: string, text: string) {
  const path = new URL(`./golden/${name}`, import.meta.url);
  if (process.env['UPDATE_GOLDENS']) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

const application = (name: string, more = '') =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata:\n  name: ${name}\nspec:\n  source: {path: apps/${name}}\n  placement: {selector: {}}\n${more}`;

const clusters = `apiVersion: fairway.dev/v1alpha1
kind: Cluster
metadata: {name: eu-1}
spec: {region: eu, kubernetes: {version: '1.24'}}
---
apiVersion: fairway.dev/v1alpha1
kind: Cluster
metadata: {name: us-1}
spec: {region: us}
`;

const web = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: web:1
          envFrom:
            - configMapRef: {name: settings}
`;

const good = {
  'fleet/clusters.yaml': clusters,
  'fleet/web.yaml': application('web'),
  'apps/web/kustomization.yaml':
    'namePrefix: a-\nresources: [web.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\n',
  'apps/web/web.yaml': web,
};

/** Something wrong of every sort. */
const bad = {
  ...good,
  'fleet/broken.yaml':
    'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: {name: x}\nspec: {region: 3}\n',
  'fleet/more.yaml': [
    application('twin'),
    application('lost'),
    application('other').replace('{selector: {}}', '{clusters: [eu-1, nowhere]}'),
  ].join('---\n'),
  'apps/web/web.yaml': web
    .replace('image: web:1', 'imge: web:1')
    .replace('configMapRef: {name: settings}', 'secretRef: {name: "gone"}'),
  'apps/twin/a.yaml':
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a-web}\nspec: {selector: {}, template: {spec: {containers: []}}}\n',
  'apps/other/budget.yaml':
    '# A comment.\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData:\n  password: hunter2\n',
};

describe('fairway validate', () => {
  it('finds nothing wrong with what is in order', async () => {
    write(good);
    const { code, out, err } = await validate();
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe('nothing wrong in 1 application, rendered for 2 clusters\n');
  });

  for (const [format, file] of [
    ['text', 'bad.txt'],
    ['json', 'bad.json'],
    ['junit', 'bad.xml'],
    ['sarif', 'bad.sarif'],
    ['github', 'bad.github'],
  ] as const)
    it(`tells everything that is wrong, as ${format}`, async () => {
      write(bad);
      const { code, out, err } = await validate('-o', format);
      expect([code, err]).toEqual([6, '']);
      expect(out).not.toContain('hunter2');
      expectGolden(file, out);
    });

  it('tells what a Project does not allow, where the object is written', async () => {
    const project =
      'apiVersion: fairway.dev/v1alpha1\nkind: Project\nmetadata: {name: red}\nspec:\n  sources: [{path: apps}]\n  clusters: {names: [eu-1]}\n  namespaces: [red]\n';
    write({
      ...good,
      'fleet/projects.yaml': project,
      'fleet/web.yaml': application('web', '  project: red\n  sync: {namespace: red}\n'),
      'apps/web/kustomization.yaml':
        'resources: [web.yaml, role.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\n',
      'apps/web/role.yaml':
        'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\nrules: []\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: blue\n',
    });
    const { findings } = await report();
    const own = findings.filter(({ rule }) => rule === 'project');
    expect(own.map(({ file, line, field, clusters: where }) => [`${file}:${line}`, field, where])).toEqual([
      ['apps/web/role.yaml:2', 'kind', ['eu-1', 'us-1']],
      ['apps/web/role.yaml:10', 'metadata.namespace', ['eu-1', 'us-1']],
      ['fleet/web.yaml:1', 'spec.placement', ['us-1']],
    ]);
    expect(own[1]?.message).toBe(
      'ConfigMap blue/c: metadata.namespace: namespace blue is not among spec.namespaces (red) of Project red at fleet/projects.yaml:1: move it to one of these, or have it added',
    );
    expect(own[0]?.object).toMatchObject({ kind: 'ClusterRole', name: 'all' });
  });

  it('tells of an analysis whose Job the Project of the application does not allow, once for all clusters', async () => {
    const project = (more: string) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: Project\nmetadata: {name: red}\nspec:\n  sources: [{path: apps}]\n  clusters: {selector: {}}\n  namespaces: [red]\n${more}`;
    const strategy = `apiVersion: fairway.dev/v1alpha1
kind: RolloutStrategy
metadata: {name: smoked}
spec:
  waves:
    - name: first
      analysis:
        - name: smoke
          job: {spec: {template: {spec: {containers: [{name: smoke, image: 'smoke:1'}]}}}}
        - {name: probe, http: {url: 'https://probe.example'}}
`;
    write({
      ...good,
      'fleet/projects.yaml': project('  kinds: {deny: [{group: batch, kind: Job}]}\n'),
      'fleet/strategy.yaml': strategy,
      'fleet/web.yaml': application(
        'web',
        '  project: red\n  sync: {namespace: red}\n  rollout: {strategy: smoked}\n',
      ),
    });
    const told = async () => (await report()).findings.filter(({ rule }) => rule === 'project');
    expect(await told()).toMatchObject([
      {
        ...{ severity: 'error', file: 'fleet/web.yaml', line: 1, field: 'spec.rollout', application: 'web' },
        message: expect.stringMatching(
          /^the Job of analysis smoke in wave first of RolloutStrategy smoked: Job.batch is among spec.kinds.deny \(Job.batch\) of Project red at fleet\/projects.yaml:1/,
        ),
      },
    ]);
    write({ 'fleet/projects.yaml': project('') });
    expect(await told()).toEqual([]);
  });

  it('names the line of a patch where that sets the field', async () => {
    write({
      ...good,
      'apps/web/kustomization.yaml': `${good['apps/web/kustomization.yaml']}patches: [{path: patch.yaml}]\n`,
      'apps/web/patch.yaml':
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n  paused: "yes"\n',
    });
    expect((await report()).findings).toMatchObject([
      {
        rule: 'wrong-type',
        file: 'apps/web/patch.yaml',
        line: 6,
        field: 'spec.paused',
        clusters: ['eu-1', 'us-1'],
      },
    ]);
  });

  it('knows its own formats only, wherever the option stands', async () => {
    write(good);
    expect((await validate('-o', 'yaml')).code).toBe(2);
    expect((await validate('-o', 'markdown')).err).toContain('Allowed choices are text, json, junit');
  });

  it('fails on warnings only where it is strict', async () => {
    write({ ...good, 'apps/web/web.yaml': web.replace('name: settings', 'name: elsewhere') });
    expect((await validate()).code).toBe(0);
    expect((await validate('--strict')).code).toBe(1);
    expect((await report()).findings).toMatchObject([
      { rule: 'missing-reference', severity: 'warning', line: 14, object: { name: 'a-web' } },
    ]);
  });

  it('takes Secrets in plain text for what it is told to', async () => {
    write({
      ...good,
      'apps/web/web.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: Yg==}\n',
    });
    expect((await validate()).code).toBe(0);
    expect((await validate('--plain-secrets', 'error')).code).toBe(6);
    expect((await report('--plain-secrets', 'off')).findings).toEqual([]);
  });

  it("takes --kubernetes for clusters that state no version, and a cluster's own before it", async () => {
    write({
      ...good,
      'apps/web/web.yaml':
        'apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {}\n',
    });
    const places = async (...args: readonly string[]) =>
      (await report(...args)).findings.map(({ rule, clusters: where }) => [rule, where]);
    expect(await places()).toEqual([
      ['removed-api', ['us-1']],
      ['deprecated-api', ['eu-1']],
    ]);
    expect(await places('--kubernetes', 'v1.20.4')).toEqual([['deprecated-api', ['eu-1']]]);
    expect((await validate('--kubernetes', 'latest')).code).toBe(2);
  });

  it('checks custom kinds by a definition in the repository, rendered or not', async () => {
    const definition =
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}]}\n';
    write({
      ...good,
      'schemas/widget.yaml': definition,
      'apps/web/web.yaml':
        'apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec:\n  sise: 3\n',
    });
    expect((await report()).findings).toMatchObject([
      { rule: 'unknown-field', line: 5, message: 'is no field here: did you mean size?' },
    ]);
  });

  it('warns of what lies in another repository, which it cannot read', async () => {
    write({
      'fleet/all.yaml': `${clusters}---\napiVersion: fairway.dev/v1alpha1\nkind: Repository\nmetadata: {name: far}\nspec: {url: 'https://git.example/far.git'}\n---\n${application('web').replace('{path:', '{repository: far, path:')}`,
    });
    const { findings, errors } = await report();
    expect(errors).toBe(0);
    expect(findings).toMatchObject([{ rule: 'render', severity: 'warning', clusters: ['eu-1', 'us-1'] }]);
  });

  it('reads a base in another repository only when it may, and only a declared one', async () => {
    const base = join(folder, 'library');
    write({ 'library/base/kustomization.yaml': 'resources: [web.yaml]\n', 'library/base/web.yaml': web });
    const git = (...given: string[]) => runGit(given, { cwd: base });
    await git('init', '--quiet', '--initial-branch=main');
    await git('add', '-A');
    await git('-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '-m', 'one');
    const server = await createGitServer({ root: folder });
    try {
      const url = server.url('library/.git');
      const fleet = {
        ...good,
        'apps/web/kustomization.yaml': `resources: ["${url}//base?ref=main"]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\n`,
      };
      const checked = async (...args: readonly string[]) => {
        const { findings } = await report('fleet-repository', ...args);
        return findings.map(({ severity, file, line, message }) => [severity, `${file}:${line}`, message]);
      };
      const place = 'apps/web/kustomization.yaml:1';
      const into = (files: Readonly<Record<string, string>>) =>
        write(
          Object.fromEntries(Object.entries(files).map(([path, text]) => [`fleet-repository/${path}`, text])),
        );
      into(fleet);
      expect(await checked('--allow-remote')).toEqual([
        ['error', place, expect.stringContaining('no Repository in the fleet folder has this URL')],
      ]);
      into({
        'fleet/library.yaml': `apiVersion: fairway.dev/v1alpha1\nkind: Repository\nmetadata: {name: library}\nspec: {url: "${url}"}\n`,
      });
      expect(await checked()).toEqual([['warning', place, expect.stringContaining('--allow-remote')]]);
      expect(await checked('--allow-remote')).toEqual([]);
    } finally {
      await server.close();
    }
  });

  it('reads bases of the fleet repository itself, by its address, from the clone', async () => {
    const upstream = join(folder, 'upstream');
    const git = (cwd: string, ...given: string[]) =>
      runGit(['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...given], { cwd });
    write({
      'upstream/base/kustomization.yaml': 'resources: [web.yaml]\n',
      'upstream/base/web.yaml': web,
      'upstream/bad/kustomization.yaml': 'resources: [none.yaml]\n',
    });
    await git(upstream, 'init', '--quiet', '--initial-branch=main');
    await git(upstream, 'add', '-A');
    await git(upstream, 'commit', '--quiet', '-m', 'one');
    await git(folder, 'clone', '--quiet', upstream, 'clone');
    const clone = join(folder, 'clone');
    await git(clone, 'checkout', '--quiet', '-b', 'proposal');
    await git(clone, 'branch', '--quiet', '-D', 'main');
    await git(clone, 'remote', 'set-url', 'origin', 'https://bot:t0ken@git.example/org/fleet');
    const checked = async (address: string, at = 'clone') => {
      write(
        Object.fromEntries(
          Object.entries({
            ...good,
            'apps/web/kustomization.yaml': `resources: ["${address}"]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\n`,
          }).map(([path, text]) => [`${at}/${path}`, text]),
        ),
      );
      const { findings } = await report(at);
      return findings.map(({ severity, file, message }) => `${severity}: ${file}: ${message}`);
    };
    for (const ref of ['', '?ref=main', `?ref=${(await git(upstream, 'rev-parse', 'HEAD')).trim()}`])
      expect(await checked(`git@git.example:org/fleet.git//base${ref}`)).toEqual([]);
    expect(await checked('https://git.example/org/fleet//base?ref=v9')).toEqual([
      expect.stringMatching(/^warning: .*this clone has no v9: git fetch origin v9$/),
    ]);
    expect(await checked('https://git.example/org/other//base?ref=v9')).toEqual([
      expect.stringMatching(/^error: .*no Repository in the fleet folder has this URL/),
    ]);
    // A file of this repository is named from its top, one elsewhere by its address.
    expect(await checked('https://git.example/org/fleet//bad?ref=main', 'clone/deploy')).toEqual([
      expect.stringMatching(
        /^error: https:\/\/git.example\/org\/fleet\?ref=main\/\/bad\/kustomization.yaml: /,
      ),
    ]);
    expect(await checked('../../none', 'clone/deploy')).toEqual([
      expect.stringMatching(/^error: deploy\/apps\/web\/kustomization.yaml: /),
    ]);
  });

  it('minds nothing that lies beside the manifests', async () => {
    write({
      ...good,
      'docs/deep.yaml': `a: ${'['.repeat(100_000)}`,
      'docs/loop.yaml': 'a: &a [*a]\n',
      'docs/half.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n',
      'large.bin': 'x',
    });
    truncateSync(join(folder, 'large.bin'), 40 * 1024 * 1024);
    symlinkSync('.', join(folder, 'docs/round'));
    symlinkSync('nowhere', join(folder, 'docs/broken.yaml'));
    expect(await validate()).toMatchObject({ code: 0, err: '' });
  });

  it('says what is missing where there is no fleet', async () => {
    const { code, out } = await validate();
    expect(code).toBe(6);
    expect(out).toContain('the fleet folder is not there');
    expect((await validate('nowhere')).code).toBe(3);
  });

  it('names files from the top of the repository, wherever the fleet lies in it', async () => {
    mkdirSync(join(folder, '.git'));
    write(Object.fromEntries(Object.entries(bad).map(([path, text]) => [`deploy/${path}`, text])));
    const { findings } = await report('deploy');
    expect(findings.every(({ file }) => file.startsWith('deploy/'))).toBe(true);
  });
});
