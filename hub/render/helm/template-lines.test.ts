import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { readTemplate } from './template-lines.ts';

const object = (more: Record<string, unknown>): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'rel-web' }, ...more }) as unknown as KubeObject;

const template = `{{- /*
kind: Nothing
*/ -}}
{{- if .Values.on }}
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-web
  annotations: {{ toYaml .Values.annotations | nindent 4 }}
spec:
  ports:
  - name: http
    port: {{ .Values.port }}
  - name: {{ .Values.other }}
    port: 81
  # selector: not this one
  selector:
    {{ .Values.key }}: web
    "quoted": yes
  text: |
    ports: none
    externalName: none
  {{- range .Values.more }}
  - {{ . }}
  {{- end }}
  {{- toYaml .Values.rest | nindent 2 }}
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: rel-web
data: {{ toJson .Values.data }}
---
apiVersion: v1
kind: Service
metadata:
  name: "{{ .Release.Name }}-headless"
spec:
  clusterIP: None
`;

describe('readTemplate', () => {
  const lines = readTemplate(template);
  const ports = [
    { name: 'http', port: 80 },
    { name: 'side', port: 81 },
  ];
  const web = object({ spec: { ports, selector: { app: 'web', quoted: 'yes' }, rest: 1 } });
  it.each<[string, readonly (string | number)[], number, boolean]>([
    ['the object, by its kind', [], 6, true],
    ['a field that an action makes', ['metadata', 'name'], 8, true],
    ['a map that is an action', ['metadata', 'annotations', 'a'], 9, false],
    ['an item by its name', ['spec', 'ports', 0, 'port'], 13, true],
    ['an item whose name an action makes', ['spec', 'ports', 1, 'port'], 15, true],
    ['a key that an action makes', ['spec', 'selector', 'app'], 18, true],
    ['a quoted key', ['spec', 'selector', 'quoted'], 19, true],
    ['what is not to be seen, by the action that writes there', ['spec', 'externalName'], 26, false],
  ])('finds %s', (_name, path, line, exact) => {
    expect(lines.find(web, path)).toMatchObject({ line, exact });
  });

  it('chooses the document that is most like the object', () => {
    const headless = object({ metadata: { name: 'rel-headless' }, spec: { clusterIP: 'None' } });
    expect(lines.find(headless, ['spec', 'clusterIP']).line).toBe(40);
    const map = { ...object({ data: { a: 'b' } }), kind: 'ConfigMap' };
    expect(lines.find(map, ['data', 'a'])).toMatchObject({ line: 33, exact: false });
  });

  it('of several actions takes the one about the value', () => {
    const two = readTemplate(
      'kind: Service\nmetadata:\n  labels:\n    {{- include "a" . }}\n    {{- with .Values.labels }}\n    {{- toYaml . }}\n    {{- end }}\n',
    );
    const path = ['metadata', 'labels', 'x'];
    expect(two.find(web, path, ['labels', 'x']).line).toBe(6);
    expect(two.find(web, path).line).toBe(4);
    expect(two.named(6)).toEqual([['labels']]);
  });

  it('does not fail for what is no template of objects', () => {
    for (const text of ['', '---\n', '{{ include "all" . }}', '\t\t: x\n- - -\n', '{{ unclosed'])
      expect(readTemplate(text).find(web, ['spec', 'ports', 3]).line).toBeGreaterThan(0);
  });
});
