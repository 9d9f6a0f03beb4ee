/** Charts as people write them, with values layered over them, for an Application and for `helmCharts`. */
import fc from 'fast-check';
import type { HelmSource } from '../../../hub/model/fleet.ts';
import type { Case } from '../render/cases-basic.ts';

const helpers = `{{- define "web.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 30 -}}
{{- end }}
{{- define "web.labels" -}}
app: {{ include "web.name" . }}
release: {{ .Release.Name }}
{{- end }}
`;

const deployment = `{{- /* A comment. */ -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-{{ include "web.name" . }}
  labels:
    {{- include "web.labels" . | nindent 4 }}
    {{- with .Values.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  template:
    metadata:
      annotations: {checksum/config: {{ toYaml .Values.config | sha256sum | trunc 8 | quote }}}
    spec:
      containers:
        - name: web
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          ports:
            - name: http
              containerPort: {{ .Values.port }}
          env:
            {{- range $key, $value := .Values.env }}
            - name: {{ $key }}
              value: {{ $value | quote }}
            {{- end }}
            - name: ZONE
              value: fixed
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
`;

const others = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  {{- range $key, $value := .Values.config }}
  {{ $key }}: {{ $value | quote }}
  {{- end }}
  mode: {{ .Values.mode | upper }}
---
{{- if .Values.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: {{ .Release.Name }}}
spec:
  maxReplicas: {{ .Values.autoscaling.max }}
{{- end }}
`;

const values = `# Of the chart.
nameOverride: ""
labels: {}
replicas: 1
image:
  repository: nginx
  tag: ""
port: 8080
env: {LEVEL: info}
config:
  host: db.example
mode: plain
resources: {}
autoscaling:
  enabled: false
  max: 3
`;

const chartIn = (folder: string): Case => ({
  [`${folder}/Chart.yaml`]: 'apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: "7"\n',
  [`${folder}/values.yaml`]: values,
  [`${folder}/templates/_helpers.tpl`]: helpers,
  [`${folder}/templates/deployment.yaml`]: deployment,
  [`${folder}/templates/others.yaml`]: others,
});

const layer = fc.record(
  {
    replicas: fc.constantFrom(2, 5),
    labels: fc.dictionary(fc.constantFrom('team', 'tier'), fc.constantFrom('a', 'b'), { maxKeys: 2 }),
    image: fc.record({
      repository: fc.constantFrom('nginx', 'mirror/nginx'),
      tag: fc.constantFrom('1', '2.5'),
    }),
    port: fc.constantFrom(80, 9090),
    env: fc.dictionary(fc.constantFrom('LEVEL', 'EXTRA'), fc.constantFrom('debug', '5'), { maxKeys: 2 }),
    config: fc.dictionary(fc.constantFrom('host', 'user'), fc.constantFrom('x.example', 'ann'), {
      maxKeys: 2,
    }),
    mode: fc.constantFrom('fast', 'plain'),
    resources: fc.constantFrom({ limits: { cpu: '100m' } }, { requests: { memory: '1Gi' } }),
    autoscaling: fc.record({ enabled: fc.boolean(), max: fc.constantFrom(4, 9) }),
  },
  { requiredKeys: [] },
);

/** A block of YAML without help of a library: what is given has no text that needs more than quotes. */
function yamlOf(value: unknown, indent = ''): string {
  return Object.entries(value as Record<string, unknown>)
    .map(([key, member]) =>
      typeof member === 'object' && member !== null && Object.keys(member).length > 0
        ? `${indent}${key}:\n${yamlOf(member, `${indent}  `)}`
        : `${indent}${key}: ${JSON.stringify(member)}\n`,
    )
    .join('');
}

export interface GeneratedChart {
  readonly files: Case;
  /** Undefined: `helmCharts` of the folder `app`. */
  readonly helm: Partial<HelmSource> | undefined;
}

/** A chart with up to three layers of values. */
export const generatedChart: fc.Arbitrary<GeneratedChart> = fc
  .record({
    first: layer,
    second: layer,
    inline: layer,
    merge: fc.constantFrom('override', 'merge'),
    inflated: fc.boolean(),
  })
  .map(({ first, second, inline, merge, inflated }): GeneratedChart => {
    const files = {
      'app/values/all.yaml': `# For all.\n${yamlOf(first)}`,
      'app/values/eu.yaml': `---\n${yamlOf(second)}`,
    };
    if (!inflated)
      return {
        files: { ...chartIn('app/chart'), ...files },
        helm: {
          valueFiles: ['values/all.yaml', 'values/eu.yaml'],
          values: JSON.parse(JSON.stringify(inline)),
        },
      };
    const entry = `- name: web\n  releaseName: rel\n  valuesFile: values/all.yaml\n  valuesMerge: ${merge}\n  additionalValuesFiles: [values/eu.yaml]\n`;
    const stated = Object.keys(inline).length === 0 ? '' : `  valuesInline:\n${yamlOf(inline, '    ')}`;
    return {
      files: {
        ...chartIn('app/charts/web'),
        ...files,
        'app/kustomization.yaml': `helmCharts:\n${entry}${stated}namePrefix: eu-\ncommonLabels: {part: shop}\n`,
      },
      helm: undefined,
    };
  });
