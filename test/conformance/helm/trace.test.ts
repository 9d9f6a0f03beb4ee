/** Traces of what charts make: each object knows its template. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeProblem } from '../../../hub/model/problem.ts';
import type { ObjectTrace, Written } from '../../../hub/model/trace.ts';
import { applyChanges } from '../../../hub/model/trace-chain.ts';
import { printFieldPath } from '../../../hub/model/trace-path.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import type { Json } from '../../../shared/manifest/object.ts';
import { checkTraces, noCounts } from '../render/trace-checks.ts';
import { cluster, type Files, helmSource, newRenderer, program } from './bed.ts';
import { generatedChart } from './generated-charts.ts';

const chart = (folder: string): Files => ({
  [`${folder}/Chart.yaml`]: 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
  [`${folder}/values.yaml`]: 'image: web:1\n',
  [`${folder}/templates/config.yaml`]:
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-config }\ndata: { image: {{ .Values.image }} }\n',
  [`${folder}/templates/hook.yaml`]:
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: hook, annotations: { helm.sh/hook: pre-install } }\n',
});

async function trace(
  files: Files,
  name: string,
  source: ReturnType<typeof helmSource> | undefined,
): Promise<ObjectTrace> {
  const folder = { repository: '', ref: '', path: 'app', overlays: [] };
  const request = { source: source ?? folder, cluster, tree: createMemoryTree(files) };
  const renderer = newRenderer();
  const result = await renderer.trace(request, { kind: 'ConfigMap', name });
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join('\n'));
  const rendered = await renderer.render(request);
  const [found] = result.traces;
  if (!rendered.ok || found === undefined) throw new Error('rendered to nothing');
  const entry = rendered.rendered.set.entries.find(({ key }) => key.name === found.identity.name);
  const content = rendered.rendered.objects.get(entry?.objectDigest ?? '')?.content;
  expect(canonicalJson(found.final)).toBe(content);
  const changes = found.steps.flatMap((step) => step.changes);
  const start = found.start.object as unknown as Json;
  expect(canonicalJson(applyChanges(start, changes, found.mergeKeys))).toBe(content);
  return found;
}

const stepsOf = ({ steps }: ObjectTrace): readonly string[] =>
  steps.flatMap(({ action, changes }) =>
    changes.map(({ path, at }) => `${action}: ${printFieldPath(path)} at ${at.file}:${at.line}`),
  );

describe.skipIf(program === undefined)('the trace of an object of a chart', () => {
  it("of an Application's chart names the template, hooks mapped", async () => {
    const found = await trace(chart('app/chart'), 'hook', helmSource());
    expect(found).toMatchObject({ way: ['app/chart'], steps: [] });
    expect(found.start).toMatchObject({
      ...{ kind: 'chart', action: 'helm', layer: 'app/chart' },
      configuredAt: { source: 'application', field: 'spec.source.helm' },
      at: { source: 'repository', file: 'app/chart/templates/hook.yaml', line: 2, oid: expect.any(String) },
    });
    expect(found.start.object.metadata.annotations).toMatchObject({ 'fairway.dev/hook': 'pre-sync' });
  });

  it('of helmCharts names the entry and the template, and what came after', async () => {
    const files = {
      ...chart('base/charts/web'),
      'base/kustomization.yaml': 'helmCharts:\n- name: web\n  releaseName: rel\n',
      'app/kustomization.yaml': 'resources: [../base]\nnamePrefix: eu-\ncommonAnnotations: {note: text}\n',
    };
    const found = await trace(files, 'rel-config', undefined);
    expect(found.way).toEqual(['app', 'base']);
    expect(found.start).toMatchObject({
      ...{ kind: 'chart', action: 'helmCharts[0]', layer: 'base' },
      configuredAt: { file: 'base/kustomization.yaml', line: 2 },
      at: { file: 'base/charts/web/templates/config.yaml', line: 2 },
    });
    // What the renderer notes for itself is not told.
    expect(found.start.object.metadata.annotations).toBeUndefined();
    expect(stepsOf(found)).toEqual([
      'namePrefix: metadata.name at app/kustomization.yaml:2',
      'commonAnnotations: metadata.annotations.note at app/kustomization.yaml:3',
    ]);
  });

  it('of a generator that is an object names it, its values and the template, and what came after', async () => {
    const generator =
      'apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: shop}\nname: web\nreleaseName: rel\n';
    const files = {
      ...chart('base/charts/web'),
      'base/charts/web/values.yaml': 'image: web:1\n',
      'base/charts/web/templates/config.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-config }\ndata:\n  image: {{ .Values.image }}\n  level: {{ .Values.level | quote }}\n  extra: {{ .Values.extra | quote }}\n',
      'base/v.yaml': '# The shop\nimage: web:2\n',
      'base/w.yaml': 'extra: more\n',
      'base/chart.yaml': `${generator}valuesFile: v.yaml\nadditionalValuesFiles: [w.yaml]\nvaluesInline:\n  level: loud\n`,
      'base/kustomization.yaml': 'generators: [chart.yaml]\n',
      'app/kustomization.yaml': 'resources: [../base]\nnamePrefix: eu-\n',
    };
    const found = await trace(files, 'rel-config', undefined);
    const action = 'generators HelmChartInflationGenerator shop';
    expect(found.way).toEqual(['app', 'base']);
    expect(found.start).toMatchObject({
      ...{ kind: 'chart', action, layer: 'base', configuredAt: { file: 'base/chart.yaml', line: 1 } },
      at: { file: 'base/charts/web/templates/config.yaml', line: 2 },
    });
    expect(stepsOf(found)).toEqual([
      `${action}.valuesFile: data.image at base/v.yaml:2`,
      `${action}.valuesInline: data.level at base/chart.yaml:9`,
      `${action}.additionalValuesFiles[0]: data.extra at base/w.yaml:1`,
      'namePrefix: metadata.name at app/kustomization.yaml:2',
    ]);
    const image = found.start.written.find(({ path }) => path.at(-1) === 'image');
    expect(image?.at).toMatchObject({ file: 'base/charts/web/values.yaml', line: 1 });
  });

  it('of a generator that is patched before it runs names the patch', async () => {
    const files = {
      ...chart('app/charts/web'),
      'app/gen/chart.yaml':
        'apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: shop}\nname: web\nreleaseName: rel\nvaluesInline: {image: web:2}\n',
      'app/gen/kustomization.yaml':
        'resources: [chart.yaml]\npatches:\n- target: {kind: HelmChartInflationGenerator}\n  patch: |-\n    - op: replace\n      path: /valuesInline/image\n      value: web:3\n',
      'app/kustomization.yaml': 'generators: [gen]\n',
    };
    const found = await trace(files, 'rel-config', undefined);
    const [change] = found.steps.flatMap(({ changes }) => changes);
    expect(change).toMatchObject({ before: 'web:1', after: 'web:3' });
    expect(change?.at).toMatchObject({ file: 'app/gen/kustomization.yaml', line: 7, holds: 'value' });
    expect(change?.at.through).toMatchObject({ file: 'app/charts/web/templates/config.yaml', line: 4 });
  });

  const layered: Files = {
    ...chart('app/chart'),
    'app/chart/values.yaml':
      'image: {repository: nginx, tag: "1"}\nreplicas: 1\nlabels:\n  team: a\ndebug: false\n',
    'app/chart/templates/_helpers.tpl': '{{ define "labels" }}app: {{ .Release.Name }}{{ end }}\n',
    'app/chart/templates/config.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  labels:
    {{- include "labels" . | nindent 4 }}
    {{- with .Values.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
data:
  image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
  replicas: {{ .Values.replicas | quote }}
  {{- if .Values.debug }}
  level: loud
  {{- end }}
  fixed: text
`,
    'app/values/eu.yaml': '# Europe\nimage:\n  tag: "2"\ndebug: true\n',
  };

  it('tells of each value where it is written, from the chart to what is inline, and through which line it came', async () => {
    const found = await trace(
      layered,
      'web',
      helmSource({
        valueFiles: ['values/{{cluster.region}}.yaml'],
        values: { labels: { extra: 'x' }, replicas: 5 },
      }),
    );
    const place = ({ source, file, line, field, holds, through }: Written): string =>
      `${[source, file, line, field, holds].filter((part) => part !== '').join(' ')}${through ? ` by ${through.line}` : ''}`;
    expect(found.start.written.map(({ path, at }) => `${printFieldPath(path)} ${place(at)}`)).toEqual([
      'apiVersion repository app/chart/templates/config.yaml 1 value',
      'metadata.name repository app/chart/templates/config.yaml 4 value',
      'metadata.labels.app repository app/chart/templates/config.yaml 6 cause',
      'metadata.labels.team repository app/chart/values.yaml 4 value by 8',
      'data.image repository app/chart/values.yaml 1 part by 11',
      'data.replicas repository app/chart/values.yaml 2 value by 12',
      'data.fixed repository app/chart/templates/config.yaml 16 value',
    ]);
    expect(
      found.steps.flatMap(({ action, changes }) =>
        changes.map(({ path, after, at }) => `${action} ${printFieldPath(path)} ${after} ${place(at)}`),
      ),
    ).toEqual([
      'helm.valueFiles[0] data.image nginx:2 repository app/values/eu.yaml 3 part by 11',
      'helm.valueFiles[0] data.level loud repository app/values/eu.yaml 4 cause by 14',
      'helm.values metadata.labels.extra x application 0 spec.source.helm.values.labels.extra value by 8',
      'helm.values data.replicas 5 application 0 spec.source.helm.values.replicas value by 12',
    ]);
  });

  it("begins where the chart can be rendered, and tells of a subchart's values", async () => {
    const files: Files = {
      ...layered,
      'app/chart/Chart.yaml':
        'apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 1.0.0, repository: ""}\n',
      'app/chart/charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
      'app/chart/charts/sub/values.yaml': 'host: db\nport: 5432\n',
      'app/chart/charts/sub/templates/a.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sub}\ndata:\n  host: {{ .Values.host }}\n  port: {{ .Values.port | quote }}\n  key: {{ required "a key" .Values.key }}\n',
      'app/values/eu.yaml': 'sub:\n  key: secret\n  host: eu-db\n',
    };
    const found = await trace(files, 'sub', helmSource({ valueFiles: ['values/eu.yaml'] }));
    expect(found.steps).toEqual([]);
    expect(
      found.start.written
        .filter(({ path }) => path[0] === 'data')
        .map(
          ({ path, at }) =>
            `${printFieldPath(path)} ${at.file}:${at.line} ${at.through?.file}:${at.through?.line}`,
        ),
    ).toEqual([
      'data.host app/values/eu.yaml:3 app/chart/charts/sub/templates/a.yaml:5',
      'data.port app/chart/charts/sub/values.yaml:2 app/chart/charts/sub/templates/a.yaml:6',
      'data.key app/values/eu.yaml:2 app/chart/charts/sub/templates/a.yaml:7',
    ]);
  });

  it('for generated charts gives the rendered object, change by change', async () => {
    const asked = process.env['FAIRWAY_SEED'] ?? '20261121';
    const seed = asked === 'random' ? Date.now() % 0x7fffffff : Number(asked);
    const counts = noCounts();
    const runs = Number(process.env['FAIRWAY_CHART_RUNS'] ?? 6);
    for (const { files, helm } of fc.sample(generatedChart, { numRuns: runs, seed }))
      await checkTraces(files, newRenderer(), counts, helm === undefined ? {} : { source: helmSource(helm) });
    expect(counts.objects).toBeGreaterThanOrEqual(runs * 2);
    expect(counts.value + counts.part).toBeGreaterThan(counts.changes / 2);
  }, 240_000);
});
