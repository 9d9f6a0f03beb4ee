import type { Case } from './cases-basic.ts';
import { configMap, deployment, service } from './objects.ts';

const k = 'app/kustomization.yaml';
const foo = (spec: string): string => `apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: x}\nspec:\n${spec}`;
const before =
  '  parts: [{name: a, v: 1, deep: [{id: 1, w: x}]}, {name: b, v: 2}]\n  tags: [one, two]\n  plain: [{name: a, v: 1}]\n  ports: [{port: 1, proto: t, n: x}, {port: 1, proto: u, n: y}]\n  byKey: {k: [{name: a, v: 1}]}\n';
const after =
  '  parts: [{name: a, v: 9, deep: [{id: 2, w: y}]}, {name: c}]\n  tags: [three]\n  plain: [{name: c}]\n  ports: [{port: 1, proto: u, n: z}]\n  byKey: {k: [{name: b, v: 2}]}\n';
const list = (more: object, items: object = { type: 'object' }) => ({ type: 'array', items, ...more });
const byName = { 'x-kubernetes-patch-strategy': 'merge', 'x-kubernetes-patch-merge-key': 'name' };
const part = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    deep: list({ 'x-kubernetes-patch-strategy': 'merge', 'x-kubernetes-patch-merge-key': 'id' }),
  },
};
const document = (parts: object, extra: object = {}) => ({
  definitions: {
    'com.e.v1.Foo': {
      type: 'object',
      'x-kubernetes-group-version-kind': [{ group: 'e.com', version: 'v1', kind: 'Foo' }],
      properties: {
        spec: {
          type: 'object',
          properties: {
            parts: list(byName, parts),
            tags: list({ 'x-kubernetes-patch-strategy': 'merge' }, { type: 'string' }),
            plain: list({ 'x-kubernetes-patch-merge-key': 'name' }),
            ports: list({
              'x-kubernetes-patch-strategy': 'merge',
              'x-kubernetes-list-map-keys': ['port', 'proto'],
              'x-kubernetes-patch-merge-key': 'port',
            }),
            byKey: { type: 'object', additionalProperties: list(byName) },
          },
        },
      },
    },
    'com.e.v1.Part': part,
  },
  ...extra,
});
const inPlace = JSON.stringify(document(part));
const referred = JSON.stringify(document({ $ref: '#/definitions/com.e.v1.Part' }));
const files = (schema: string): Case => ({
  'app/x.yaml': foo(before),
  'app/p.yaml': foo(after),
  'app/d.yaml': deployment(),
  'app/dp.yaml':
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: main, image: new}]}}}\n',
  'app/schema.json': schema,
});
const patched = 'resources: [x.yaml, d.yaml]\npatches: [{path: p.yaml}, {path: dp.yaml}]\n';
const moved = (folder: string, all: Case): Case =>
  Object.fromEntries(Object.entries(all).map(([path, text]) => [path.replace('app/', `${folder}/`), text]));

/** A kind of the whole cluster, and one with namespaces, as documents of `kustomize openapi fetch` tell them. */
const scopes = JSON.stringify(
  document(part, {
    paths: Object.fromEntries(
      [
        ['/apis/e.com/v1/issuers/{name}', 'Issuer'],
        ['/apis/e.com/v1/namespaces/{namespace}/foos/{name}', 'Foo'],
        ['/apis/e.com/v1/foos', 'Foo'],
      ].map(([path, kind]) => [
        path,
        { get: { 'x-kubernetes-group-version-kind': { group: 'e.com', version: 'v1', kind } } },
      ]),
    ),
  }),
);
const issuer = (name = 'issuer', more = '') =>
  `apiVersion: e.com/v1\nkind: Issuer\nmetadata: {name: ${name}${more}}\nspec: {ca: settings}\n`;
const openapi = 'openapi: {path: schema.json}\n';
const user =
  'apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: user, namespace: other}\nspec: {issuer: issuer}\n';
const refers =
  'nameReference:\n- kind: Issuer\n  group: e.com\n  fieldSpecs: [{path: spec/issuer, kind: Foo}]\n- kind: ConfigMap\n  fieldSpecs: [{path: spec/ca, kind: Issuer}]\n';
