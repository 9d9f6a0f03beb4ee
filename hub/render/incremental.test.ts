import { describe, expect, it } from 'vitest';
import type { Cluster } from '../model/fleet.ts';
import { createMemoryTree } from './memory-tree.ts';
import { createRenderer, type RenderResult } from './renderer.ts';

const cluster = (name: string): Cluster => ({
  name,
  labels: {},
  region: '',
  role: 'none',
  variables: {},
  kubernetesVersion: '',
  paused: false,
  origin: { file: '', line: 0, commit: '' },
});
const source = { repository: '', ref: '', path: '', overlays: ['overlays/{{cluster.name}}'] };
const digestKey = new Uint8Array(32);
const overlays = 1000;

function fleet(): Record<string, string> {
  const files: Record<string, string> = {
    'base/kustomization.yaml': 'resources: [a.yaml, b.yaml]\n',
    'base/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: base}\n',
    'base/b.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {x: "1"}\n',
  };
  for (let index = 0; index < overlays; index += 1) {
    files[`overlays/c${index}/kustomization.yaml`] = 'resources: [../../base]\npatches: [{path: p.yaml}]\n';
    files[`overlays/c${index}/p.yaml`] =
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "${index}"}\n`;
  }
  return files;
}

function digestOf(result: RenderResult): string {
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.rendered.set.digest;
}

describe('incremental rendering', () => {
  it('parses each file of a base once for a thousand overlays, and builds only what a new commit changes', async () => {
    const renderer = createRenderer({ digestKey });
    const files = fleet();
    const renderAll = async (tree = createMemoryTree(files)) => {
      const results: RenderResult[] = [];
      for (let index = 0; index < overlays; index += 1)
        results.push(await renderer.render({ source, cluster: cluster(`c${index}`), tree }));
      return results;
    };
    const first = await renderAll();
    const cold = renderer.stats();
    expect(cold.directoriesBuilt).toBe(overlays + 1);
    // One text of the overlays' kustomizations, one patch each, and three files of the base.
    expect(cold.filesParsed).toBe(3 + 1 + overlays);
    // What each has for itself, and what all have in common.
    expect(cold.objectsDigested).toBe(overlays + 1);
    expect(new Set(first.map(digestOf)).size).toBe(overlays);

    files['overlays/c7/p.yaml'] =
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: changed}\n';
    const second = await renderAll(createMemoryTree(files, 'second'));
    const warm = renderer.stats();
    expect(warm.directoriesBuilt - cold.directoriesBuilt).toBe(1);
    expect(warm.filesParsed - cold.filesParsed).toBe(1);
    expect(warm.filesRead - cold.filesRead).toBe(1);
    expect(warm.objectsDigested - cold.objectsDigested).toBe(1);
    for (const [index, result] of second.entries())
      if (index === 7) expect(digestOf(result)).not.toBe(digestOf(first[7]!));
      else expect(result).toBe(first[index]);

    files['base/b.yaml'] = files['base/b.yaml']!.replace('"1"', '"2"');
    await renderAll(createMemoryTree(files, 'third'));
    expect(renderer.stats().filesParsed - warm.filesParsed).toBe(1);
    expect(renderer.stats().directoriesBuilt - warm.directoriesBuilt).toBe(overlays + 1);
    expect(renderer.stats().objectsDigested - warm.objectsDigested).toBe(overlays + 1);
  });

  it('shares the objects that an overlay does not touch', async () => {
    const renderer = createRenderer({ digestKey });
    const tree = createMemoryTree(fleet());
    const [one, two] = await Promise.all(
      ['c1', 'c2'].map((name) => renderer.render({ source, cluster: cluster(name), tree })),
    );
    if (!one?.ok || !two?.ok) throw new Error('expected both to render');
    const untouched = (set: typeof one.rendered) => {
      const entry = set.set.entries.find((item) => item.key.name === 'b');
      return set.objects.get(entry!.objectDigest);
    };
    expect(untouched(one.rendered)).toBe(untouched(two.rendered));
  });

  it('sees a file that was absent before', async () => {
    const renderer = createRenderer({ digestKey });
    const files: Record<string, string> = {
      'overlays/x/kustomization.yaml': 'resources: [late.yaml]\n',
    };
    const render = () => renderer.render({ source, cluster: cluster('x'), tree: createMemoryTree(files) });
    expect(await render()).toMatchObject({
      ok: false,
      problems: [{ code: 'not_found', file: 'overlays/x/kustomization.yaml', line: 1 }],
    });
    files['overlays/x/late.yaml'] = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late}\n';
    expect((await render()).ok).toBe(true);
  });

  it('keeps the identity of an object through layers, prefixes, hashes and namespaces', async () => {
    const tree = createMemoryTree({
      'overlays/x/kustomization.yaml': 'resources: [../../base]\nnamePrefix: p-\nnamespace: team\n',
      'base/kustomization.yaml':
        'resources: [a.yaml]\nnameSuffix: -s\nconfigMapGenerator: [{name: g, literals: [a=b]}]\n',
      'base/a.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n',
    });
    const result = await createRenderer({ digestKey }).render({ source, cluster: cluster('x'), tree });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    expect(result.rendered.set.entries.map(({ originId }) => originId)).toEqual([
      '/ConfigMap//g',
      'apps/Deployment//web',
    ]);
    expect(result.rendered.set.entries[0]!.key.name).toMatch(/^p-g-s-[a-z0-9]{10}$/);
    expect(result.rendered.set.entries[1]!.key).toMatchObject({ name: 'p-web-s', namespace: 'team' });
  });

  it('says by which way it came to a faulty file', async () => {
    const tree = createMemoryTree({
      'overlays/x/kustomization.yaml': 'resources: [../../base]\n',
      'base/kustomization.yaml': '# the base\nresources:\n- a.yaml\n- missing.yaml\n',
      'base/a.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n',
    });
    const result = await createRenderer({ digestKey }).render({ source, cluster: cluster('x'), tree });
    expect(result).toMatchObject({
      ok: false,
      problems: [
        {
          file: 'base/kustomization.yaml',
          line: 4,
          message: expect.stringContaining('overlays/x -> base'),
        },
      ],
    });
  });

  it('builds a base anew only for another schema or when origins are asked for', async () => {
    const overlay = (more: string) => `resources: [../../base]\npatches: [{path: p.yaml}]\n${more}`;
    const foo = (list: string) =>
      `apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: a}\nspec: {list: ${list}}\n`;
    const files: Record<string, string> = {
      'base/kustomization.yaml': 'resources: [a.yaml]\n',
      'base/a.yaml': foo('[{name: x, v: 1}]'),
      'overlays/schema/s.json': JSON.stringify({
        definitions: {
          Foo: {
            'x-kubernetes-group-version-kind': [{ group: 'e.com', version: 'v1', kind: 'Foo' }],
            properties: {
              spec: {
                properties: {
                  list: {
                    type: 'array',
                    'x-kubernetes-patch-strategy': 'merge',
                    'x-kubernetes-patch-merge-key': 'name',
                  },
                },
              },
            },
          },
        },
      }),
    };
    const layers = {
      one: '',
      two: '',
      schema: 'openapi: {path: s.json}\n',
      traced: 'buildMetadata: [originAnnotations]\n',
    };
    for (const [name, more] of Object.entries(layers)) {
      files[`overlays/${name}/kustomization.yaml`] = overlay(more);
      files[`overlays/${name}/p.yaml`] = foo('[{name: y}]');
    }
    const renderer = createRenderer({ digestKey });
    const tree = createMemoryTree(files);
    const contentOf = async (name: string): Promise<string> => {
      const result = await renderer.render({ source, cluster: cluster(name), tree });
      if (!result.ok) throw new Error(JSON.stringify(result.problems));
      return [...result.rendered.objects.values()].map(({ content }) => content).join();
    };
    expect(await contentOf('one')).toContain('"list":[{"name":"y"}]');
    expect(await contentOf('two')).toBe(await contentOf('one'));
    expect(renderer.stats().directoriesBuilt).toBe(3);
    expect(await contentOf('schema')).toContain('"list":[{"name":"y"},{"name":"x","v":1}]');
    expect(renderer.stats().directoriesBuilt).toBe(5);
    expect(await contentOf('traced')).toContain('path: ../../base/a.yaml');
    expect(await contentOf('one')).not.toContain('origin');
  });

  it('follows symbolic links within the repository and none out of it', async () => {
    const files = {
      'overlays/x/kustomization.yaml': 'resources: [linked, link.yaml]\n',
      'overlays/x/link.yaml': { link: 'real.yaml' },
      'overlays/x/real.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
      'overlays/x/linked': { link: '../../base' },
      'base/kustomization.yaml': 'resources: [b.yaml]\n',
      'base/b.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n',
    };
    const render = (tree = createMemoryTree(files)) =>
      createRenderer({ digestKey }).render({ source, cluster: cluster('x'), tree });
    expect((await render()).ok).toBe(true);
    for (const link of ['../../../etc/passwd', '/etc/passwd', 'link.yaml'])
      expect(await render(createMemoryTree({ ...files, 'overlays/x/link.yaml': { link } }))).toMatchObject({
        ok: false,
      });
  });
});
