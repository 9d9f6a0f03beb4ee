/** A HelmChartInflationGenerator as an object under `generators`, against the real kustomize with --enable-helm and the same helm. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from './bed.ts';
import { program } from './bed.ts';
import { calledAsFields, type Files, kustomize, ours, theirs, tiny, web } from './inflation-bed.ts';

const chart = web('app/charts/web');
const head = 'apiVersion: builtin\nkind: HelmChartInflationGenerator\n';

/** The object in a file of its own. */
const one = (fields: string, more: Files = {}, rest = ''): Files => ({
  ...chart,
  'app/chart.yaml': `${head}metadata: {name: shop}\nname: web\n${fields}\n`,
  'app/kustomization.yaml': `generators: [chart.yaml]\n${rest}`,
  ...more,
});

const values: Files = {
  'app/v.yaml': 'a: file\nb: {c: file, d: file}\n',
  'app/w.yaml': 'b: {d: more}\n',
};

const inline = (fields: string, rest = ''): Files => ({
  ...chart,
  'app/kustomization.yaml': `generators:\n- |-\n  ${`${head}metadata: {name: shop}\nname: web\n${fields}`.split('\n').join('\n  ')}\n${rest}`,
});

/** In a folder that the kustomization names, which sets something itself. */
const inFolder = (fields: string, rest: string): Files => ({
  ...chart,
  'app/gen/chart.yaml': `${head}metadata: {name: shop}\nname: web\n${fields}\n`,
  'app/gen/kustomization.yaml': `resources: [chart.yaml]\n${rest}`,
  'app/kustomization.yaml': 'generators: [gen]\n',
});

const overlaid = (fields: string, overlay: string): Files => ({
  ...web('base/charts/web'),
  'base/v.yaml': 'a: file\n',
  'base/chart.yaml': `${head}metadata: {name: shop}\nname: web\n${fields}\n`,
  'base/kustomization.yaml': 'generators: [chart.yaml]\n',
  'app/kustomization.yaml': `resources: [../base]\n${overlay}`,
});

const all =
  'releaseName: rel\nnamespace: shop\nversion: 1.0.0\nincludeCRDs: true\nvaluesFile: v.yaml\nadditionalValuesFiles: [w.yaml]\nvaluesInline: {list: [3], b: {c: inline}}\nkubeVersion: 1.29.1\napiVersions: [example.com/v1]';

