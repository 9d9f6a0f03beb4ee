/** Objects that are generated, transformers that are objects, and values that come from other objects. */
import { describe, expect, it } from 'vitest';
import { type Files, settings, stepsOf, traceOf, web, writtenOf } from './trace.test-support.ts';

const app = (kustomization: string, more: Files = {}): Files => ({
  'app/web.yaml': web(),
  'app/settings.yaml': settings,
  'app/kustomization.yaml': `resources: [web.yaml, settings.yaml]\n${kustomization}`,
  ...more,
});

describe('generators', () => {
  const files: Files = {
    'app/a.env': '# comment\nHOST=db\n\nPORT=1\n',
    'app/app.conf': 'first\nsecond\n',
    'app/kustomization.yaml': `generatorOptions:
  labels: {all: them}
configMapGenerator:
- name: made
  namespace: shop
  envs:
  - a.env
  literals:
  - mode=fast
  - quoted="x y"
  files:
  - app.conf
  - other=app.conf
  options:
    annotations:
      own: one
    immutable: true
secretGenerator:
- name: keys
  type: Opaque
  literals: [password=hunter2]
`,
  };

  it('have a line for each key, and their own for the rest', async () => {
    const found = await traceOf(files, 'ConfigMap', 'made');
    expect(found.start).toMatchObject({ kind: 'generator', action: 'configMapGenerator[0]', layer: 'app' });
    expect(found.start.at).toMatchObject({ file: 'app/kustomization.yaml', line: 4 });
    expect(writtenOf(found)).toEqual([
      'apiVersion app/kustomization.yaml:4 cause',
      'kind app/kustomization.yaml:4 cause',
      'metadata.namespace app/kustomization.yaml:5 value',
      'metadata.labels.all app/kustomization.yaml:2 value',
      'metadata.annotations.own app/kustomization.yaml:16 value',
      'data.HOST app/a.env:2 value',
      'data.PORT app/a.env:4 value',
      'data["app.conf"] app/app.conf:1 part',
      'data.mode app/kustomization.yaml:9 value',
      'data.other app/app.conf:1 part',
      'data.quoted app/kustomization.yaml:10 value',
      'immutable app/kustomization.yaml:17 value',
    ]);
    expect(stepsOf(found)).toEqual([
      expect.stringMatching(
        /^hash app: metadata.name "made" -> "made-[a-z0-9]{10}" at app\/kustomization.yaml:4 cause$/,
      ),
    ]);
  });

  it('of Secrets are secret, and a literal is a part of what is encoded', async () => {
    const found = await traceOf(files, 'Secret', 'keys');
    expect(found.secret).toBe(true);
    expect(writtenOf(found)).toContain('data.password app/kustomization.yaml:21 part');
    expect(JSON.stringify([found.way, found.start.configuredAt, writtenOf(found)])).not.toContain('hunter2');
  });

  it('that merge or replace are steps of the object that was there', async () => {
    const layered = (behavior: string): Files => ({
      'base/kustomization.yaml': 'configMapGenerator:\n- name: made\n  literals: [a=1, b=2]\n',
      'app/kustomization.yaml': `resources: [../base]\nconfigMapGenerator:\n- name: made\n  behavior: ${behavior}\n  literals:\n  - b=3\n  - c=4\n  options: {disableNameSuffixHash: true}\n`,
    });
    expect(stepsOf(await traceOf(layered('merge'), 'ConfigMap', 'made'))).toEqual([
      'configMapGenerator[0] app: data.b "2" -> "3" at app/kustomization.yaml:6 value',
      'configMapGenerator[0] app: data.c nothing -> "4" at app/kustomization.yaml:7 value',
    ]);
    expect(stepsOf(await traceOf(layered('replace'), 'ConfigMap', 'made'))).toEqual([
      'configMapGenerator[0] app: data.a "1" -> nothing at app/kustomization.yaml:4 cause',
      'configMapGenerator[0] app: data.b "2" -> "3" at app/kustomization.yaml:6 value',
      'configMapGenerator[0] app: data.c nothing -> "4" at app/kustomization.yaml:7 value',
    ]);
  });

  it('may be objects of their own', async () => {
    const found = await traceOf(
      app('generators: [gen.yaml]\n', {
        'app/gen.yaml':
          'apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata:\n  name: own\nliterals:\n- a=b\n',
      }),
      'ConfigMap',
      'own',
    );
    expect(found.start).toMatchObject({
      action: 'generators ConfigMapGenerator own',
      at: { file: 'app/gen.yaml', line: 1 },
    });
    expect(writtenOf(found)).toContain('data.a app/gen.yaml:6 value');
    expect(writtenOf(found)).toContain('metadata.name app/gen.yaml:4 value');
  });
});

