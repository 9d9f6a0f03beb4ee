/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: cluster variables */
import { describe, expect, it } from 'vitest';
import { describeProblem } from '../../model/problem.ts';
import type { ObjectSelector } from '../../model/trace.ts';
import { createMemoryTree } from '../memory-tree.ts';
import { createMountedTree } from '../remote/mounted-tree.ts';
import {
  ask,
  cluster,
  type Files,
  renderer,
  settings,
  stepsOf,
  traceOf,
  web,
  writtenOf,
} from './trace.test-support.ts';

describe('a traced object', () => {
  it('is told from the base up, with the line of each value', async () => {
    const files = {
      'base/web.yaml': `${settings}---\n${web()}`,
      'base/kustomization.yaml': 'resources: [web.yaml]\nnamePrefix: b-\n',
      'app/kustomization.yaml':
        'resources:\n- ../base\nnamespace: shop\nreplicas:\n- name: web\n  count: 5\n',
    };
    const found = await traceOf(files, 'Deployment', 'web');
    expect(found).toMatchObject({
      identity: { kind: 'Deployment', name: 'b-web', namespace: 'shop', apiVersion: 'apps/v1' },
      originId: 'apps/Deployment//web',
      way: ['app', 'base'],
      secret: false,
      start: {
        action: 'resources[0]',
        layer: 'base',
        configuredAt: { file: 'base/kustomization.yaml', line: 1 },
      },
    });
    expect(found.start.at).toMatchObject({ file: 'base/web.yaml', line: 9 });
    expect(writtenOf(found)).toEqual([
      'kind base/web.yaml:10 value',
      'metadata.name base/web.yaml:12 value',
      'spec.replicas base/web.yaml:14 value',
      'spec.template.spec.containers[name=web].name base/web.yaml:18 value',
      'spec.template.spec.containers[name=web].image base/web.yaml:19 value',
    ]);
    expect(stepsOf(found)).toEqual([
      'namePrefix base: metadata.name "web" -> "b-web" at base/kustomization.yaml:2 part',
      'namespace app: metadata.namespace nothing -> "shop" at app/kustomization.yaml:3 value',
      'replicas[0] app: spec.replicas 1 -> 5 at app/kustomization.yaml:6 value',
    ]);
  });

  it("has the way through bases and components, and each layer's own steps", async () => {
    const files: Files = {
      'base/web.yaml': web(),
      'base/kustomization.yaml': 'resources: [web.yaml]\n',
      'a/kustomization.yaml': 'resources: [../base]\nnameSuffix: -a\n',
      'b/kustomization.yaml': 'resources: [../base]\nnameSuffix: -b\n',
      'part/settings.yaml': settings,
      'part/kustomization.yaml':
        'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [settings.yaml]\nnamePrefix: c-\n',
      'app/kustomization.yaml': 'resources: [../a, ../b]\ncomponents: [../part]\n',
    };
    const twice = await ask(files, { kind: 'Deployment', name: 'web' });
    expect(twice).toMatchObject({
      ok: false,
      problems: [{ code: 'conflict', message: expect.stringContaining('say also its name as rendered') }],
    });
    const found = await traceOf(files, 'Deployment', 'c-web-b');
    expect(found.way).toEqual(['app', 'b', 'base']);
    expect(stepsOf(found)).toEqual([
      'nameSuffix b: metadata.name "web" -> "web-b" at b/kustomization.yaml:2 part',
      'namePrefix part: metadata.name "web-b" -> "c-web-b" at part/kustomization.yaml:4 part',
    ]);
    expect((await traceOf(files, 'ConfigMap', 'c-settings')).way).toEqual(['app', 'part']);
  });

  it('of a plain folder has its own lines and no steps', async () => {
    const found = await traceOf({ 'app/deep/all.yaml': `${settings}---\n${web()}` }, 'Deployment', 'web');
    expect(found).toMatchObject({ way: ['app'], steps: [], start: { action: 'folder', layer: 'app' } });
    expect(writtenOf(found)).toContain('spec.replicas app/deep/all.yaml:14 value');
  });

  it('of a remote base has the lines there', async () => {
    const url = 'https://git.example/org/base';
    const remote = createMemoryTree({
      'web/web.yaml': web(),
      'web/kustomization.yaml': 'resources: [web.yaml]\n',
    });
    const own = createMemoryTree({
      'app/kustomization.yaml': `resources: ["${url}//web?ref=v1"]\nnamespace: x\n`,
    });
    const tree = createMountedTree(own, { remoteTree: async () => remote });
    const request = { source: { repository: '', ref: '', path: 'app', overlays: [] }, cluster, tree };
    const result = await renderer.trace(request, { kind: 'Deployment', name: 'web' });
    const [found] = result.ok ? result.traces : [];
    expect(found?.way).toEqual(['app', `${url}?ref=v1//web`]);
    expect(found?.start.at).toMatchObject({ source: 'remote', file: `${url}?ref=v1//web/web.yaml`, line: 1 });
    expect(found?.steps[0]?.changes[0]?.at).toMatchObject({
      source: 'repository',
      file: 'app/kustomization.yaml',
      line: 2,
    });
  });

  it('gives the Git object of each file', async () => {
    const files = {
      'app/web.yaml': web(),
      'app/kustomization.yaml': 'resources: [web.yaml]\nnamespace: x\n',
    };
    const found = await traceOf(files, 'Deployment', 'web');
    const oidOf = async (path: string) => (await createMemoryTree(files).entry(path))?.oid;
    expect(found.start.at.oid).toBe(await oidOf('app/web.yaml'));
    expect(found.steps[0]?.changes[0]?.at.oid).toBe(await oidOf('app/kustomization.yaml'));
  });
});