const cases: Readonly<Record<string, Files>> = {
  'all that it takes': one(all, values),
  'no release name': one('version: 1.0.0'),
  'no tests and no hooks': one('releaseName: rel\nskipTests: true\nskipHooks: true'),
  'a name made by a template': one('nameTemplate: shop-{{ 7 }}'),
  'inline values under a file': one(
    'releaseName: rel\nvaluesFile: v.yaml\nvaluesMerge: merge\nvaluesInline: {a: inline, b: {e: inline}}',
    values,
  ),
  'inline values instead': one('releaseName: rel\nvaluesMerge: replace\nvaluesInline: {a: inline}'),
  'inline values of many digits': one(
    'releaseName: rel\nvaluesInline: {b: {big: 12345678901234567890, spelled: 1.10, exact: 3.0, text: "010"}}',
  ),
  'inline values that remove': one('releaseName: rel\nvaluesInline: {a: null, b: {c: null}}'),
  'inline values called as fields of the generator': one(`releaseName: rel\nvaluesInline: ${calledAsFields}`),
  'inline values with an unknown merge': one('releaseName: rel\nvaluesMerge: nope\nvaluesInline: {a: b}'),
  'values that the schema refuses': one('releaseName: rel\nvaluesInline: {a: 5}'),
  'within the kustomization': inline('releaseName: rel\nvaluesInline: {a: inline}'),
  'within the kustomization, beside others': {
    ...inline(
      'releaseName: rel',
      'configMapGenerator: [{name: made, literals: [a=b]}]\nresources: [r.yaml]\n',
    ),
    'app/r.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: r}\n',
  },
  'a home of its own': {
    ...web('app/lib/web'),
    'app/chart.yaml': `${head}metadata: {name: shop}\nname: web\nreleaseName: rel\nchartHome: lib\nconfigHome: x\n`,
    'app/kustomization.yaml': 'generators: [chart.yaml]\n',
  },
  'no home from helmGlobals': one('releaseName: rel', {}, 'helmGlobals: {chartHome: none}\n'),
  'no namespace from the kustomization': one('releaseName: rel', {}, 'namespace: over\n'),
  'a namespace of its own in one that has another': one(
    'releaseName: rel\nnamespace: own',
    {},
    'namespace: over\n',
  ),
  'a namespace in its metadata': one('releaseName: rel', {
    'app/chart.yaml': `${head}metadata: {name: shop, namespace: meta}\nname: web\nreleaseName: rel\n`,
  }),
  'prefix, labels, images, patches and a replacement over it': one(
    'releaseName: rel\nskipTests: true',
    {},
    'namePrefix: p-\nlabels: [{pairs: {l: v}}]\nimages: [{name: web, newTag: "2"}]\npatches:\n- patch: |-\n    {apiVersion: apps/v1, kind: Deployment, metadata: {name: rel-web, namespace: default}, spec: {replicas: 3}}\nreplacements:\n- source: {kind: ConfigMap, name: rel-config, fieldPath: data.on}\n  targets: [{select: {kind: Deployment}, fieldPaths: [metadata.annotations.taken], options: {create: true}}]\n',
  ),
  'in a folder': inFolder('releaseName: rel', ''),
  'in a folder that patches it': inFolder(
    'releaseName: rel\nvaluesInline: {a: one}',
    'patches:\n- target: {kind: HelmChartInflationGenerator}\n  patch: |-\n    - {op: replace, path: /valuesInline/a, value: two}\n    - {op: add, path: /namespace, value: patched}\n',
  ),
  'in a folder that names a chart of its own': {
    ...chart,
    ...tiny('app/gen/charts/web'),
    'app/gen/chart.yaml': `${head}metadata: {name: shop}\nname: web\nreleaseName: rel\n`,
    'app/gen/kustomization.yaml': 'resources: [chart.yaml]\n',
    'app/kustomization.yaml': 'generators: [gen]\n',
  },
  'in a base, with an overlay': overlaid(
    'releaseName: rel\nnamespace: own\nincludeCRDs: true\nvaluesFile: v.yaml',
    'namePrefix: o-\nnamespace: over\ncommonAnnotations: {note: text}\n',
  ),
  'in a base without a namespace': overlaid('releaseName: rel', 'namespace: over\n'),
  'beside helmCharts': one(
    'releaseName: late\nskipTests: true\nskipHooks: true',
    {},
    'helmCharts: [{name: web, releaseName: early, skipTests: true, skipHooks: true}]\n',
  ),
  'two of one file': {
    ...chart,
    ...tiny('app/charts/tiny'),
    'app/chart.yaml': `${head}metadata: {name: one}\nname: web\nreleaseName: one\n---\n${head}metadata: {name: two}\nname: tiny\nreleaseName: two\n`,
    'app/kustomization.yaml': 'generators: [chart.yaml]\n',
  },
  'of a chart whose objects are there': one('releaseName: rel', {
    'app/hook.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook}\n',
    'app/kustomization.yaml': 'resources: [hook.yaml]\ngenerators: [chart.yaml]\n',
  }),
  'with a field of no chart': one('releaseName: rel\nunheard: of'),
  'with a field in other letters': one('RELEASENAME: rel'),
  'with a number for a text': one('releaseName: 7\nvaluesMerge: override'),
  'with a text for a flag': one('releaseName: rel\nincludeCRDs: "yes"'),
  'with a text for a list': one('releaseName: rel\nadditionalValuesFiles: v.yaml', values),
  'without a name of its chart': one('releaseName: rel', {
    'app/chart.yaml': `${head}metadata: {name: shop}\nreleaseName: rel\n`,
  }),
  'without a name of its own': one('releaseName: rel', {
    'app/chart.yaml': `${head}name: web\nreleaseName: rel\n`,
  }),
  'of a chart that is not there': one('releaseName: rel', {
    'app/chart.yaml': `${head}metadata: {name: shop}\nname: nope\n`,
  }),
  'of values that are not there': one('releaseName: rel\nvaluesFile: nope.yaml'),
  'of further values that are not there': one('releaseName: rel\nadditionalValuesFiles: [nope.yaml]'),
  'an option for a name': one('releaseName: --post-renderer=x'),
  'under transformers': {
    ...one('releaseName: rel'),
    'app/kustomization.yaml': 'transformers: [chart.yaml]\n',
  },
  'with origins': one('releaseName: rel\nskipTests: true', {}, 'buildMetadata: [originAnnotations]\n'),
  'with origins and transformations': one(
    'releaseName: rel\nskipTests: true',
    {},
    'namePrefix: p-\nbuildMetadata: [originAnnotations, transformerAnnotations]\n',
  ),
  'within the kustomization, with origins': inline(
    'releaseName: rel',
    'buildMetadata: [originAnnotations]\n',
  ),
  'in a base, with origins': overlaid('releaseName: rel', 'buildMetadata: [originAnnotations]\n'),
};

describe.skipIf(program === undefined || kustomize === undefined)(
  'HelmChartInflationGenerator under generators, as kustomize treats it',
  () => {
    const expected = new Map<string, Outcome>();
    beforeAll(async () => {
      for (const [name, files] of Object.entries(cases)) expected.set(name, await theirs(files));
    }, 240_000);

    it('has cases that kustomize takes, and such that it does not', () => {
      const failing = [...expected].filter(([, outcome]) => 'failure' in outcome).map(([name]) => name);
      expect(failing.sort()).toEqual([
        'an option for a name',
        'inline values with an unknown merge',
        'of a chart that is not there',
        'of a chart whose objects are there',
        'of further values that are not there',
        'of values that are not there',
        'under transformers',
        'values that the schema refuses',
        'with a number for a text',
        'with a text for a flag',
        'with a text for a list',
        'without a name of its chart',
        'without a name of its own',
      ]);
    });

    it.each(Object.entries(cases))('%s', async (name, files) => {
      const outcome = expected.get(name)!;
      const mine = await ours(files);
      if ('failure' in outcome) expect(mine, outcome.failure).toHaveProperty('failure');
      else if ('failure' in mine) throw new Error(mine.failure);
      else expect(mine).toEqual(outcome);
    });
  },
);
