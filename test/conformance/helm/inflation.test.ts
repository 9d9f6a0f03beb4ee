/** `helmCharts` of kustomizations against the real kustomize with --enable-helm and the same helm. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { cluster, newRenderer, type Outcome, program } from './bed.ts';
import { calledAsFields, type Files, kustomize, ours, theirs, tiny, web } from './inflation-bed.ts';

const chart = web('app/charts/web');
const one = (fields: string, more: Files = {}, rest = ''): Files => ({
  ...chart,
  'app/kustomization.yaml': `helmCharts:\n- name: web\n  ${fields.split('\n').join('\n  ')}\n${rest}`,
  ...more,
});
const base = (fields: string, overlay: string): Files => ({
  ...web('base/charts/web'),
  'base/kustomization.yaml': `helmCharts:\n- name: web\n  ${fields}\n`,
  'app/kustomization.yaml': overlay,
});

const cases: Readonly<Record<string, Files>> = {
  'a release': one('releaseName: rel'),
  'no release name': one('version: 1.0.0'),
  'namespace and definitions': one('releaseName: rel\nnamespace: shop\nincludeCRDs: true'),
  'the namespace of the kustomization': one('releaseName: rel', {}, 'namespace: shop\n'),
  'another namespace than the kustomization': one('releaseName: rel\nnamespace: one', {}, 'namespace: two\n'),
  'no hooks': one('releaseName: rel\nskipHooks: true'),
  'no tests': one('releaseName: rel\nskipTests: true'),
  'another file of values': one('releaseName: rel\nvaluesFile: v.yaml', {
    'app/v.yaml': 'a: file\nb: {c: file}\n',
  }),
  'more files of values': one('releaseName: rel\nadditionalValuesFiles: [v.yaml, w.yaml]', {
    'app/v.yaml': 'a: one\nb: {c: one}\n',
    'app/w.yaml': 'a: two\n',
  }),
  'inline values over': one(
    'releaseName: rel\nvaluesInline: {a: inline, b: {c: inline}, list: [3], new: {x: null}}',
  ),
  'inline values that remove': one('releaseName: rel\nvaluesInline: {a: null, b: {c: null}}'),
  'inline values of many digits': one(
    'releaseName: rel\nvaluesInline: {b: {big: 12345678901234567890, spelled: 1.10, text: "010"}}',
  ),
  'inline values under': one(
    'releaseName: rel\nvaluesMerge: merge\nvaluesInline: {a: inline, b: {e: inline}, list: [3]}',
  ),
  'inline values instead': one('releaseName: rel\nvaluesMerge: replace\nvaluesInline: {a: inline}'),
  'inline values over a file': one('releaseName: rel\nvaluesFile: v.yaml\nvaluesInline: {b: {c: inline}}', {
    'app/v.yaml': 'a: file\nb: {c: file, d: file}\n',
  }),
  'inline values called as fields of the entry': one(`releaseName: rel\nvaluesInline: ${calledAsFields}`),
  'inline values with an unknown merge': one('releaseName: rel\nvaluesMerge: nope\nvaluesInline: {a: b}'),
  capabilities: one('releaseName: rel\nkubeVersion: 1.29.1\napiVersions: [example.com/v1, example.com/v2]'),
  'values that the schema refuses': one('releaseName: rel\nvaluesInline: {a: 5}'),
  'prefix, labels, images, patches and a generator over a chart': one(
    'releaseName: rel\nskipTests: true',
    {},
    'namePrefix: p-\nnamespace: shop\nlabels: [{pairs: {l: v}}]\nimages: [{name: web, newTag: "2"}]\npatches:\n- patch: |-\n    {apiVersion: apps/v1, kind: Deployment, metadata: {name: rel-web, namespace: shop}, spec: {replicas: 3}}\nconfigMapGenerator: [{name: made, literals: [a=b]}]\n',
  ),
  'beside resources and generators, in order': {
    ...one('releaseName: rel', {}, 'resources: [r.yaml]\nsecretGenerator: [{name: s, literals: [a=b]}]\n'),
    'app/r.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: r}\n',
  },
  'a name made by a template': one(`nameTemplate: '{{ printf "%s-%d" "SHOP" 7 | lower }}'`),
  'a name and a template for it': one('releaseName: rel\nnameTemplate: other'),
  'a name made by a template that is none': one('nameTemplate: "{{ nope }}"'),
  'a name made by a template that helm does not take': one('nameTemplate: "Not_A_Name"'),
  'a name made by a template that looks like an option': one('nameTemplate: --post-renderer=x'),
  'what helm says at length, and versions in the making': one('releaseName: rel\ndebug: true\ndevel: true'),
  'two releases': {
    ...chart,
    'app/kustomization.yaml':
      'helmCharts:\n- {name: web, releaseName: one, skipTests: true, skipHooks: true}\n- {name: web, releaseName: two, skipTests: true, skipHooks: true}\n',
  },
  'the old field': {
    ...chart,
    'app/v.yaml': 'a: file\nb: {c: file}\n',
    'app/kustomization.yaml':
      'namespace: shop\nhelmChartInflationGenerator:\n- {chartName: web, chartVersion: 1.0.0, releaseName: rel, releaseNamespace: unheard, values: v.yaml, valuesLocal: {a: inline}, valuesMerge: merge, extraArgs: [--no-hooks], helmBin: none, chartRepoName: r}\n',
  },
  'the old field beside the new one': {
    ...chart,
    'app/kustomization.yaml':
      'helmChartInflationGenerator:\n- {chartName: web, releaseName: old}\nhelmCharts:\n- {name: web, releaseName: new, skipTests: true, skipHooks: true}\n',
  },
  'homes of the old field, of which the last counts': {
    ...tiny('app/lib/web'),
    ...tiny('app/lib/other'),
    'app/kustomization.yaml':
      'helmChartInflationGenerator:\n- {chartName: web, releaseName: one, chartHome: none}\n- {chartName: other, releaseName: two, chartHome: lib}\n',
  },
  'a home of the old field under helmGlobals': {
    ...web('app/lib/web'),
    'app/kustomization.yaml':
      'helmGlobals: {configHome: x}\nhelmChartInflationGenerator:\n- {chartName: web, releaseName: one, chartHome: lib}\n',
  },
  'the old field with a field of the new one': {
    ...chart,
    'app/kustomization.yaml': 'helmChartInflationGenerator:\n- {name: web, releaseName: one}\n',
  },
  'the old field without a name': {
    ...chart,
    'app/kustomization.yaml': 'helmChartInflationGenerator:\n- {releaseName: one}\n',
  },
  'two releases that collide': {
    ...chart,
    'app/kustomization.yaml':
      'helmCharts:\n- {name: web, releaseName: one}\n- {name: web, releaseName: two}\n',
  },
  'a home for charts': {
    ...web('app/lib/web'),
    'app/kustomization.yaml': 'helmGlobals: {chartHome: lib}\nhelmCharts:\n- {name: web, releaseName: rel}\n',
  },
  'a home outside the folder, with a file of values within': {
    ...web('lib/web'),
    'app/v.yaml': 'a: b\n',
    'app/kustomization.yaml':
      'helmGlobals: {chartHome: ../lib}\nhelmCharts:\n- {name: web, releaseName: rel, valuesFile: v.yaml}\n',
  },
  'a home outside the folder': {
    ...web('lib/web'),
    'app/kustomization.yaml':
      'helmGlobals: {chartHome: ../lib}\nhelmCharts:\n- {name: web, releaseName: rel}\n',
  },
  'a pulled chart': {
    ...web('app/charts/web-1.0.0/web'),
    'app/kustomization.yaml':
      'helmCharts:\n- {name: web, version: 1.0.0, repo: "https://charts.example", releaseName: rel}\n',
  },
  'no such chart': { 'app/kustomization.yaml': 'helmCharts:\n- {name: nope, releaseName: rel}\n' },
  'no name': { 'app/kustomization.yaml': 'helmCharts:\n- {releaseName: rel}\n' },
  'an option for a name': one('releaseName: --post-renderer=x'),
  'a file of values that is not there': one('releaseName: rel\nvaluesFile: nope.yaml'),
  'in a base': base('releaseName: rel', 'resources: [../base]\nnamePrefix: o-\n'),
  'in a base, with the namespace of the overlay': base(
    'releaseName: rel',
    'resources: [../base]\nnamespace: over\n',
  ),
  'in a base, with a namespace of its own': base(
    'releaseName: rel\n  namespace: own',
    'resources: [../base]\nnamespace: over\n',
  ),
  'in a base of a base': {
    ...base('releaseName: rel', 'resources: [../middle]\nnamespace: over\n'),
    'middle/kustomization.yaml': 'resources: [../base]\nnamePrefix: m-\n',
  },
  'in two overlays of one base': {
    ...base('releaseName: rel', 'resources: [../x, ../y]\n'),
    'x/kustomization.yaml': 'resources: [../base]\nnamespace: one\nnamePrefix: x-\n',
    'y/kustomization.yaml': 'resources: [../base]\nnamespace: two\nnamePrefix: y-\n',
  },
  'in a component': {
    ...web('part/charts/web'),
    'part/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nhelmCharts:\n- {name: web, releaseName: rel}\n',
    'app/kustomization.yaml': 'components: [../part]\nnamespace: over\n',
  },
};

describe.skipIf(program === undefined || kustomize === undefined)(
  'helmCharts, as kustomize inflates them',
  () => {
    const expected = new Map<string, Outcome>();
    beforeAll(async () => {
      for (const [name, files] of Object.entries(cases)) expected.set(name, await theirs(files));
    }, 240_000);

    it('has cases that kustomize takes, and such that it does not', () => {
      const failing = [...expected].filter(([, outcome]) => 'failure' in outcome).map(([name]) => name);
      expect(failing.sort()).toEqual([
        'a file of values that is not there',
        'a home of the old field under helmGlobals',
        'a home outside the folder',
        'a name and a template for it',
        'a name made by a template that helm does not take',
        'a name made by a template that is none',
        'a name made by a template that looks like an option',
        'an option for a name',
        'inline values with an unknown merge',
        'no name',
        'no such chart',
        'the old field with a field of the new one',
        'the old field without a name',
        'two releases that collide',
        'values that the schema refuses',
      ]);
    });

    it.each(Object.entries(cases))('%s', async (name, files) => {
      const outcome = expected.get(name)!;
      const mine = await ours(files);
      if ('failure' in outcome) expect(mine, outcome.failure).toHaveProperty('failure');
      else if ('failure' in mine) throw new Error(mine.failure);
      else expect(mine).toEqual(outcome);
    });

    it.each(['{{ randAlpha 5 | lower }}', 'at-{{ now | date "2006" }}'])(
      'refuses a name that is another each time: %s',
      async (template) => {
        const outcome = await ours(one(`nameTemplate: '${template}'`));
        expect('failure' in outcome && outcome.failure).toContain(
          'is another each time the chart is rendered',
        );
      },
    );

    it('says where to put a chart that is not there, instead of pulling it', async () => {
      const outcome = await ours({
        'app/kustomization.yaml':
          'helmCharts:\n- {name: web, version: 1.0.0, repo: "https://charts.example"}\n',
      });
      expect('failure' in outcome && outcome.failure).toBe(
        'app/kustomization.yaml:2: helmCharts[0]: there is no chart in app/charts/web-1.0.0/web, and none is pulled while rendering: commit what "kustomize build --enable-helm" puts there, or use an Application with source.helm',
      );
    });

    it('builds again only what a commit changes, and shares a base that has no chart between namespaces', async () => {
      const renderer = newRenderer();
      const source = { repository: '', ref: '', path: 'app', overlays: [] };
      const render = (files: Files) => renderer.render({ source, cluster, tree: createMemoryTree(files) });
      const files = cases['in a base, with the namespace of the overlay']!;
      const first = await render(files);
      const built = renderer.stats().directoriesBuilt;
      const again = await render({ ...files, 'elsewhere/x': 'y' });
      expect(again.ok && first.ok && again.rendered === first.rendered).toBe(true);
      expect(renderer.stats().directoriesBuilt - built).toBeLessThanOrEqual(2);
      const changed = await render({
        ...files,
        'base/charts/web/templates/config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n',
      });
      expect(changed.ok && changed.rendered.set.entries.some(({ key }) => key.name === 'other')).toBe(true);
    });
  },
);