describe('transformers that are objects', () => {
  const head = (kind: string) => `apiVersion: builtin\nkind: ${kind}\nmetadata: {name: t}\n`;
  const inline = (text: string) => `transformers:\n- |-\n  ${text.trimEnd().replaceAll('\n', '\n  ')}\n`;

  it.each<readonly [kind: string, fields: string, expected: readonly string[]]>([
    [
      'PrefixTransformer',
      'prefix: p-\nfieldSpecs: [{path: metadata/name}]\n',
      ['metadata.name "web" -> "p-web" at app/kustomization.yaml:7 part'],
    ],
    [
      'LabelTransformer',
      'labels:\n  team: a\nfieldSpecs: [{path: metadata/labels, create: true}]\n',
      ['metadata.labels.team nothing -> "a" at app/kustomization.yaml:8 value'],
    ],
    [
      'AnnotationsTransformer',
      'annotations:\n  note: text\nfieldSpecs: [{path: metadata/annotations, create: true}]\n',
      ['metadata.annotations.note nothing -> "text" at app/kustomization.yaml:8 value'],
    ],
    [
      'ImageTagTransformer',
      'imageTag:\n  name: nginx\n  newTag: "2"\n',
      [
        'spec.template.spec.containers[name=web].image "nginx:1.0" -> "nginx:2" at app/kustomization.yaml:9 part',
      ],
    ],
    [
      'ReplicaCountTransformer',
      'replica:\n  name: web\n  count: 3\nfieldSpecs: [{path: spec/replicas, kind: Deployment, create: true}]\n',
      ['spec.replicas 1 -> 3 at app/kustomization.yaml:9 value'],
    ],
    [
      'PatchTransformer',
      'target: {kind: Deployment}\npatch: |-\n  - op: replace\n    path: /spec/replicas\n    value: 4\n',
      ['spec.replicas 1 -> 4 at app/kustomization.yaml:11 value'],
    ],
    [
      'PatchJson6902Transformer',
      'target: {group: apps, version: v1, kind: Deployment, name: web}\njsonOp: |-\n  - op: replace\n    path: /spec/replicas\n    value: 4\n',
      ['spec.replicas 1 -> 4 at app/kustomization.yaml:11 value'],
    ],
    [
      'PatchStrategicMergeTransformer',
      'patches: |-\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec:\n    replicas: 4\n',
      ['spec.replicas 1 -> 4 at app/kustomization.yaml:12 value'],
    ],
    [
      'ReplacementTransformer',
      'replacements:\n- sourceValue: fixed\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [metadata.labels.x]\n    options: {create: true}\n',
      ['metadata.labels.x nothing -> "fixed" at app/kustomization.yaml:8 value'],
    ],
    [
      'ValueAddTransformer',
      'value: v\ntargets:\n- selector: {kind: Deployment}\n  fieldPath: metadata/labels/x\n',
      ['metadata.labels.x nothing -> "v" at app/kustomization.yaml:7 part'],
    ],
  ])('%s', async (kind, text, expected) => {
    const found = await traceOf(app(inline(head(kind) + text)), 'Deployment', 'web');
    expect(stepsOf(found)).toEqual(expected.map((line) => `transformers[0] ${kind} app: ${line}`));
    expect(found.steps[0]?.configuredAt).toMatchObject({ file: 'app/kustomization.yaml', line: 4 });
  });

  it('are told where operations add an annotation to an object without any', async () => {
    const files = app(
      'patches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 4}\n    - {op: add, path: /metadata/annotations/note, value: text}\n',
    );
    expect(stepsOf(await traceOf(files, 'Deployment', 'web'))).toEqual([
      'patches[0] operation 1 app: spec.replicas 1 -> 4 at app/kustomization.yaml:5 value',
      'patches[0] operation 2 app: metadata.annotations.note nothing -> "text" at app/kustomization.yaml:6 value',
    ]);
  });

  it('are told as a patch has made them, what it left alone where it is written', async () => {
    const files = app('transformers: [more]\n', {
      'app/more/t.yaml': `${head('LabelTransformer')}labels:\n  team: a\n  tier: gold\nfieldSpecs: [{path: metadata/labels, create: true}]\n`,
      'app/more/kustomization.yaml':
        'resources: [t.yaml]\npatches:\n- target: {kind: LabelTransformer}\n  patch: |-\n    - op: replace\n      path: /labels/team\n      value: b\n',
    });
    const found = await traceOf(files, 'Deployment', 'web');
    expect(stepsOf(found)).toEqual([
      'transformers LabelTransformer t app: metadata.labels.team nothing -> "b" at app/more/kustomization.yaml:7 value',
      'transformers LabelTransformer t app: metadata.labels.tier nothing -> "gold" at app/more/t.yaml:6 value',
    ]);
    expect(found.steps[0]?.configuredAt).toMatchObject({ file: 'app/more/t.yaml', line: 1 });
  });

  it('in files are told by their names', async () => {
    const files = app('transformers: [t.yaml]\n', {
      'app/t.yaml': `${head('NamespaceTransformer').replace('name: t', 'name: t, namespace: moved')}unsetOnly: true\n`,
    });
    expect(stepsOf(await traceOf(files, 'Deployment', 'web'))).toEqual([
      'transformers NamespaceTransformer t app: metadata.namespace nothing -> "moved" at app/t.yaml:3 value',
    ]);
  });
});