describe('lines of what is read', () => {
  const only = (text: string, name = 'app/x.yaml'): Files => ({ [name]: text });

  it.each<readonly [name: string, files: Files, expected: readonly string[]]>([
    [
      'items of a List',
      only(
        'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: other}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: x\n  data:\n    a: b\n',
      ),
      ['metadata.name app/x.yaml:10 value', 'data.a app/x.yaml:12 value'],
    ],
    [
      'anchors, aliases and merge keys',
      only(
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  labels: &l\n    team: a\n  annotations: *l\ndata:\n  <<: *l\n  own: &o text\n  same: *o\n',
      ),
      [
        'metadata.labels.team app/x.yaml:6 value',
        'metadata.annotations.team app/x.yaml:6 value',
        'data.team app/x.yaml:6 value',
        'data.own app/x.yaml:10 value',
        'data.same app/x.yaml:11 value',
      ],
    ],
    [
      'blocks of text, values below their keys, and nothing',
      only(
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name:\n    x\ndata:\n  a: |\n    one\n    two\n  b: >-\n    folded\n    text\n  c:\n  d: "q\n    r"\n',
      ),
      [
        'metadata.name app/x.yaml:5 value',
        'data.a app/x.yaml:7 value',
        'data.b app/x.yaml:10 value',
        'data.c app/x.yaml:13 value',
        'data.d app/x.yaml:14 value',
      ],
    ],
    [
      'Windows line ends, comments and documents with nothing in them',
      only(
        '# first\r\n---\r\n# nothing\r\n---\r\napiVersion: v1\r\nkind: ConfigMap\r\nmetadata:\r\n  name: x\r\n',
      ),
      ['metadata.name app/x.yaml:8 value'],
    ],
    [
      'JSON',
      only(
        '{"apiVersion": "v1", "kind": "ConfigMap",\n  "metadata": {"name": "x"},\n  "data": {\n    "a": "b"\n  }\n}\n',
        'app/x.json',
      ),
      ['metadata.name app/x.json:2 value', 'data.a app/x.json:4 value'],
    ],
    [
      'files behind symbolic links',
      {
        'app/x.yaml': { link: '../shared/x.yaml' },
        'shared/x.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n',
      },
      ['metadata.name shared/x.yaml:4 value'],
    ],
  ])('%s', async (_name, files, expected) => {
    const written = writtenOf(await traceOf(files, 'ConfigMap', 'x'));
    for (const line of expected) expect(written).toContain(line);
  });
});

describe('cluster variables', () => {
  const files = {
    'app/web.yaml': `${settings}  where: \${HOST:-none}.\${FAIRWAY_CLUSTER_REGION}\n  tier: \${FAIRWAY_CLUSTER_LABEL_TIER}\n  zone: \${ZONE}\n  other: \${OTHER:-fallback}\n`,
  };

  it('are told by the field that states them', async () => {
    const substitute = { optional: false, variables: { ZONE: 'z1' } };
    const found = await traceOf(files, 'ConfigMap', 'settings', { substitute });
    expect(stepsOf(found)).toEqual([
      'substitute app: data.where "${HOST:-none}.${FAIRWAY_CLUSTER_REGION}" -> "eu.example.eu" at cluster fleet/clusters.yaml:12 spec.variables.HOST part',
      'substitute app: data.tier "${FAIRWAY_CLUSTER_LABEL_TIER}" -> "gold" at cluster fleet/clusters.yaml:12 metadata.labels["tier"] part',
      'substitute app: data.zone "${ZONE}" -> "z1" at application :0 spec.substitute.variables.ZONE part',
      'substitute app: data.other "${OTHER:-fallback}" -> "fallback" at app/web.yaml:11 part',
    ]);
  });

  it('that nobody states are the problem that rendering has', async () => {
    const substitute = { optional: false, variables: {} };
    const result = await ask(files, { kind: 'ConfigMap', name: 'settings' }, { substitute });
    expect(result).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining('ZONE') }] });
  });
});

