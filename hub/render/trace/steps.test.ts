/** Each kind of step, with the line of the value that it puts in. */
import { describe, expect, it } from 'vitest';
import { type Files, settings, stepsOf, traceOf, web } from './trace.test-support.ts';

/** A tree with one kustomization beside the Deployment and the ConfigMap. */
const app = (kustomization: string, more: Files = {}): Files => ({
  'app/web.yaml': web(),
  'app/settings.yaml': settings,
  'app/kustomization.yaml': `resources: [web.yaml, settings.yaml]\n${kustomization}`,
  ...more,
});

const steps = async (files: Files, kind = 'Deployment', name = 'web') =>
  stepsOf(await traceOf(files, kind, name));

interface Row {
  readonly files: Files;
  readonly object?: readonly [kind: string, name: string];
  readonly steps: readonly string[];
}

const image = 'spec.template.spec.containers[name=web].image';

const fields: Readonly<Record<string, Row>> = {
  namespace: {
    files: app('namespace: shop\n'),
    steps: ['namespace app: metadata.namespace nothing -> "shop" at app/kustomization.yaml:2 value'],
  },
  'namePrefix and nameSuffix': {
    files: app('namePrefix: a-\nnameSuffix: -z\n'),
    steps: [
      'namePrefix app: metadata.name "web" -> "a-web" at app/kustomization.yaml:2 part',
      'nameSuffix app: metadata.name "a-web" -> "a-web-z" at app/kustomization.yaml:3 part',
    ],
  },
  labels: {
    files: app('labels:\n- pairs: {x: v}\n- pairs:\n    team: a\n  includeTemplates: true\n'),
    steps: [
      'labels[0] app: metadata.labels.x nothing -> "v" at app/kustomization.yaml:3 value',
      'labels[1] app: metadata.labels.team nothing -> "a" at app/kustomization.yaml:5 value',
      'labels[1] app: spec.template.metadata.labels.team nothing -> "a" at app/kustomization.yaml:5 value',
    ],
  },
  'commonLabels and commonAnnotations': {
    files: app('commonLabels:\n  team: a\ncommonAnnotations: {note: text}\n'),
    object: ['ConfigMap', 'settings'],
    steps: [
      'commonLabels app: metadata.labels.team nothing -> "a" at app/kustomization.yaml:3 value',
      'commonAnnotations app: metadata.annotations.note nothing -> "text" at app/kustomization.yaml:4 value',
    ],
  },
  images: {
    files: app(
      'images:\n- name: nginx\n  newName: mirror/nginx\n- name: mirror/nginx\n  newTag: "2"\nimageTags:\n- name: mirror/nginx\n  digest: sha256:1\n',
    ),
    steps: [
      `images[0] app: ${image} "nginx:1.0" -> "mirror/nginx:1.0" at app/kustomization.yaml:4 part`,
      `images[1] app: ${image} "mirror/nginx:1.0" -> "mirror/nginx:2" at app/kustomization.yaml:6 part`,
      `imageTags[0] app: ${image} "mirror/nginx:2" -> "mirror/nginx@sha256:1" at app/kustomization.yaml:9 part`,
    ],
  },
  replicas: {
    files: app('replicas:\n- name: web\n  count: 4\n'),
    steps: ['replicas[0] app: spec.replicas 1 -> 4 at app/kustomization.yaml:4 value'],
  },
  buildMetadata: {
    files: app('buildMetadata:\n- managedByLabel\n'),
    steps: [
      'buildMetadata app: metadata.labels["app.kubernetes.io/managed-by"] nothing -> "kustomize-v5.8.2" at app/kustomization.yaml:2 cause',
    ],
  },
};

