/** Charts against `helm template` run directly: the same objects in the same order, and failure where it fails. */
import { describe, expect, it } from 'vitest';
import type { Cluster, HelmSource } from '../../../hub/model/fleet.ts';
import { cluster, type Files, program, renderOurs, renderTheirs } from './bed.ts';
import { archive, chart, configMap } from './charts.ts';

interface Case {
  readonly files: Files;
  readonly helm?: Partial<HelmSource>;
  readonly cluster?: Partial<Cluster>;
  /** What `helm template` is given for the same. */
  readonly args?: readonly string[];
}

const version = ['--kube-version', '1.36.3'];

const cases: Readonly<Record<string, Case>> = {
  'release, namespace and quoted values': {
    files: chart({
      'templates/a.yaml': configMap(
        '{{ .Release.Name }}-a',
        '  ns: {{ .Release.Namespace }}\n  up: "{{ .Release.IsInstall }}"\n',
      ),
      'values.yaml': 'a: 1\n',
    }),
  },
  'values layered base, region, cluster, then inline': {
    files: {
      ...chart({
        'values.yaml': 'a: chart\nb: chart\nc: chart\nd: chart\ne: chart\nlist: [1, 2]\nmap: {x: 1, y: 2}\n',
        'templates/a.yaml': configMap('a', '  all: {{ .Values | toJson | quote }}\n'),
      }),
      'app/values/base.yaml': 'b: base\nc: base\nd: base\ne: base\nlist: [3]\n',
      'app/values/region-eu.yaml': 'c: region\nd: region\ne: region\nmap: {y: 3}\n',
      'app/values/cluster-eu-1.yaml': 'd: cluster\ne: cluster\nmap: {x: null}\n',
      'app/values/region-us.yaml': 'c: wrong\n',
    },
    helm: {
      valueFiles: [
        'values/base.yaml',
        'values/region-{{cluster.region}}.yaml',
        'values/zone-{{cluster.name}}.yaml',
        'values/cluster-{{cluster.name}}.yaml',
      ],
      values: { e: 'inline', more: { deep: [true, null, 1.5] } },
    },
    args: [
      ...[
        '-f',
        'app/values/base.yaml',
        '-f',
        'app/values/region-eu.yaml',
        '-f',
        'app/values/cluster-eu-1.yaml',
      ],
      ...['--set-json', '{"e":"inline","more":{"deep":[true,null,1.5]}}'],
    ],
  },
  'a subchart in a folder, one in an archive, conditions, globals and aliases': {
    files: chart(
      {
        'values.yaml':
          'global: {g: 1}\nsub: {v: from-parent}\nother: {v: x}\nagain: {v: y}\nunwanted: {enabled: false}\n',
        'templates/a.yaml': configMap('a', '  g: "{{ .Values.global.g }}"\n'),
        'charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
        'charts/sub/values.yaml': 'v: own\nw: own\n',
        'charts/sub/templates/s.yaml': configMap(
          'sub',
          '  v: {{ .Values.v }}{{ .Values.w }}{{ .Values.global.g }}\n',
        ),
        'charts/unwanted/Chart.yaml': 'apiVersion: v2\nname: unwanted\nversion: 1.0.0\n',
        'charts/unwanted/templates/s.yaml': configMap('unwanted', '  v: x\n'),
        'charts/other-2.0.0.tgz': archive('other', {
          'Chart.yaml': 'apiVersion: v2\nname: other\nversion: 2.0.0\n',
          'templates/o.yaml': configMap('{{ .Chart.Name }}', '  v: {{ .Values.v }}\n'),
          'charts/deep/Chart.yaml': 'apiVersion: v2\nname: deep\nversion: 2.0.0\n',
          'charts/deep/templates/d.yaml': configMap(
            'deep-{{ .Chart.Name }}-{{ .Values.global.g }}',
            '  v: x\n',
          ),
        }),
      },
      [
        'dependencies:',
        '- {name: sub, version: 1.0.0}',
        '- {name: unwanted, version: 1.0.0, condition: unwanted.enabled}',
        '- {name: other, version: 2.0.0}',
        '',
      ].join('\n'),
    ),
  },
  'capabilities of the Cluster': {
    files: chart({
      'templates/a.yaml': `{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}\n${configMap('monitored', '  v: x\n')}{{- end }}\n---\n{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}\n${configMap('new', '  v: {{ .Capabilities.KubeVersion.Minor | quote }}\n')}{{- else }}\n${configMap('old', '  v: x\n')}{{- end }}\n`,
    }),
    cluster: { kubernetesVersion: '1.29.1', kubernetesApiVersions: ['monitoring.coreos.com/v1'] },
    args: ['--kube-version', '1.29.1', '--api-versions', 'monitoring.coreos.com/v1'],
  },
  'a chart that wants another Kubernetes': {
    files: chart({ 'templates/a.yaml': configMap('a', '  v: x\n') }, 'kubeVersion: ">=1.50.0"\n'),
  },
  'custom resource definitions first': {
    files: chart({
      'crds/foo.yaml': `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.com}\nspec: {group: example.com}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: bars.example.com}\nspec: {group: example.com}\n`,
      'templates/a.yaml': configMap('a', '  v: x\n'),
    }),
  },
  'no custom resource definitions when they are not wanted': {
    files: chart({
      'crds/foo.yaml': `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.com}\n`,
      'templates/a.yaml': configMap('a', '  v: x\n'),
    }),
    helm: { includeCrds: false },
    args: ['--include-crds=false'],
  },
  'kinds in the order of installation, several documents and empty ones': {
    files: chart({
      'templates/z.yaml': `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n---\n\n---\n# nothing\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: ns}\n`,
      'templates/a.yaml': `{{- if false }}\nx: y\n{{- end }}\n`,
      'templates/_helpers.tpl': `{{- define "name" }}from-helper{{ end }}\n`,
      'templates/b.yaml': configMap('{{ include "name" . }}', '  v: x\n'),
      'templates/NOTES.txt': 'Hello {{ .Release.Name }}\n',
    }),
  },
  'files of the chart, tpl and .helmignore': {
    files: chart({
      'config/a.txt': 'one\ntwo\n',
      'config/b.txt': 'ignored',
      'values.yaml': 'template: "{{ .Release.Name }}!"\n',
      '.helmignore': '*.bak\nconfig/b.txt\n',
      'templates/x.yaml.bak': 'not: [yaml',
      'templates/a.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n{{ (.Files.Glob "config/*").AsConfig | indent 2 }}\n  t: {{ tpl .Values.template . | quote }}\n`,
    }),
  },
  'nothing read outside the chart by .Files': {
    files: {
      ...chart({
        'templates/a.yaml': configMap(
          'a',
          '  v: {{ .Files.Get "../secret.txt" | quote }}\n  w: {{ .Files.Get "/etc/passwd" | quote }}\n',
        ),
      }),
      'app/secret.txt': 'outside',
    },
  },
  'lookup and DNS find nothing': {
    files: chart({
      'templates/a.yaml': configMap(
        'a',
        '  v: {{ lookup "v1" "Secret" "web" "x" | toJson | quote }}\n  w: {{ getHostByName "localhost" | quote }}\n',
      ),
    }),
  },
  'a values schema that holds': {
    files: chart({
      'values.yaml': 'n: 3\n',
      'values.schema.json':
        '{"$schema":"http://json-schema.org/draft-07/schema#","$defs":{"n":{"type":"integer"}},"properties":{"n":{"$ref":"#/$defs/n"},"id":{"type":"string"}}}',
      'templates/a.yaml': configMap('a', '  v: "{{ .Values.n }}"\n'),
    }),
  },
  'a values schema that does not hold': {
    files: chart({
      'values.yaml': 'n: three\n',
      'values.schema.json': '{"properties":{"n":{"type":"integer"}}}',
      'templates/a.yaml': configMap('a', '  v: x\n'),
    }),
  },
  'a template that fails': { files: chart({ 'templates/a.yaml': '{{ fail "no size given" }}\n' }) },
  'a template that cannot be read': { files: chart({ 'templates/a.yaml': '{{ if }}\n' }) },
  'a required value': {
    files: chart({ 'templates/a.yaml': configMap('a', '  v: {{ required "size!" .Values.size }}\n') }),
  },
  'a template that gives no YAML': { files: chart({ 'templates/a.yaml': 'a: [\n' }) },
  'value files that are no YAML': {
    files: { ...chart({ 'templates/a.yaml': configMap('a', '  v: x\n') }), 'app/v.yaml': 'a: [\n' },
    helm: { valueFiles: ['v.yaml'] },
    args: ['-f', 'app/v.yaml'],
  },
  'no Chart.yaml': { files: { 'app/chart/templates/a.yaml': configMap('a', '  v: x\n') } },
  'a library': { files: chart({ 'templates/a.yaml': configMap('a', '  v: x\n') }, 'type: library\n') },
  'a missing dependency': {
    files: chart(
      { 'templates/a.yaml': configMap('a', '  v: x\n') },
      'dependencies:\n- {name: redis, version: 1.0.0, repository: "https://charts.example"}\n',
    ),
  },
  'a chart of the first format': {
    files: {
      ...chart({
        'requirements.yaml': 'dependencies:\n- {name: sub, version: 1.0.0}\n',
        'charts/sub/Chart.yaml': 'apiVersion: v1\nname: sub\nversion: 1.0.0\n',
        'charts/sub/templates/s.yaml': configMap('sub', '  v: x\n'),
      }),
      'app/chart/Chart.yaml': 'apiVersion: v1\nname: demo\nversion: 0.1.0\n',
    },
  },
  'hooks after the rest, tests left out': {
    files: chart({
      'templates/a.yaml': configMap(
        'pre',
        '  v: x\n',
        '    helm.sh/hook: pre-install,pre-upgrade\n    helm.sh/hook-weight: "-5"\n',
      ),
      'templates/b.yaml': configMap('plain', '  v: x\n'),
      'templates/c.yaml': configMap('post', '  v: x\n', '    helm.sh/hook: post-install\n'),
      'templates/d.yaml': configMap('test', '  v: x\n', '    helm.sh/hook: test\n'),
    }),
  },
};

/** What mapHook adds. */
function withoutOurs(document: unknown): unknown {
  const { metadata, ...rest } = document as {
    readonly metadata: { readonly annotations?: Record<string, string> };
  };
  if (metadata.annotations === undefined) return document;
  const { 'fairway.dev/hook': _hook, 'fairway.dev/wave': _wave, ...annotations } = metadata.annotations;
  return { ...rest, metadata: { ...metadata, annotations } };
}

describe.skipIf(program === undefined)('charts, as helm template renders them', () => {
  it.each(Object.entries(cases))('%s', async (_name, one) => {
    const expected = await renderTheirs(one.files, one.args ? [...version, ...one.args] : version);
    const ours = await renderOurs(one.files, one.helm, { ...cluster, ...one.cluster });
    if ('failure' in expected) expect(ours, expected.failure).toHaveProperty('failure');
    else if ('failure' in ours) throw new Error(ours.failure);
    else expect(ours.documents.map(withoutOurs)).toEqual(expected.documents);
  });
});
