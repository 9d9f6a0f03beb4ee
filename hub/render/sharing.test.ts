/** Ten thousand clusters with the same inputs: one render, one result, and few questions to the tree. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { ApplicationSource, Cluster } from '../model/fleet.ts';
import type { TreeReader } from '../model/tree.ts';
import type { HelmRequest, HelmRunner } from './helm/helm-runner.ts';
import { createMemoryTree } from './memory-tree.ts';
import { createRenderer, type RenderResult } from './renderer.ts';

const count = 10_000;
const digestKey = new Uint8Array(32);
const regions = ['eu', 'us', 'ap'];
const clusters = Array.from({ length: count }, (_, index): Cluster => {
  const region = regions[index % regions.length] ?? '';
  return {
    ...{ name: `c${index}`, region, labels: {}, role: 'none', paused: false },
    variables: { TIER: `t${index % 2}`, SERIAL: String(index) },
    kubernetesVersion: index % 2 === 0 ? '1.34.0' : '1.35.0',
    origin: { file: 'fleet/c.yaml', line: 1, commit: 'c' },
  };
});
const sourceOf = (part: Partial<ApplicationSource>): ApplicationSource => ({
  ...{ repository: '', ref: '', path: '', overlays: [] },
  ...part,
});
const map = (value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { value: "${value}" }\n`;

function counted(files: Record<string, string>): { tree: TreeReader; asked: () => number } {
  const tree = createMemoryTree(files);
  let asked = 0;
  const count =
    <A extends unknown[], T>(call: (...args: A) => T) =>
    (...args: A): T => {
      asked += 1;
      return call(...args);
    };
  return {
    tree: { ...tree, entry: count(tree.entry), list: count(tree.list), read: count(tree.read) },
    asked: () => asked,
  };
}

function distinct(results: readonly RenderResult[]): number {
  for (const result of results) if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return new Set(results).size;
}

describe('ten thousand clusters', () => {
  it('are one render where none has an overlay of its own, and three where regions have', async () => {
    const { tree, asked } = counted({
      'web/base/kustomization.yaml': 'resources: [map.yaml]\n',
      'web/base/map.yaml': map('base'),
      ...Object.fromEntries(
        regions.map((region) => [
          `web/overlays/${region}/kustomization.yaml`,
          `resources: [../../base]\nnamePrefix: ${region}-\n`,
        ]),
      ),
      'web/clusters/special/map.yaml': map('special'),
    });
    const renderer = createRenderer({ digestKey });
    const own = ['clusters/{{cluster.name}}', 'none/{{cluster.name}}'];
    const one = sourceOf({ path: 'web', overlays: [...own, 'base'] });
    const all = await renderer.renderAll({ source: one, clusters, tree });
    expect(distinct(all.results)).toBe(1);
    expect(all.work).toMatchObject({ directoriesBuilt: 1, filesRead: 2 });
    expect(renderer.stats()).toMatchObject({ renders: count, cacheHits: count - 1 });
    const three = sourceOf({ path: 'web', overlays: [...own, 'overlays/{{cluster.region}}'] });
    const some = await renderer.renderAll({ source: three, clusters, tree });
    expect(distinct(some.results)).toBe(3);
    expect(some.work).toMatchObject({ directoriesBuilt: 3, filesRead: 3 });
    expect(asked()).toBeLessThan(100);
  });

  it('are a render for each set of values of the variables that are used', async () => {
    const { tree, asked } = counted({ 'web/map.yaml': map(`\${TIER}`) });
    const renderer = createRenderer({ digestKey });
    const source = sourceOf({ path: 'web', substitute: { optional: false, variables: {} } });
    const { results, work } = await renderer.renderAll({ source, clusters, tree });
    expect(distinct(results)).toBe(2);
    expect(work).toMatchObject({ directoriesBuilt: 1, filesRead: 1, filesParsed: 1 });
    expect(asked()).toBeLessThan(20);
    const again = await renderer.renderAll({ source, clusters, tree });
    expect(again.results[0]).toBe(results[0]);
    expect(again.work).toMatchObject({ directoriesBuilt: 0, filesRead: 0 });
  });

  it('are a run of helm for each version of Kubernetes', async () => {
    const runs: HelmRequest[] = [];
    const helm: HelmRunner = {
      version: async () => 'v4',
      template: async (request) => {
        runs.push(request);
        return { ok: true, output: new TextEncoder().encode(map(request.kubeVersion)) };
      },
    };
    const { tree, asked } = counted({
      'chart/Chart.yaml': 'apiVersion: v2\nname: demo\nversion: 1.0.0\n',
      'chart/templates/map.yaml': map('x'),
      'chart/eu.yaml': 'a: 1\n',
    });
    const renderer = createRenderer({ digestKey, helm });
    const source = sourceOf({
      helm: {
        ...{ chart: 'chart', pin: undefined, releaseName: 'demo', namespace: 'x', values: {} },
        ...{ valueFiles: ['values/{{cluster.region}}.yaml'], includeCrds: true },
      },
    });
    const { results, work } = await renderer.renderAll({ source, clusters, tree });
    expect(distinct(results)).toBe(2);
    expect(work.directoriesBuilt).toBe(2);
    // Each twice, since a chart must not hang on chance.
    expect(runs.map(({ kubeVersion }) => kubeVersion)).toEqual(['1.34.0', '1.34.0', '1.35.0', '1.35.0']);
    expect(asked()).toBeLessThan(50);
  });
});

describe('what is remembered of a commit', () => {
  it('goes with the results that were let go', async () => {
    const limits = { builtObjectsMax: 50 };
    const renderer = createRenderer({ digestKey, limits });
    const files: Record<string, string> = {};
    for (let index = 0; index < 200; index += 1) files[`o/c${index}/map.yaml`] = map(String(index));
    const source = sourceOf({ path: 'o', overlays: ['{{cluster.name}}'] });
    const some = clusters.slice(0, 200);
    const tree = createMemoryTree(files);
    const refs = (await renderer.renderAll({ source, clusters: some, tree })).results.map(
      (result) => new WeakRef(result),
    );
    // Two objects' weight each: the folder, and its one object.
    expect(await leftAfterCollection(refs)).toBeLessThanOrEqual(26);
  });

  it('are handed on one by one, those of a folder together, so that little needs to be remembered', async () => {
    const { tree } = counted({
      'base/kustomization.yaml': 'resources: [map.yaml]\n',
      'base/map.yaml': map('base'),
      ...Object.fromEntries(
        regions.map((region) => [
          `${region}/kustomization.yaml`,
          `resources: [../base]\nnamePrefix: ${region}-\n`,
        ]),
      ),
    });
    const source = sourceOf({ overlays: ['{{cluster.region}}'] });
    const kept = await createRenderer({ digestKey }).renderAll({ source, clusters, tree });
    const renderer = createRenderer({ digestKey, topObjectsMax: 1 });
    const taken = new Map<string, RenderResult>();
    const { results, work } = await renderer.renderAll({
      ...{ source, clusters, tree },
      take: ({ name }, result) => void taken.set(name, result),
    });
    expect(results).toEqual([]);
    // The base and each region, once.
    expect(work.directoriesBuilt).toBe(4);
    expect(clusters.map(({ name }) => setOf(taken.get(name)))).toEqual(kept.results.map(setOf));
    // The base is remembered as ever; of the regions only the last.
    await renderer.renderAll({ source, clusters, tree });
    expect(renderer.stats().directoriesBuilt).toBeGreaterThan(4);
  });

  it('are rendered again alike where nothing of them is remembered, also of folders that were listed', async () => {
    // More names of one folder than are asked for one by one.
    const names = Array.from({ length: 40 }, (_, index) => `files/f${index}.yaml`);
    const { tree } = counted({
      'base/kustomization.yaml': 'resources: [map.yaml]\n',
      'base/map.yaml': map('base'),
      'eu/kustomization.yaml': `resources: [../base]\nconfigMapGenerator:\n- { name: b, files: [${names.join(', ')}] }\n`,
      ...Object.fromEntries(names.map((name) => [`eu/${name}`, 'x'])),
    });
    const renderer = createRenderer({ digestKey, topObjectsMax: 1 });
    const request = { source: sourceOf({ path: 'eu' }), clusters: clusters.slice(0, 1), tree };
    const [first] = (await renderer.renderAll(request)).results;
    const again = await renderer.renderAll(request);
    expect(again.work.directoriesBuilt).toBe(1);
    expect(first?.ok).toBe(true);
    expect(again.results).toEqual([first]);
  });
});

const setOf = (result: RenderResult | undefined) =>
  result?.ok === true ? result.rendered.set.digest : undefined;

/** How many are left once the collector has been at work. */
async function leftAfterCollection(refs: readonly WeakRef<RenderResult>[]): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  // What was looked at in a turn is kept to its end.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  return refs.filter((ref) => ref.deref() !== undefined).length;
}