const scoped = (kustomization: string, more: Case = {}): Case => ({
  'app/schema.json': scopes,
  'app/i.yaml': issuer(),
  'app/u.yaml': user,
  'app/c.yaml': configMap('settings'),
  'app/refers.yaml': refers,
  [k]: kustomization,
  ...more,
});
const scopedAll = 'resources: [i.yaml, u.yaml, c.yaml]\n';
const scopedBase = (kustomization: string): Case =>
  moved('base', scoped('', { 'app/kustomization.yaml': kustomization }));

const scopeCases: Readonly<Record<string, Case>> = {
  'a kind of the whole cluster keeps out of the namespace': scoped(`${scopedAll}namespace: team\n${openapi}`),
  'a kind of the whole cluster that nobody says is one': scoped(`${scopedAll}namespace: team\n`),
  'a kind of the whole cluster that is referred to from any namespace': scoped(
    `${scopedAll}namePrefix: p-\nconfigurations: [refers.yaml]\n${openapi}`,
  ),
  'a kind of the whole cluster that refers, in a namespace': scoped(
    `${scopedAll}namespace: team\nnameSuffix: -s\nconfigurations: [refers.yaml]\n${openapi}`,
  ),
  'a kind of the whole cluster twice, once with a namespace': scoped(
    `resources: [i.yaml, j.yaml]\n${openapi}`,
    { 'app/j.yaml': issuer('issuer', ', namespace: other') },
  ),
  'a kind that nobody says is of the whole cluster twice, once with a namespace': scoped(
    'resources: [i.yaml, j.yaml]\n',
    { 'app/j.yaml': issuer('issuer', ', namespace: other') },
  ),
  'a kind of the whole cluster, patched with a namespace': scoped(
    `${scopedAll}patches: [{path: p.yaml}]\n${openapi}`,
    {
      'app/p.yaml': issuer('issuer', ', namespace: other').replace('settings', 'patched'),
    },
  ),
  'a kind of the whole cluster, patched under its earlier name': {
    ...scopedBase(`${scopedAll}namePrefix: b-\n${openapi}`),
    [k]: 'resources: [../base]\nnamespace: team\npatches: [{path: p.yaml}]\n',
    'app/p.yaml': issuer().replace('settings', 'patched'),
  },
  'a kind of the whole cluster, selected by namespace': scoped(
    `${scopedAll}patches:\n- target: {namespace: default}\n  patch: "- {op: add, path: /metadata/labels, value: {a: b}}"\n${openapi}`,
  ),
  'a kind of the whole cluster as a source': scoped(
    `${scopedAll}replacements:\n- source: {kind: Issuer, name: issuer, namespace: default, fieldPath: spec.ca}\n  targets: [{select: {kind: Foo}, fieldPaths: [spec.issuer]}]\n${openapi}`,
  ),
  ...Object.fromEntries(
    ['default', 'other'].flatMap((namespace) =>
      ['', 'namespace: team\n', 'namePrefix: p-\n'].map((more) => [
        `a kind of the whole cluster, known to all, as a source in ${namespace} ${more.trimEnd()}`,
        {
          'app/r.yaml': 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n',
          'app/c.yaml': configMap('settings'),
          [k]: `resources: [r.yaml, c.yaml]\n${more}replacements:\n- source: {kind: ClusterRole, name: r, namespace: ${namespace}, fieldPath: metadata.name}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.x], options: {create: true}}]\n`,
        },
      ]),
    ),
  ),
  'a kind of the whole cluster as a var': scoped(
    `${scopedAll}vars:\n- name: CA\n  objref: {apiVersion: e.com/v1, kind: Issuer, name: issuer}\n  fieldref: {fieldPath: spec.ca}\ncommonAnnotations: {ca: $(CA)}\n${openapi}`,
  ),
  'a document of the overlay for a kind of a base': {
    ...scopedBase(scopedAll),
    'app/schema.json': scopes,
    [k]: `resources: [../base]\nnamespace: team\n${openapi}`,
  },
  'a document of a base for a kind of the overlay': {
    ...scopedBase(`resources: [c.yaml]\n${openapi}`),
    'app/i.yaml': issuer(),
    [k]: 'resources: [../base, i.yaml]\nnamespace: team\n',
  },
  'a document of a later base for a kind of an earlier one': {
    'first/i.yaml': issuer(),
    'first/kustomization.yaml': 'resources: [i.yaml]\n',
    ...scopedBase(`resources: [c.yaml]\n${openapi}`),
    [k]: 'resources: [../first, ../base]\nnamespace: team\n',
  },
  'a document of a component for a kind of its parent': {
    ...scopedBase(''),
    'base/kustomization.yaml': `apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [c.yaml]\n${openapi}`,
    'app/i.yaml': issuer(),
    [k]: 'resources: [i.yaml]\ncomponents: [../base]\nnamespace: team\n',
  },
  'two of the whole cluster that a namespace does not bring together': scoped(
    `resources: [i.yaml, j.yaml]\nnamespace: team\n${openapi}`,
    { 'app/j.yaml': issuer('other', ', namespace: other') },
  ),
  'an object that becomes one of the whole cluster': scoped(
    `resources: [u.yaml]\nnamespace: team\npatches:\n- target: {kind: Foo}\n  options: {allowKindChange: true}\n  patch: "{apiVersion: e.com/v1, kind: Issuer, metadata: {name: user}}"\n${openapi}`,
  ),
};

