import type { Case } from './cases-basic.ts';
import { configMap, deployment, service } from './objects.ts';

const k = 'app/kustomization.yaml';
const base: Case = {
  'app/d.yaml': deployment(),
  'app/s.yaml': service(),
  'app/c.yaml': configMap('settings'),
  'app/a.yaml': configMap('a'),
};
const w = (t: string, more: Case = {}): Case => ({
  ...base,
  ...more,
  [k]: 'resources: [d.yaml, s.yaml, c.yaml]\n' + t,
});
const obj = (t: string, kk = ''): Case => ({ [k]: 'resources: [a.yaml]\n' + kk, 'app/a.yaml': t });
/** Kustomization files, resources and layers at the edges of what is allowed; deprecated fields. */
export const edgeCases: Readonly<Record<string, Case>> = {
  'duplicate top key': w('resources: [a.yaml]\n'),
  'duplicate nested key': w('commonLabels:\n  a: b\n  a: c\n'),
  'same key other case': w('namePrefix: a-\nNamePrefix: b-\n'),
  'second document': w('---\nnamePrefix: p-\n'),
  'leading separator': { ...base, [k]: '---\nresources: [c.yaml]\n' },
  'leading and trailing separators': { ...base, [k]: '---\nresources: [c.yaml]\n---\n' },
  'second empty doc': { ...base, [k]: 'resources: [c.yaml]\n---\n# nothing\n' },
  'first empty doc': { ...base, [k]: '# c\n---\nresources: [c.yaml]\n' },
  'document end': { ...base, [k]: 'resources: [c.yaml]\n...\n' },
  'anchors in kustomization': {
    ...base,
    [k]: 'resources: [c.yaml]\ncommonLabels: &l {a: b}\ncommonAnnotations: *l\n',
  },
  'merge key in kustomization': {
    ...base,
    [k]: 'resources: [c.yaml]\ncommonLabels: &l {a: b}\ncommonAnnotations:\n  <<: *l\n  c: d\n',
  },
  tabs: { ...base, [k]: 'resources:\n\t- c.yaml\n' },
  BOM: { ...base, [k]: '\ufeffresources: [c.yaml]\n' },
  'BOM in a resource': { ...base, 'app/c.yaml': '\ufeff' + configMap('c'), [k]: 'resources: [c.yaml]\n' },
  CRLF: {
    ...base,
    'app/c.yaml': configMap('c').replaceAll('\n', '\r\n'),
    [k]: 'resources: [c.yaml]\r\nnamePrefix: p-\r\n',
  },
  imageTags: w('imageTags:\n- name: busybox\n  newTag: "3"\n'),
  'imageTags and images': w(
    'imageTags:\n- name: busybox\n  newTag: "3"\nimages:\n- name: busybox\n  newTag: "4"\n',
  ),
  'env of generator': w('configMapGenerator:\n- name: g\n  env: e.env\n', { 'app/e.env': 'A=1\n' }),
  'env and envs': w('configMapGenerator:\n- name: g\n  env: e.env\n  envs: [f.env]\n', {
    'app/e.env': 'A=1\n',
    'app/f.env': 'B=1\n',
  }),
  metadata: w('metadata: {name: x, labels: {a: b}}\n'),
  'metadata unknown': w('metadata: {name: x, foo: bar}\n'),
  'metadata more': w('metadata: {name: x, annotations: {config.kubernetes.io/local-config: "true"}}\n'),
  status: w('status: {}\n'),
  'images null containers': obj(
    'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: null, initContainers: , volumes: ~}\n',
    'images: [{name: x, newTag: y}]\n',
  ),
  'images in template null': obj(
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: , volumes: null}}}\n',
    'images: [{name: x, newTag: y}]\n',
  ),
  'null spec labels': obj(
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: null\n',
    'commonLabels: {a: b}\n',
  ),
  'null template': obj(
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: , selector: ~}\n',
    'commonLabels: {a: b}\n',
  ),
  'null namespace': obj(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: }\n',
    'namespace: n\n',
  ),
  'null namespace no change': obj(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: null}\n',
    '',
  ),
  'empty namespace': obj(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ""}\n',
    'namePrefix: p-\n',
  ),
  'quoted number name': obj('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "5"}\n', 'nameSuffix: "6"\n'),
  generateName: obj('apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n', ''),
  'no metadata': obj('apiVersion: v1\nkind: Pod\n', ''),
  'colon name prefix': obj(
    'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: "system:a"}\n',
    'namePrefix: p-\n',
  ),
  'custom kind ending in List': obj(
    'apiVersion: e.com/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {}\n',
    '',
  ),
  'custom kind ending in List with items': obj(
    'apiVersion: e.com/v1\nkind: AllowList\nmetadata: {name: a}\nitems: [a, b]\n',
    '',
  ),
  'nested list': obj(
    'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n',
    '',
  ),
  'local config false': obj(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {config.kubernetes.io/local-config: "false"}}\n',
    '',
  ),
  'local config empty': obj(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {config.kubernetes.io/local-config: ""}}\n',
    '',
  ),
  'local config bool': obj(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {config.kubernetes.io/local-config: true}}\n',
    '',
  ),
  'kustomization as resource': {
    ...base,
    'app/k.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: x}\n',
    [k]: 'resources: [k.yaml, c.yaml]\n',
  },
  'resource with trailing spaces in path': { ...base, [k]: 'resources: ["c.yaml "]\n' },
  'resource with ./': { ...base, [k]: 'resources: [./c.yaml, .//d.yaml]\n' },
  'resource twice': { ...base, [k]: 'resources: [c.yaml, ./c.yaml]\n' },
  'empty resource path': { ...base, [k]: 'resources: [""]\n' },
  'null resource': { ...base, [k]: 'resources: [null, c.yaml]\n' },
  'a folder with slash': {
    ...base,
    'b/kustomization.yaml': 'resources: [x.yaml]\n',
    'b/x.yaml': configMap('x'),
    [k]: 'resources: [../b/]\n',
  },
  'a glob': { ...base, [k]: 'resources: ["*.yaml"]\n' },
  'empty file': { ...base, 'app/e.yaml': '', [k]: 'resources: [e.yaml, c.yaml]\n' },
  'file of comments': { ...base, 'app/e.yaml': '# c\n', [k]: 'resources: [e.yaml, c.yaml]\n' },
  'file of null': { ...base, 'app/e.yaml': 'null\n', [k]: 'resources: [e.yaml, c.yaml]\n' },
  'file of a scalar': { ...base, 'app/e.yaml': 'hello\n', [k]: 'resources: [e.yaml, c.yaml]\n' },
  'file of a list': { ...base, 'app/e.yaml': '- a\n', [k]: 'resources: [e.yaml, c.yaml]\n' },
  'file of {}': { ...base, 'app/e.yaml': '{}\n', [k]: 'resources: [e.yaml, c.yaml]\n' },
  'yaml directive': obj('%YAML 1.1\n---\n' + configMap('a')),
  'document end marker': obj(configMap('a') + '...\n---\n' + configMap('b')),
  'binary tag': obj(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbinaryData: {x: !!binary aGVsbG8=}\n',
  ),
  'non-string keys': obj('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {5: x, true: y}\n'),
  'deep anchors': obj(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: &d {x: "1"}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: *d\n',
  ),
  'merge key list': obj(
    'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nx: &x {a: 1}\ny: &y {b: 2}\nz: {<<: [*x, *y], c: 3}\n',
  ),
  'merge key override order': obj(
    'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nx: &x {a: 1, b: 1}\nz: {b: 2, <<: *x}\n',
  ),
  'labels twice over layers with includeTemplates': {
    ...base,
    'b/kustomization.yaml': 'resources: [d.yaml]\nlabels: [{pairs: {a: b}, includeTemplates: true}]\n',
    'b/d.yaml': deployment(),
    [k]: 'resources: [../b]\nlabels: [{pairs: {a: c}}]\n',
  },
  'labels volumeclaims': obj(
    'apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {volumeClaimTemplates: [{metadata: {name: d}}]}\n',
    'labels: [{pairs: {a: b}, includeVolumeClaimTemplates: true}]\n',
  ),
  'labels volumeclaims and templates': obj(
    'apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {template: {}, volumeClaimTemplates: [{metadata: {name: d}}]}\n',
    'labels: [{pairs: {a: b}, includeTemplates: true, includeVolumeClaimTemplates: true}]\n',
  ),
  'labels with selectors and claims': obj(
    'apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {template: {}, volumeClaimTemplates: [{metadata: {name: d}}]}\n',
    'labels: [{pairs: {a: b}, includeSelectors: true}]\n',
  ),
  'component with only bases above': {
    ...base,
    'part/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: c-\n',
    [k]: 'components: [../part]\nresources: [c.yaml]\n',
  },
  'component as top': {
    ...base,
    [k]: 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [c.yaml]\n',
  },
  'component without version': {
    ...base,
    'part/kustomization.yaml': 'kind: Component\nnamePrefix: c-\n',
    [k]: 'components: [../part]\nresources: [c.yaml]\n',
  },
  'component twice': {
    ...base,
    'part/kustomization.yaml': 'kind: Component\nnamePrefix: c-\n',
    [k]: 'components: [../part, ../part]\nresources: [c.yaml]\n',
  },
  'component with generator merge': {
    ...base,
    'part/kustomization.yaml':
      'kind: Component\nconfigMapGenerator: [{name: g, behavior: merge, literals: [x=y]}]\n',
    [k]: 'components: [../part]\nconfigMapGenerator: [{name: g, literals: [a=b]}]\n',
  },
  'replacement from component': {
    ...base,
    'part/kustomization.yaml':
      'kind: Component\nreplacements: [{source: {kind: ConfigMap, name: settings, fieldPath: data.mode}, targets: [{select: {kind: Deployment}, fieldPaths: [spec.template.metadata.labels.app]}]}]\n',
    [k]: 'components: [../part]\nresources: [c.yaml, d.yaml]\n',
  },
  'hash of empty cm': w('configMapGenerator: [{name: g}]\n'),
  'namespace generator': w(
    'namespace: n\nconfigMapGenerator: [{name: g, namespace: other, literals: [a=b]}]\n',
  ),
  'replicas zero': w('replicas: [{name: web, count: 0}]\n'),
  'replicas negative': w('replicas: [{name: web, count: -1}]\n'),
  'replicas without count': w('replicas: [{name: web}]\n'),
  'replicas float': w('replicas: [{name: web, count: 1.0}]\n'),
  'replicas 1e1': w('replicas: [{name: web, count: 1e1}]\n'),
  'patch kind missing': w('patches: [{patch: "{apiVersion: apps/v1, metadata: {name: web}}"}]\n'),
  'patch target empty': w(
    'patches: [{patch: "[{\\"op\\": \\"add\\", \\"path\\": \\"/metadata/labels\\", \\"value\\": {\\"x\\": \\"y\\"}}]", target: {}}]\n',
  ),
  'patch multi json docs': w('patches: [{path: p.yaml, target: {kind: Service}}]\n', {
    'app/p.yaml': '- {op: add, path: /metadata/a, value: x}\n---\n- {op: add, path: /metadata/b, value: x}\n',
  }),
  'commonLabels null': w('commonLabels: {a: null}\n'),
  'commonLabels empty': w('commonLabels: {}\n'),
  'namePrefix null': w('namePrefix:\n'),
  'name prefix with slash': w('namePrefix: a/\n'),
  'unused openapi null': w('openapi:\n'),
  'helm null': w('helmCharts:\n'),
  'helm empty list': w('helmCharts: []\n'),
  'helmGlobals null': w('helmGlobals:\n'),
  'inventory (old)': w('inventory: {}\n'),
  'json kustomization': { ...base, [k]: '{"resources": ["c.yaml"], "namePrefix": "p-"}\n' },
  'kustomization list': { ...base, [k]: '- a\n' },
  'kustomization scalar': { ...base, [k]: 'hello\n' },
};
