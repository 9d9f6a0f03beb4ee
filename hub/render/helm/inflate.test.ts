import { describe, expect, it } from 'vitest';
import { plainCluster as cluster } from '../../model/cluster.test-support.ts';
import { describeProblem } from '../../model/problem.ts';
import { createMemoryTree } from '../memory-tree.ts';
import { createRenderer } from '../renderer.ts';
import type { HelmRequest, HelmRunner } from './helm-runner.ts';

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** Stands in for the program, and keeps what it was asked. */
function recorded() {
  const requests: HelmRequest[] = [];
  const helm: HelmRunner = {
    version: async () => 'v4.0.0',
    template: async (request) => {
      requests.push(request);
      const output = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}\n';
      return { ok: true, output: new TextEncoder().encode(output) };
    },
  };
  return { helm, requests };
}

const chart = {
  'app/charts/web/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
  'app/charts/web/values.yaml': 'a: own\n',
};
const described = (fields: string) => ({
  ...chart,
  'app/chart.yaml': `apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: shop}\nname: web\n${fields}\n`,
  'app/kustomization.yaml': 'namespace: over\ngenerators: [chart.yaml]\n',
});

async function render(files: Readonly<Record<string, string>>, helm?: HelmRunner) {
  const renderer = createRenderer({ digestKey: new Uint8Array(32), helm });
  const source = { repository: '', ref: '', path: 'app', overlays: [] };
  const result = await renderer.render({ source, cluster, tree: createMemoryTree(files) });
  return result.ok ? 'rendered' : result.problems.map(describeProblem).join('\n');
}

describe('a HelmChartInflationGenerator under generators', () => {
  it('asks helm for what it states, and for no namespace of the kustomization', async () => {
    const { helm, requests } = recorded();
    const fields = 'releaseName: rel\nincludeCRDs: true\nskipHooks: true\nvaluesInline: {a: inline, name: 5}';
    expect(await render(described(fields), helm)).toBe('rendered');
    expect(requests[0]).toMatchObject({
      ...{ releaseName: 'rel', namespace: 'default', includeCrds: true, skipHooks: true, skipTests: false },
    });
    expect(text(requests[0]?.valueFiles[0]?.bytes)).toBe('{"a":"inline","name":"5"}');
  });

  it('is refused where no charts are rendered, at its own line', async () => {
    expect(await render(described('releaseName: rel'))).toBe(
      'app/chart.yaml:1: charts are not rendered here; fairway render does so with --enable-helm, as kustomize',
    );
  });
});

describe('nameTemplate', () => {
  it('is given to helm in place of a name, with another clock the second time', async () => {
    const { helm, requests } = recorded();
    expect(await render(described('nameTemplate: "{{ now }}"'), helm)).toBe('rendered');
    expect(requests.map(({ nameTemplate }) => nameTemplate)).toEqual([
      '{{ now }}',
      '{{ (toDate `2006-01-02` `2001-02-03`) }}',
    ]);
  });

  it.each([
    ['releaseName: rel\nnameTemplate: other', 'helm takes a releaseName or a nameTemplate, not both'],
    [
      `nameTemplate: '{{ getHostByName "x" }}'`,
      'nameTemplate: there is no network while rendering: leave getHostByName out',
    ],
  ])('is refused: %s', async (fields, message) => {
    const { helm, requests } = recorded();
    expect(await render(described(fields), helm)).toBe(`app/chart.yaml:1: ${message}`);
    expect(requests).toEqual([]);
  });
});