/** `openapi`. */
export const schemaCases: Readonly<Record<string, Case>> = {
  'a custom kind without schema': { ...files(inPlace), [k]: patched },
  'a schema in place': { ...files(inPlace), [k]: `${patched}openapi: {path: schema.json}\n` },
  'a schema by reference': { ...files(referred), [k]: `${patched}openapi: {path: schema.json}\n` },
  'a schema in YAML': {
    ...files(
      'definitions:\n  Foo:\n    x-kubernetes-group-version-kind: [{group: e.com, version: v1, kind: Foo}]\n    properties:\n      spec:\n        properties:\n          tags: {type: array, x-kubernetes-patch-strategy: merge, items: {type: string}}\n          parts: {type: array, x-kubernetes-patch-strategy: merge, x-kubernetes-patch-merge-key: name}\n',
    ),
    [k]: `${patched}openapi: {path: schema.json}\n`,
  },
  'an empty schema': { ...files('{}'), [k]: `${patched}openapi: {path: schema.json}\n` },
  'a schema that is none': { ...files('[]'), [k]: `${patched}openapi: {path: schema.json}\n` },
  'no such file': { ...files('{}'), [k]: `${patched}openapi: {path: nope.json}\n` },
  'the built-in version': { ...files('{}'), [k]: `${patched}openapi: {version: v1.21.2}\n` },
  'another version': { ...files('{}'), [k]: `${patched}openapi: {version: v1.20.4}\n` },
  'version and path': {
    ...files(inPlace),
    [k]: `${patched}openapi: {path: schema.json, version: v1.21.2}\n`,
  },
  'an empty choice': { ...files(inPlace), [k]: `${patched}openapi: {}\n` },
  'the schema of a base': {
    ...moved('base', files(inPlace)),
    'base/kustomization.yaml': `${patched}openapi: {path: schema.json}\n`,
    [k]: 'resources: [../base]\n',
  },
  'the schema of the top for a base': {
    ...moved('base', files(inPlace)),
    'app/schema.json': inPlace,
    'base/kustomization.yaml': patched,
    [k]: 'resources: [../base]\nopenapi: {path: schema.json}\n',
  },
  'the schema of the top before that of a base': {
    ...moved('base', files('{}')),
    'app/schema.json': inPlace,
    'base/kustomization.yaml': `${patched}openapi: {path: schema.json}\n`,
    [k]: 'resources: [../base]\nopenapi: {path: schema.json}\n',
  },
  'the schema of a base for its overlay': {
    ...moved('base', files(inPlace)),
    'base/kustomization.yaml': 'resources: [x.yaml]\nopenapi: {path: schema.json}\n',
    'app/p.yaml': foo(after),
    [k]: 'resources: [../base]\npatches: [{path: p.yaml}]\n',
  },
  'the schema of a base for the next': {
    ...moved('one', files(inPlace)),
    'one/kustomization.yaml': 'resources: [d.yaml]\nopenapi: {path: schema.json}\n',
    ...moved('two', files('{}')),
    'two/kustomization.yaml': 'resources: [x.yaml]\npatches: [{path: p.yaml}]\n',
    [k]: 'resources: [../one, ../two]\n',
  },
  'the schema of a component': {
    ...files(inPlace),
    'part/schema.json': inPlace,
    'part/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nopenapi: {path: schema.json}\n',
    [k]: `${patched}components: [../part]\n`,
  },
  'a schema with paths': {
    ...files(
      JSON.stringify(
        document(part, {
          paths: {
            '/apis/e.com/v1/namespaces/{namespace}/foos': {
              get: { 'x-kubernetes-group-version-kind': { group: 'e.com', version: 'v1', kind: 'Foo' } },
            },
          },
        }),
      ),
    ),
    [k]: `${patched}namespace: team\nopenapi: {path: schema.json}\n`,
  },
  ...scopeCases,
};