describe('values from other objects', () => {
  const target =
    '  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [metadata.labels.x]\n    options: {create: true}\n';

  it('are where the other object was given them last', async () => {
    const source = (field: string, options = '') =>
      `replacements:\n- source: {kind: ConfigMap, name: settings, fieldPath: ${field}${options}}\n${target}`;
    const patched = `patches:\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: settings}\n    data:\n      host: patched.example\n`;
    expect(stepsOf(await traceOf(app(source('data.mode')), 'Deployment', 'web'))).toEqual([
      'replacements[0] app: metadata.labels.x nothing -> "fast" at app/settings.yaml:7 value from ConfigMap settings data.mode',
    ]);
    const part = source('data.host', ', options: {delimiter: ., index: 0}');
    expect(stepsOf(await traceOf(app(patched + part), 'Deployment', 'web'))).toEqual([
      'replacements[0] app: metadata.labels.x nothing -> "patched" at app/kustomization.yaml:8 part from ConfigMap settings data.host',
    ]);
  });

  it('may be replacements in a file, and secret', async () => {
    const files = app('replacements:\n- path: r.yaml\n', {
      'app/r.yaml': `- sourceValue: fixed\n${target}- source: {kind: Secret, name: keys, fieldPath: data.key}\n${target.replace('labels.x', 'annotations.key')}`,
      'app/web.yaml': `${web()}---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\ndata: {key: aHVudGVyMg==}\n`,
    });
    const found = await traceOf(files, 'Deployment', 'web');
    expect(stepsOf(found)).toEqual([
      'replacements[0] app: metadata.labels.x nothing -> "fixed" at app/r.yaml:1 value',
      'replacements[0] app: metadata.annotations.key nothing -> "aHVudGVyMg==" at app/web.yaml:16 value from Secret keys data.key',
    ]);
    expect(found.steps[1]?.configuredAt).toMatchObject({ file: 'app/kustomization.yaml', line: 3 });
    expect(found.steps[1]?.changes[0]?.from?.secret).toBe(true);
  });

  it('stay secret from one object to the next', async () => {
    const copy = (source: string, select: string, field: string) =>
      `- source: ${source}\n  targets:\n  - select: ${select}\n    fieldPaths: [${field}]\n    options: {create: true}\n`;
    const files = app(
      `replacements:\n${copy('{kind: Secret, name: keys, fieldPath: data.key}', '{kind: ConfigMap}', 'data.copy')}${copy('{kind: ConfigMap, name: settings, fieldPath: data.copy}', '{kind: Deployment}', 'metadata.labels.x')}`,
      {
        'app/web.yaml': `${web()}---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\ndata: {key: aHVudGVyMg==}\n`,
      },
    );
    const [step] = (await traceOf(files, 'Deployment', 'web')).steps;
    expect(step?.changes[0]).toMatchObject({
      at: { file: 'app/web.yaml', line: 16 },
      from: { object: { kind: 'ConfigMap' }, secret: true },
    });
  });

  it('stay secret when a patch copied them to another field in between', async () => {
    const copy = (source: string, select: string, field: string) =>
      `- source: ${source}\n  targets:\n  - select: ${select}\n    fieldPaths: [${field}]\n    options: {create: true}\n`;
    const web3 = `${web()}---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys, annotations: {a: b}}\ndata: {key: aHVudGVyMg==}\n`;
    const patch = `patches:\n- target: {kind: Secret}\n  patch: '[{"op": "copy", "from": "/data/key", "path": "/metadata/annotations/key"}]'\n`;
    const files: Files = {
      'base/kustomization.yaml': `resources: [web.yaml]\n${patch}`,
      'base/web.yaml': web3,
      'app/kustomization.yaml': `resources: [../base]\nreplacements:\n${copy('{kind: Secret, name: keys, fieldPath: metadata.annotations.key}', '{kind: Deployment}', 'metadata.labels.x')}`,
    };
    const [step] = (await traceOf(files, 'Deployment', 'web')).steps;
    expect(step?.changes[0]).toMatchObject({
      after: 'aHVudGVyMg==',
      from: { object: { kind: 'Secret' }, secret: true },
    });
  });

  it('are told of a transformer that is an object as well', async () => {
    const files = app('transformers: [t.yaml]\n', {
      'app/web.yaml': `${web()}---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\ndata: {key: aHVudGVyMg==}\n`,
      'app/t.yaml':
        'apiVersion: builtin\nkind: ReplacementTransformer\nmetadata: {name: t}\nreplacements:\n- source: {kind: Secret, name: keys, fieldPath: data.key}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [metadata.labels.x]\n    options: {create: true}\n',
    });
    const found = await traceOf(files, 'Deployment', 'web');
    expect(found.steps[0]?.changes[0]?.from?.secret).toBe(true);
    expect(stepsOf(found)[0]).toContain('at app/web.yaml:16 value from Secret keys data.key');
  });

  it('are vars as well', async () => {
    const files = app(
      'vars:\n- name: MODE\n  objref: {apiVersion: v1, kind: ConfigMap, name: settings}\n  fieldref: {fieldPath: data.mode}\ncommonAnnotations: {about: is $(MODE)}\n',
    );
    expect(stepsOf(await traceOf(files, 'Deployment', 'web'))).toEqual([
      'commonAnnotations app: metadata.annotations.about nothing -> "is $(MODE)" at app/kustomization.yaml:6 value',
      'commonAnnotations app: spec.template.metadata.annotations.about nothing -> "is $(MODE)" at app/kustomization.yaml:6 value',
      'vars app: metadata.annotations.about "is $(MODE)" -> "is fast" at app/settings.yaml:7 part from ConfigMap settings data.mode',
      'vars app: spec.template.metadata.annotations.about "is $(MODE)" -> "is fast" at app/settings.yaml:7 part from ConfigMap settings data.mode',
    ]);
  });

  it('are names that references follow: the line is what changed the name', async () => {
    const files: Files = {
      'base/web.yaml': web(
        '          envFrom:\n            - configMapRef:\n                name: settings\n      serviceAccountName: runner\n',
      ),
      'base/more.yaml': `${settings}---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: runner}\n`,
      'base/kustomization.yaml': 'resources: [web.yaml, more.yaml]\n',
      'app/kustomization.yaml': 'resources: [../base]\nnamePrefix: eu-\n',
    };
    expect(stepsOf(await traceOf(files, 'Deployment', 'web'))).toEqual([
      'namePrefix app: metadata.name "web" -> "eu-web" at app/kustomization.yaml:2 part',
      'nameReference app: spec.template.spec.containers[name=web].envFrom[0].configMapRef.name "settings" -> "eu-settings" at app/kustomization.yaml:2 cause from ConfigMap eu-settings metadata.name',
      'nameReference app: spec.template.spec.serviceAccountName "runner" -> "eu-runner" at app/kustomization.yaml:2 cause from ServiceAccount eu-runner metadata.name',
    ]);
  });
});