describe('an object that is asked for', () => {
  const files = {
    'app/a.yaml': `${web()}---\n${settings}---\n${settings.replace('name: settings', 'name: settings\n  namespace: shop')}`,
  };
  const messageOf = async (selector: ObjectSelector) => {
    const result = await ask(files, selector);
    return result.ok ? result.traces[0]?.identity : result.problems.map(describeProblem).join('\n');
  };

  it.each(['Deployment', 'deployment', 'deployments', 'deploy', 'deployments.apps'])(
    'may be a %s',
    async (kind) => {
      expect(await messageOf({ kind, name: 'web' })).toMatchObject({ kind: 'Deployment', name: 'web' });
    },
  );

  it('may be one of several by its namespace', async () => {
    expect(await messageOf({ kind: 'cm', name: 'settings', namespace: 'shop' })).toMatchObject({
      namespace: 'shop',
    });
    expect(await messageOf({ kind: 'cm', name: 'settings', namespace: '' })).toMatchObject({ namespace: '' });
  });

  it.each<readonly [ObjectSelector, string]>([
    [
      { kind: 'ConfigMap', name: 'settings' },
      'ConfigMap settings is the name of 2 objects: ConfigMap settings (v1), ConfigMap shop/settings (v1); say also its namespace',
    ],
    [{ kind: 'Deployment', name: 'wep' }, 'there is no Deployment wep in memory@memory; did you mean web?'],
    [
      { kind: 'Deployment', name: 'zzz' },
      'there is no Deployment zzz in memory@memory; there is Deployment web (apps/v1)',
    ],
    [
      { kind: 'Deployment', name: 'web', namespace: 'shop' },
      'there is no Deployment shop/web in memory@memory; there is Deployment web (apps/v1)',
    ],
    [
      { kind: 'Deploymint', name: 'web' },
      'there is no Deploymint web in memory@memory; did you mean Deployment?',
    ],
    [
      { kind: 'Service', name: 'web' },
      'there is no Service web in memory@memory; of kinds there are ConfigMap, Deployment',
    ],
  ])('but not %o', async (selector, message) => {
    expect(await messageOf(selector)).toBe(message);
  });

  it('may have been taken away, by a patch or since it is for other tools', async () => {
    const removed: Files = {
      'base/web.yaml': `${web()}---\n${settings.replace('name: settings', 'name: settings\n  annotations: {config.kubernetes.io/local-config: "true"}')}`,
      'base/kustomization.yaml': 'resources: [web.yaml]\n',
      'app/gone.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n$patch: delete\n',
      'app/kustomization.yaml': 'resources: [../base]\npatches:\n- path: gone.yaml\n',
    };
    const said = async (kind: string, name: string) => {
      const result = await ask(removed, { kind, name });
      return result.ok ? '' : result.problems.map(describeProblem).join('\n');
    };
    expect(await said('Deployment', 'web')).toBe(
      'app/gone.yaml:5: Deployment web is not rendered: patches[0] of app removes it',
    );
    expect(await said('ConfigMap', 'settings')).toBe(
      'base/web.yaml:13: ConfigMap settings is not rendered: its annotation config.kubernetes.io/local-config keeps it to the kustomization',
    );
  });

  it('is not there where rendering fails: the problem is the same', async () => {
    const broken = { 'app/kustomization.yaml': 'resources: [gone.yaml]\n' };
    const source = { repository: '', ref: '', path: 'app', overlays: [] };
    const request = { source, cluster, tree: createMemoryTree(broken) };
    const rendered = await renderer.render(request);
    expect(await renderer.trace(request, { kind: 'Pod', name: 'p' })).toEqual(rendered);
  });

  it('leaves the renderer as it was', async () => {
    const fresh = createMemoryTree(files);
    const request = { source: { repository: '', ref: '', path: 'app', overlays: [] }, cluster, tree: fresh };
    const before = renderer.stats();
    await renderer.trace(request, { kind: 'Deployment', name: 'web' });
    expect(renderer.stats().directoriesBuilt).toBe(before.directoriesBuilt);
    const result = await renderer.render(request);
    expect(result.ok).toBe(true);
    expect(renderer.stats().directoriesBuilt).toBe(before.directoriesBuilt + 1);
  });
});