const base: Case = {
  'base/d.yaml': deployment(),
  'base/s.yaml': service(),
  'base/c.yaml': configMap('settings'),
  'base/deeper/c.yaml': configMap('other'),
  'base/t.yaml':
    'apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t, namespace: n}\nprefix: p-\nfieldSpecs: [{path: metadata/name}]\n',
  'base/kustomization.yaml':
    'resources: [d.yaml, s.yaml, c.yaml, deeper/c.yaml]\nnamePrefix: b-\ncommonLabels: {a: b}\nlabels: [{pairs: {c: d}}]\nimages: [{name: busybox, newTag: "9"}]\nconfigMapGenerator:\n- name: g\n  literals: [a=b]\n',
};
const top = (text: string): Case => ({ ...base, [k]: `resources: [../base]\n${text}` });
const both = 'buildMetadata: [originAnnotations, transformerAnnotations]\n';

/** `buildMetadata` and the annotations that kustomize keeps for itself. */
export const metadataCases: Readonly<Record<string, Case>> = {
  origins: top('buildMetadata: [originAnnotations]\n'),
  transformers: top('buildMetadata: [transformerAnnotations]\nnameSuffix: -s\n'),
  both: top(`${both}nameSuffix: -s\nnamespace: team\nreplicas: [{name: web, count: 2}]\n`),
  'the label': top('buildMetadata: [managedByLabel]\n'),
  'all three': top('buildMetadata: [managedByLabel, originAnnotations, transformerAnnotations]\n'),
  'an unknown one': top('buildMetadata: [other]\n'),
  none: top('buildMetadata: []\n'),
  'of a base': {
    ...base,
    'base/kustomization.yaml': `${base['base/kustomization.yaml']}${both}`,
    [k]: 'resources: [../base]\n',
  },
  'with generators that merge': top(
    `${both}configMapGenerator:\n- name: g\n  behavior: merge\n  literals: [c=d]\nsecretGenerator:\n- name: s\n  literals: [a=b]\n`,
  ),
  'with transformers as objects': {
    ...base,
    'base/kustomization.yaml': `${base['base/kustomization.yaml']}transformers: [t.yaml]\n`,
    [k]: `resources: [../base]\n${both}`,
  },
  'with transformers inline': {
    ...base,
    [k]: `resources: [../base]\n${both}transformers:\n- |-\n  ${base['base/t.yaml']!.trim().replaceAll('\n', '\n  ')}\ngenerators:\n- |-\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: made}\n  literals: [a=b]\n`,
  },
  'with a component': {
    ...base,
    'part/c.yaml': configMap('part'),
    'part/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [c.yaml]\nnameSuffix: -c\n',
    [k]: `resources: [../base]\ncomponents: [../part]\n${both}commonAnnotations: {x: y}\n`,
  },
  'with every transformer': top(
    `${both}nameSuffix: -s\nlabels: [{pairs: {x: y}}, {pairs: {z: y}}]\ncommonAnnotations: {x: y}\npatches:\n- patch: "[]"\n  target: {kind: Nothing}\n- patch: "[]"\n  target: {kind: Nothing}\nreplacements: [{sourceValue: v, targets: [{select: {kind: Nothing}}]}]\nimages: [{name: a, newTag: b}, {name: c, newTag: d}]\n`,
  ),
  'annotations of its own in the input': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    config.kubernetes.io/origin: |\n      path: x.yaml\n    config.kubernetes.io/index: "0"\n    config.kubernetes.io/path: x.yaml\n    config.k8s.io/id: "1"\n    internal.config.kubernetes.io/index: "0"\n    internal.config.kubernetes.io/other: "0"\n    own: x\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  annotations:\n    config.kubernetes.io/path: x.yaml\n',
  },
};
