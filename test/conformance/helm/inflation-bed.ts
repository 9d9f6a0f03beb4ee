/** Charts that kustomizations inflate: by the real kustomize with --enable-helm and the same helm, and by this program. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CORE_SCHEMA, loadAll } from 'js-yaml';
import { describeProblem } from '../../../hub/model/problem.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { ensureBinary } from '../../cluster/binaries.ts';
import { cluster, newRenderer, type Outcome, program } from './bed.ts';

/** Undefined where there is neither kustomize nor Go; under CI that fails. */
export const kustomize = process.env['FAIRWAY_KUSTOMIZE_BINARY'] ?? (await ensureBinary('kustomize'));
export type Files = Readonly<Record<string, string>>;

/** A chart that shows all it is given. */
export const web = (folder: string, version = '1.0.0'): Files => ({
  [`${folder}/Chart.yaml`]: `apiVersion: v2\nname: web\nversion: ${version}\n`,
  [`${folder}/values.yaml`]: 'a: own\nb: {c: own, d: own}\nlist: [1, 2]\nempty: {}\n',
  [`${folder}/values.schema.json`]: '{"properties":{"a":{"type":"string"}}}',
  [`${folder}/crds/foo.yaml`]:
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.com}\nspec: {group: example.com}\n',
  [`${folder}/templates/deployment.yaml`]: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  namespace: {{ .Release.Namespace }}
  annotations: { values: {{ .Values | toJson | quote }}, kube: {{ .Capabilities.KubeVersion.Version }} }
spec:
  template:
    spec:
      containers:
      - name: web
        image: web:1
        envFrom: [{ configMapRef: { name: {{ .Release.Name }}-config } }]
`,
  [`${folder}/templates/config.yaml`]: `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-config }
data: { has: "{{ .Capabilities.APIVersions.Has "example.com/v1" }}", on: "yes" }
`,
  [`${folder}/templates/hook.yaml`]:
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-install}}\n',
  [`${folder}/templates/test.yaml`]:
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: test, annotations: {helm.sh/hook: test}}\n',
});

export const tiny = (folder: string): Files => ({
  [`${folder}/Chart.yaml`]: 'apiVersion: v2\nname: tiny\nversion: 1.0.0\n',
  [`${folder}/values.yaml`]: 'a: b\n',
  [`${folder}/templates/config.yaml`]:
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }} }\ndata: { a: {{ .Values.a }} }\n',
});
/** In kustomize some of these become texts. */
export const calledAsFields =
  '{version: 1.10, name: 5, namespace: true, kubeVersion: 1.29, repo: 1e3, releaseName: 010, debug: 5, sub: {name: 5}, apiVersions: [5, 6.0, true, x], valuesInline: {name: 5}, Version: 3, nameTemplate: 1234567.25, chartHome: 4, valuesFile: {a: 5}, additionalValuesFiles: {name: 5}, devel: {name: 5}, valuesMerge: null}';

/** Builds the folder `app`. */
export async function theirs(files: Files): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-inflate-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const args = ['build', '--enable-helm', '--helm-command', program!, join(folder, 'app')];
    return await new Promise((resolve) => {
      execFile(kustomize!, args, { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 }, (error, stdout, stderr) =>
        resolve(
          error === null
            ? { documents: loadAll(stdout, { schema: CORE_SCHEMA }).filter((value) => value !== null) }
            : { failure: stderr },
        ),
      );
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function ours(files: Files): Promise<Outcome> {
  const source = { repository: '', ref: '', path: 'app', overlays: [] };
  const result = await newRenderer().render({ source, cluster, tree: createMemoryTree(files) });
  if (!result.ok) return { failure: result.problems.map(describeProblem).join('\n') };
  const { set, objects } = result.rendered;
  return { documents: set.entries.map((entry) => JSON.parse(objects.get(entry.objectDigest)!.content)) };
}
