/** Charts across restarts: what a run hangs on, and nothing else, makes another. */
import { beforeEach, describe, expect, it } from 'vitest';
import { plainCluster } from '../../model/cluster.test-support.ts';
import type { ApplicationSource, Cluster } from '../../model/fleet.ts';
import type { HelmRequest, HelmRunner } from '../helm/helm-runner.ts';
import { createMemoryTree } from '../memory-tree.ts';
import { createRenderer, type Renderer } from '../renderer.ts';
import { createKeptRenders } from './kept-renders.test-support.ts';

const cluster: Cluster = { ...plainCluster, name: 'one', region: 'eu', kubernetesVersion: '1.35.0' };
const chartSource: ApplicationSource = {
  ...{ repository: '', ref: '', path: '', overlays: [] },
  helm: {
    ...{ chart: 'chart', pin: undefined, releaseName: 'demo', namespace: 'x', values: { a: '1' } },
    ...{ valueFiles: ['values.yaml', 'regions/{{cluster.region}}.yaml'], includeCrds: true },
  },
};
const inflated: ApplicationSource = { repository: '', ref: '', path: 'inflated', overlays: [] };
const files = (): Record<string, string> => ({
  'chart/Chart.yaml': 'apiVersion: v2\nname: chart\nversion: 1.0.0\n',
  'chart/templates/map.yaml': 'a: 1\n',
  'values.yaml': 'a: 1\n',
  'inflated/kustomization.yaml':
    'helmCharts: [{ name: chart, valuesFile: own.yaml }]\nhelmGlobals: { chartHome: charts }\n',
  'inflated/own.yaml': 'a: 1\n',
  'inflated/charts/chart/Chart.yaml': 'apiVersion: v2\nname: chart\nversion: 1.0.0\n',
  'inflated/charts/chart/templates/map.yaml': 'a: 1\n',
});

let kept: ReturnType<typeof createKeptRenders>;
let runs: HelmRequest[];
beforeEach(() => {
  kept = createKeptRenders();
  runs = [];
});

/** A process of its own. */
function open(version: () => string): Renderer {
  const helm: HelmRunner = {
    version: async () => version(),
    template: async (request) => {
      runs.push(request);
      const template = [...request.chart].find(([path]) => path.startsWith('templates/'));
      const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { a: "${digestOf(template)}" }\n`;
      return { ok: true, output: new TextEncoder().encode(text) };
    },
  };
  return createRenderer({
    ...{ digestKey: new Uint8Array(32), helm },
    memory: { port: kept.memory, engine: 'e' },
  });
}

const digestOf = (template: readonly [string, Uint8Array] | undefined) =>
  Buffer.from(template?.[1] ?? []).toString('hex');

/** How often helm was run, and what came of it. */
async function renderIn(
  renderer: Renderer,
  source: ApplicationSource,
  tree: Record<string, string>,
  on = cluster,
): Promise<readonly [runs: number, set: string]> {
  const before = runs.length;
  const request = { source, clusters: [on], tree: createMemoryTree(tree), memory: 'keep' } as const;
  const batch = await renderer.renderAll(request);
  kept.keep(batch);
  const [result] = batch.results;
  if (!result?.ok) throw new Error(JSON.stringify(result?.problems));
  return [runs.length - before, result.rendered.set.digest];
}

/** By a process of its own; how often helm was run. */
async function render(
  source: ApplicationSource,
  tree: Record<string, string>,
  { version = 'v4.0.0', on = cluster } = {},
): Promise<number> {
  return (
    await renderIn(
      open(() => version),
      source,
      tree,
      on,
    )
  )[0];
}

describe.each([
  ['a chart', chartSource, 'values.yaml', 'chart/templates/map.yaml'],
  ['a chart in a kustomization', inflated, 'inflated/own.yaml', 'inflated/charts/chart/templates/map.yaml'],
])('%s', (_what, source, values, template) => {
  it('is not run again by another process', async () => {
    expect(await render(source, files())).toBe(2);
    expect(await render(source, files())).toBe(0);
    expect(await render(source, { ...files(), 'other/file.yaml': 'a: 2\n' })).toBe(0);
  });

  it('is not taken for what it was, in the process that has found it changed', async () => {
    const later = { ...files(), [template]: 'a: 2\n' };
    const [, before] = await renderIn(
      open(() => 'v4.0.0'),
      source,
      files(),
    );
    const renderer = open(() => 'v4.0.0');
    expect(await renderIn(renderer, source, files())).toEqual([0, before]);
    const [count, after] = await renderIn(renderer, source, later);
    expect([count, after === before]).toEqual([2, false]);
    expect(await renderIn(renderer, source, later)).toEqual([0, after]);
  });

  it('is run again once the program is another, in the same process', async () => {
    let version = 'v4.0.0';
    const renderer = open(() => version);
    expect((await renderIn(renderer, source, files()))[0]).toBe(2);
    expect((await renderIn(renderer, source, files()))[0]).toBe(0);
    version = 'v4.1.0';
    expect((await renderIn(renderer, source, files()))[0]).toBe(2);
  });

  it('is run again for other values, another template and another helm', async () => {
    await render(source, files());
    expect(await render(source, { ...files(), [values]: 'a: 2\n' })).toBe(2);
    await render(source, files());
    expect(await render(source, { ...files(), [template]: 'a: 2\n' })).toBe(2);
    await render(source, files());
    expect(await render(source, files(), { version: 'v4.1.0' })).toBe(2);
  });
});

describe('a chart of an Application', () => {
  it('is run again for another Kubernetes, other values of its own, and a file of a region that came', async () => {
    await render(chartSource, files());
    expect(await render(chartSource, files(), { on: { ...cluster, kubernetesVersion: '1.36.0' } })).toBe(2);
    const { helm } = chartSource;
    const other = { ...chartSource, ...(helm && { helm: { ...helm, values: { a: '2' } } }) };
    expect(await render(other, files())).toBe(2);
    expect(await render(chartSource, files())).toBe(0);
    expect(await render(chartSource, { ...files(), 'regions/eu.yaml': 'a: 3\n' })).toBe(2);
  });
});