const patch = (spec: string): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n${spec}`;

const patches: Readonly<Record<string, Row>> = {
  'a merge patch in a file': {
    files: app('patches:\n- path: p.yaml\n', {
      'app/p.yaml': patch(
        'spec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n      - name: side\n        image: busybox\n      - image: nginx:2\n        name: web\n',
      ),
    }),
    steps: [
      'patches[0] app: spec.replicas 1 -> 3 at app/p.yaml:6 value',
      'patches[0] app: spec.template.spec.containers[name=side] nothing -> {"name":"side","image":"busybox"} at app/p.yaml:10 value',
      `patches[0] app: ${image} "nginx:1.0" -> "nginx:2" at app/p.yaml:12 value`,
    ],
  },
  'each document of a file': {
    files: app('patches:\n- path: p.yaml\n', {
      'app/p.yaml': `# two\n---\n${patch('spec: {replicas: 3}\n')}---\n${patch('spec:\n  paused: true\n')}`,
    }),
    steps: [
      'patches[0] document 1 app: spec.replicas 1 -> 3 at app/p.yaml:7 value',
      'patches[0] document 2 app: spec.paused nothing -> true at app/p.yaml:14 value',
    ],
  },
  'a merge patch written in the kustomization': {
    files: app(
      'patches:\n- target: {kind: Deployment}\n  patch: |-\n\n    kind: any\n    apiVersion: any\n    metadata: {name: any}\n    spec:\n      replicas: 3\n',
    ),
    steps: ['patches[0] app: spec.replicas 1 -> 3 at app/kustomization.yaml:10 value'],
  },
  'a patch on one line': {
    files: app(
      `patches:\n- target: {kind: Deployment}\n  patch: '[{"op": "replace", "path": "/spec/replicas", "value": 7}]'\n`,
    ),
    steps: ['patches[0] app: spec.replicas 1 -> 7 at app/kustomization.yaml:4 value'],
  },
  'each operation of a JSON patch': {
    files: app('patches:\n- path: p.json\n  target: {kind: Deployment}\n', {
      'app/p.json': `[
  {"op": "replace", "path": "/spec/replicas", "value": 3},
  {"op": "add", "path": "/spec/template/spec/containers/0", "value": {
    "name": "first",
    "image": "a"
  }},
  {"op": "replace", "path": "/spec/template/spec/containers/1/image", "value": "nginx:9"},
  {"op": "test", "path": "/spec/replicas", "value": 3},
  {"op": "remove", "path": "/spec/template/spec/containers/0/image"},
  {"op": "move", "from": "/spec/replicas", "path": "/spec/size"}
]
`,
    }),
    steps: [
      'patches[0] operation 1 app: spec.replicas 1 -> 3 at app/p.json:2 value',
      'patches[0] operation 2 app: spec.template.spec.containers[name=first] nothing -> {"name":"first","image":"a"} at app/p.json:3 value',
      `patches[0] operation 3 app: ${image} "nginx:1.0" -> "nginx:9" at app/p.json:7 value`,
      'patches[0] operation 5 app: spec.template.spec.containers[name=first].image "a" -> nothing at app/p.json:9 cause',
      'patches[0] operation 6 app: spec.replicas 3 -> nothing at app/p.json:10 cause',
      'patches[0] operation 6 app: spec.size nothing -> 3 at app/p.json:10 cause',
    ],
  },
  'what a patch removes': {
    files: app('patches:\n- path: p.yaml\n', {
      'app/p.yaml': patch(
        'spec:\n  replicas: null\n  template:\n    spec:\n      containers:\n      - name: web\n        $patch: delete\n',
      ),
    }),
    steps: [
      'patches[0] app: spec.replicas 1 -> nothing at app/p.yaml:6 value',
      'patches[0] app: spec.template.spec.containers[name=web] {"name":"web","image":"nginx:1.0"} -> nothing at app/p.yaml:10 value',
    ],
  },
  'items that a patch puts first': {
    files: app('patches:\n- path: side.yaml\n- path: web.patch.yaml\n', {
      'app/side.yaml': patch('spec:\n  template:\n    spec:\n      containers:\n      - name: side\n'),
      'app/web.patch.yaml': patch(
        'spec:\n  template:\n    spec:\n      containers:\n      - name: web\n        tty: true\n',
      ),
    }),
    steps: [
      'patches[0] app: spec.template.spec.containers[name=side] nothing -> {"name":"side"} at app/side.yaml:9 value',
      'patches[1] app: spec.template.spec.containers[name=web] to 0 at app/web.patch.yaml:9 value',
      'patches[1] app: spec.template.spec.containers[name=web].tty nothing -> true at app/web.patch.yaml:10 value',
    ],
  },
  'patchesStrategicMerge and patchesJson6902': {
    files: app(
      `patchesStrategicMerge:\n- p.yaml\n- |-\n  ${patch('spec:\n  paused: true').replaceAll('\n', '\n  ')}\npatchesJson6902:\n- target: {version: v1, group: apps, kind: Deployment, name: web}\n  patch: |-\n    - op: add\n      path: /spec/minReadySeconds\n      value: 5\n`,
      { 'app/p.yaml': patch('spec: {replicas: 3}\n') },
    ),
    steps: [
      'patchesStrategicMerge[0] app: spec.replicas 1 -> 3 at app/p.yaml:5 value',
      'patchesStrategicMerge[1] app: spec.paused nothing -> true at app/kustomization.yaml:10 value',
      'patchesJson6902[0] app: spec.minReadySeconds nothing -> 5 at app/kustomization.yaml:16 value',
    ],
  },
  'a label that is one node in several places': {
    files: {
      'base/web.yaml': web(),
      'base/kustomization.yaml': 'resources: [web.yaml]\ncommonLabels: {app: w}\n',
      'app/kustomization.yaml': `resources: [../base]\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec:\n      template:\n        metadata:\n          labels:\n            app: other\n`,
    },
    steps: [
      'commonLabels base: metadata.labels.app nothing -> "w" at base/kustomization.yaml:2 value',
      'commonLabels base: spec.template.metadata.labels.app nothing -> "w" at base/kustomization.yaml:2 value',
      'commonLabels base: spec.selector.matchLabels.app nothing -> "w" at base/kustomization.yaml:2 value',
      'patches[0] app: metadata.labels.app "w" -> "other" at app/kustomization.yaml:11 value',
      'patches[0] app: spec.template.metadata.labels.app "w" -> "other" at app/kustomization.yaml:11 value',
      'patches[0] app: spec.selector.matchLabels.app "w" -> "other" at app/kustomization.yaml:11 value',
    ],
  },
};

describe('fields of a kustomization', () => {
  it.each(Object.entries(fields))('%s', async (_name, { files, object, steps: expected }) => {
    expect(await steps(files, ...(object ?? []))).toEqual(expected);
  });
});

describe('patches', () => {
  it.each(Object.entries(patches))('%s', async (_name, { files, object, steps: expected }) => {
    expect(await steps(files, ...(object ?? []))).toEqual(expected);
  });
});
