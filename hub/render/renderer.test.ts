/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: cluster variables */

import { describe, expect, it } from 'vitest';
import { keyedDigest } from '../../shared/manifest/canonical.ts';
import { plainCluster } from '../model/cluster.test-support.ts';
import type { Cluster } from '../model/fleet.ts';
import { createMemoryTree } from './memory-tree.ts';
import { createRenderer } from './renderer.ts';

const cluster: Cluster = {
  ...plainCluster,
  ...{ name: 'eu-1', region: 'eu', role: 'primary', labels: { tier: 'gold' }, variables: { size: 'large' } },
};
const digestKey = new Uint8Array(32).fill(7);
const source = (path: string, overlays: readonly string[] = []) => ({
  repository: '',
  ref: '',
  path,
  overlays,
});
const configMap = (name: string, extra = '') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${extra}`;

describe('createRenderer', () => {
  it('renders the YAML and JSON files of a plain folder in the order of their paths', async () => {
    const tree = createMemoryTree({
      'app/b.yaml': `${configMap('b1')}---\n# nothing\n---\n${configMap('b2')}`,
      'app/a/z.json': '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}}',
      'app/README.md': '# not a manifest',
    });
    const result = await createRenderer({ digestKey }).render({ source: source('app'), cluster, tree });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    expect(result.rendered.set.entries.map((entry) => entry.originId)).toEqual([
      '/Namespace//n',
      '/ConfigMap//b1',
      '/ConfigMap//b2',
    ]);
    expect(result.rendered.builtFrom).toBe('app');
    const [first] = result.rendered.set.entries;
    expect(result.rendered.objects.get(first!.objectDigest)!.content).toBe(
      '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}}',
    );
  });

  it('makes a fault of its own a Problem of what set it off, without what was read', async () => {
    const files = { 'app/eu-1/a.yaml': configMap('one'), 'app/eu-2/a.yaml': configMap('two') };
    const tree = createMemoryTree(files);
    const read = async (path: string): Promise<Uint8Array> => {
      // As where one piece of code calls another with too little.
      if (path.includes('eu-2')) return JSON.parse('hunter2');
      return tree.read(path);
    };
    const clusters = [cluster, { ...cluster, name: 'eu-2' }];
    const request = { source: source('app', ['{{cluster.name}}']), tree: { ...tree, read } };
    const { results } = await createRenderer({ digestKey }).renderAll({ ...request, clusters });
    expect(results.map(({ ok }) => ok)).toEqual([true, false]);
    const [, failed] = results;
    if (failed?.ok !== false) throw new Error('expected a Problem');
    expect(failed.problems).toMatchObject([{ code: 'internal', file: '' }]);
    expect(failed.problems[0]?.message).toMatch(/SyntaxError at .*:\d+\): this is a fault of Fairway/);
    expect(failed.problems[0]?.message).not.toContain('hunter2');
    const alone = { ...request, cluster: { ...cluster, name: 'eu-2' } };
    expect(await createRenderer({ digestKey }).render(alone)).toMatchObject(failed);
  });

  it('builds the first overlay that is there, and lists what it looked for when none is', async () => {
    const tree = createMemoryTree({
      'app/base/a.yaml': configMap('base'),
      'app/overlays/regions/eu/a.yaml': configMap('eu'),
      'app/overlays/gold-large-primary/a.yaml': configMap('special'),
    });
    const renderer = createRenderer({ digestKey });
    const from = async (overlays: readonly string[]) => {
      const result = await renderer.render({ source: source('app', overlays), cluster, tree });
      return result.ok ? result.rendered.builtFrom : result.problems[0]!.message;
    };
    expect(
      await from(['overlays/clusters/{{cluster.name}}', 'overlays/regions/{{cluster.region}}', 'base']),
    ).toBe('app/overlays/regions/eu');
    expect(
      await from(['overlays/{{cluster.labels.tier}}-{{cluster.variables.size}}-{{ cluster.role }}']),
    ).toBe('app/overlays/gold-large-primary');
    expect(await from(['overlays/clusters/{{cluster.name}}', 'none'])).toContain(
      'app/overlays/clusters/eu-1, app/none',
    );
    expect(await from(['overlays/{{cluster.labels.zone}}'])).toContain('{{cluster.labels.zone}}');
    expect(await from(['../../etc'])).toContain('leads out of the repository');
  });

  it('keys the digests of Secrets and keeps waves and hooks', async () => {
    const tree = createMemoryTree({
      'app/a.yaml':
        'apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    fairway.dev/wave: "-3"\n    argocd.argoproj.io/hook: PreSync\n',
    });
    const result = await createRenderer({ digestKey }).render({ source: source('app'), cluster, tree });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const [entry] = result.rendered.set.entries;
    expect(entry).toMatchObject({ wave: -3, hook: 'pre-sync' });
    const object = result.rendered.objects.get(entry!.objectDigest)!;
    expect(object.secret).toBe(true);
    expect(object.digest).toBe(keyedDigest(object.content, digestKey));
  });

  it.each([
    ['a wave that is no whole number', configMap('a', '  annotations: {fairway.dev/wave: soon}\n'), 1],
    [
      'a hook whose timeout is no time',
      configMap('a', '  annotations: {fairway.dev/hook: pre-sync, fairway.dev/hook-timeout: soon}\n'),
      1,
    ],
    [
      'a delete policy that is not known',
      configMap(
        'a',
        '  annotations: {argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: Later}\n',
      ),
      1,
    ],
    [
      'a wish to recreate that is neither',
      configMap('a', '  annotations: {fairway.dev/recreate: "yes"}\n'),
      1,
    ],
    ['an object without a name', `${configMap('a')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {}\n`, 6],
    ['an object without a kind', 'apiVersion: v1\nmetadata: {name: a}\n', 1],
    ['a key written twice', `${configMap('a')}data:\n  x: 1\n  x: 2\n`, 7],
    ['text that is no YAML', `${configMap('a')}data: [\n`, 6],
    ['the same object twice', `${configMap('a')}---\n${configMap('a')}`, 6],
    ['a number that JSON cannot hold', `${configMap('a')}spec:\n  big: .inf\n`, 6],
  ])('says file and line of %s', async (_name, text, line) => {
    const tree = createMemoryTree({ 'app/a.yaml': text });
    const result = await createRenderer({ digestKey }).render({ source: source('app'), cluster, tree });
    expect(result).toMatchObject({ ok: false, problems: [{ file: 'app/a.yaml', line }] });
  });

  it('keeps all digits of a whole number', async () => {
    const text = `${configMap('a')}spec: {big: 12345678901234567890, small: -9007199254740993}\n`;
    const tree = createMemoryTree({ 'app/a.yaml': text });
    const result = await createRenderer({ digestKey }).render({ source: source('app'), cluster, tree });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const [object] = [...result.rendered.objects.values()];
    expect(object?.content).toContain('"spec":{"big":12345678901234567890,"small":-9007199254740993}');
  });

  it('gives many clusters the same set, and another commit with the same files too', async () => {
    const files = { 'app/a.yaml': configMap('a') };
    const renderer = createRenderer({ digestKey });
    const tree = createMemoryTree(files);
    const first = await renderer.render({ source: source('app'), cluster, tree });
    for (let index = 0; index < 100; index += 1)
      expect(
        await renderer.render({ source: source('app'), cluster: { ...cluster, name: `c-${index}` }, tree }),
      ).toBe(first);
    const later = createMemoryTree({ ...files, 'other/b.yaml': configMap('b') }, 'later');
    expect(await renderer.render({ source: source('app'), cluster, tree: later })).toBe(first);
    expect(renderer.stats()).toEqual({
      renders: 102,
      cacheHits: 101,
      objectsDigested: 1,
      directoriesBuilt: 1,
      filesRead: 1,
      filesParsed: 1,
      bytesParsed: files['app/a.yaml'].length,
    });
  });

  it('fills in cluster variables where the Application asks for it, once for clusters whose variables in use are the same', async () => {
    const tree = createMemoryTree({
      'app/kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: p-\n',
      'app/a.yaml': configMap('a', 'data:\n  size: "${size}-${FAIRWAY_CLUSTER_REGION}"\n'),
    });
    const renderer = createRenderer({ digestKey });
    const substitute = { optional: false, variables: {} };
    const render = async (of: Cluster) => {
      const result = await renderer.render({ source: { ...source('app'), substitute }, cluster: of, tree });
      if (!result.ok) throw new Error(JSON.stringify(result.problems));
      return result.rendered;
    };
    const first = await render(cluster);
    expect([...first.objects.values()].map(({ content }) => content)).toEqual([
      '{"apiVersion":"v1","data":{"size":"large-eu"},"kind":"ConfigMap","metadata":{"name":"p-a"}}',
    ]);
    expect(await render({ ...cluster, name: 'eu-2' })).toBe(first);
    expect(await render({ ...cluster, region: 'us' })).not.toBe(first);
    const plain = await renderer.render({ source: source('app'), cluster, tree });
    expect(plain.ok && [...plain.rendered.objects.values()][0]!.content).toContain('${size}');
  });
});
