import type { Case } from './cases-basic.ts';
import { configMap, deployment, rbac, service } from './objects.ts';

const k = 'app/kustomization.yaml';
const foo =
  'apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: x}\nspec:\n  target: settings\n  refs: [{name: settings}, {name: web}]\n' +
  '  image: busybox:1\n  pods: [{image: busybox:1}]\n  size: 1\n  ns: old\n  names: [settings]\n  sel: {app: web}\n  note: "$(HOST) and $(PORT)"\n  port: $(PORT)\n';
const files = {
  'd.yaml': deployment(),
  's.yaml': service(),
  'c.yaml': configMap('settings', 'host: a.b.c\n  digits: "12"\n  ref: $(PORT)'),
  'r.yaml': rbac,
  'x.yaml': foo,
};
const inFolder = (folder: string): Case =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
const base = inFolder('app');
const resources = 'resources: [d.yaml, s.yaml, c.yaml, r.yaml, x.yaml]\n';
const withK = (text: string, more: Case = {}): Case => ({ ...base, ...more, [k]: resources + text });
const configured = (config: string, text = ''): Case =>
  withK(`configurations: [conf.yaml]\n${text}`, { 'app/conf.yaml': config });

const host =
  'vars:\n- name: HOST\n  objref: {apiVersion: v1, kind: ConfigMap, name: settings}\n  fieldref: {fieldPath: data.host}\n';
const port =
  '- name: PORT\n  objref: {apiVersion: v1, kind: Service, name: web}\n  fieldref: {fieldPath: "spec.ports[0].port"}\n';
const patch = (value: string): string =>
  `patches:\n- patch: '[{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": ${JSON.stringify(value)}}]'\n  target: {kind: Deployment}\n`;
const varSpecs = 'varReference:\n- path: spec/note\n  kind: Foo\n- path: spec/port\n  kind: Foo\n';

/** `vars` and where they are put. */
export const varCases: Readonly<Record<string, Case>> = {
  'a var': withK(host + patch('$(HOST)')),
  'a var within a text': withK(host + patch('http://$(HOST)/$(HOST)')),
  'a number': withK(host + port + patch('$(PORT)')),
  'a number within a text': withK(host + port + patch('x$(PORT)x')),
  'a var that is unknown': withK(host + patch('$(NOPE) $(HOST)')),
  'a var that is escaped': withK(host + patch('$$(HOST) $$$(HOST) $HOST $( $(')),
  'a var in an empty set': withK(patch('$$(HOST)')),
  'a var after a prefix': withK(
    `namePrefix: p-\nvars:\n- name: NAME\n  objref: {apiVersion: v1, kind: Service, name: web}\n${patch('$(NAME)')}`,
  ),
  'a var of a namespace': withK(
    `namespace: team\nvars:\n- name: NAME\n  objref: {apiVersion: v1, kind: Service, name: web, namespace: default}\n  fieldref: {fieldPath: metadata.namespace}\n${patch('$(NAME)')}`,
  ),
  'a var of another namespace': withK(
    `vars:\n- name: NAME\n  objref: {apiVersion: v1, kind: Service, name: web, namespace: other}\n${patch('$(NAME)')}`,
  ),
  'a var of a cluster-scoped object': withK(
    `vars:\n- name: NAME\n  objref: {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, name: reader}\n${patch('$(NAME)')}`,
  ),
  'a var by group and version': withK(
    `vars:\n- name: NAME\n  objref: {group: apps, version: v1, kind: Deployment, name: web}\n${patch('$(NAME)')}`,
  ),
  'a var without version': withK(
    `vars:\n- name: NAME\n  objref: {kind: Service, name: web}\n${patch('$(NAME)')}`,
  ),
  'a var of no object': withK(
    `vars:\n- name: NAME\n  objref: {apiVersion: v1, kind: Service, name: nope}\n${patch('$(NAME)')}`,
  ),
  'a var of no field': withK(
    `vars:\n- name: NAME\n  objref: {apiVersion: v1, kind: Service, name: web}\n  fieldref: {fieldPath: spec.nope}\n${patch('$(NAME)')}`,
  ),
  'a var of a mapping': withK(
    `vars:\n- name: NAME\n  objref: {apiVersion: v1, kind: Service, name: web}\n  fieldref: {fieldPath: spec.selector}\n${patch('a $(NAME) b')}`,
  ),
  'a var twice': withK(host + host.replace('vars:\n', '')),
  'a var twice in two layers': {
    ...inFolder('base'),
    'base/kustomization.yaml': resources + host,
    [k]: `resources: [../base]\n${host}`,
  },
  'a var of a base': {
    ...inFolder('base'),
    'base/kustomization.yaml': resources + host,
    [k]: `resources: [../base]\nnamePrefix: p-\n${patch('$(HOST)')}`,
  },
  'a var of a component': {
    ...base,
    'part/kustomization.yaml': `apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n${host}`,
    [k]: `${resources}components: [../part]\n${patch('$(HOST)')}`,
  },
  'a var that is a float': withK(
    `vars:\n- name: NAME\n  objref: {apiVersion: e.com/v1, kind: Foo, name: x}\n  fieldref: {fieldPath: spec.f}\npatches:\n- patch: '[{"op": "add", "path": "/spec/f", "value": 1234567.5}]'\n  target: {kind: Foo}\n- patch: '[{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "a$(NAME)b"}]'\n  target: {kind: Deployment}\n`,
  ),
  'a var that is a flag': withK(
    `vars:\n- name: NAME\n  objref: {apiVersion: e.com/v1, kind: Foo, name: x}\n  fieldref: {fieldPath: spec.f}\npatches:\n- patch: '[{"op": "add", "path": "/spec/f", "value": true}]'\n  target: {kind: Foo}\n- patch: '[{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "$(NAME)"}]'\n  target: {kind: Deployment}\n`,
  ),
  'a var in labels and annotations': withK(
    `${host}commonLabels: {h: $(HOST)}\ncommonAnnotations: {h: "x $(HOST)"}\n`,
  ),
  'a var in args, commands and mounts': withK(
    `${host}patches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec:\n      template:\n        spec:\n          containers:\n          - name: main\n            args: [$(HOST), "--x=$(HOST)"]\n            command: [a, $(HOST)]\n            volumeMounts: [{name: settings, mountPath: "/$(HOST)"}]\n          initContainers: [{name: init, args: [$(HOST)]}]\n`,
  ),
  'a number among args': withK(
    `${host}patches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: main, args: [$(HOST), 5]}]}}}\n`,
  ),
  'a var in a generated name': withK(
    `configMapGenerator:\n- name: made\n  literals: [a=b]\nvars:\n- name: NAME\n  objref: {apiVersion: v1, kind: ConfigMap, name: made}\n${patch('$(NAME)')}`,
  ),
  'a var where it is configured': configured(varSpecs, host + port),
  'a var where it is configured in a base': {
    ...inFolder('base'),
    'base/conf.yaml': varSpecs,
    'base/kustomization.yaml': `${resources}configurations: [conf.yaml]\n`,
    [k]: `resources: [../base]\n${host}${port}`,
  },
};

const nameReference =
  'nameReference:\n- kind: ConfigMap\n  version: v1\n  fieldSpecs:\n  - path: spec/target\n    kind: Foo\n  - path: spec/refs/name\n    kind: Foo\n  - path: spec/names\n    kind: Foo\n- kind: Deployment\n  fieldSpecs:\n  - path: spec/refs/name\n    kind: Foo\n';
const crd =
  '{"com.example.Foo": {"Schema": {"properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}, "spec": {"$ref": "com.example.FooSpec"}}}},\n' +
  ' "com.example.FooSpec": {"Schema": {"properties": {"refs": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap"}, "sel": {"x-kubernetes-label-selector": ""}, "target": {"x-kubernetes-identity": ""}, "note": {"x-kubernetes-annotation": ""}}}}}\n';

/** `configurations`, `crds`, `sortOptions`. */
export const configCases: Readonly<Record<string, Case>> = {
  'name references': configured(nameReference, 'namePrefix: p-\n'),
  'name references of a base': {
    ...inFolder('base'),
    'base/conf.yaml': nameReference,
    'base/kustomization.yaml': `${resources}configurations: [conf.yaml]\n`,
    [k]: 'resources: [../base]\nnameSuffix: -s\n',
  },
  'name references of a component': {
    ...base,
    'part/conf.yaml': nameReference,
    'part/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigurations: [conf.yaml]\n',
    [k]: `${resources}components: [../part]\nnamePrefix: p-\n`,
  },
  'a name reference for every kind': configured(
    'nameReference:\n- kind: ConfigMap\n  fieldSpecs:\n  - path: spec/target\n',
    'namePrefix: p-\n',
  ),
  'prefixes and suffixes': configured(
    'namePrefix:\n- path: spec/target\n  kind: Foo\n- path: spec/new/deep\n  kind: Foo\n  create: true\nnameSuffix:\n- path: spec/image\n',
    'namePrefix: p-\nnameSuffix: -s\n',
  ),
  'a prefix of a number': configured('namePrefix:\n- path: spec/size\n  kind: Foo\n', 'namePrefix: p-\n'),
  'a prefix of a mapping': configured('namePrefix:\n- path: spec/sel\n  kind: Foo\n', 'namePrefix: p-\n'),
  namespaces: configured(
    'namespace:\n- path: spec/ns\n  kind: Foo\n- path: spec/made/ns\n  kind: Foo\n  create: true\n',
    'namespace: team\n',
  ),
  'namespaces of subjects': configured(
    'namespace:\n- path: subjects/namespace\n  kind: RoleBinding\n- path: metadata/namespace\n  create: true\n- path: metadata/name\n',
    'namespace: team\n',
  ),
  'a namespace in a mapping': configured('namespace:\n- path: spec/sel\n  kind: Foo\n', 'namespace: team\n'),
  'common labels': configured(
    'commonLabels:\n- path: spec/sel\n  kind: Foo\n- path: spec/made\n  kind: Foo\n  create: true\n',
    'commonLabels: {team: a}\n',
  ),
  'labels with selectors': configured(
    'commonLabels:\n- path: spec/sel\n  kind: Foo\n  create: true\n',
    'labels:\n- pairs: {team: a}\n  includeSelectors: true\n- pairs: {other: b}\n',
  ),
  labels: configured(
    'labels:\n- path: spec/sel\n  kind: Foo\n  create: true\n',
    'labels:\n- pairs: {team: a}\n- pairs: {other: b}\n  includeTemplates: true\n',
  ),
  'template labels': configured(
    'templateLabels:\n- path: spec/made/labels\n  kind: Foo\n  create: true\n',
    'labels:\n- pairs: {team: a}\n- pairs: {other: b}\n  includeTemplates: true\n',
  ),
  'labels in conflict with the defaults': configured(
    'commonLabels:\n- path: metadata/labels\n  create: false\n',
    'commonLabels: {team: a}\n',
  ),
  'fields of labels in conflict': withK('labels:\n- pairs: {a: b}\n  fields: [{path: metadata/labels}]\n'),
  'fields of labels that are known': withK(
    'labels:\n- pairs: {a: b}\n  fields: [{path: metadata/labels, create: true}]\n',
  ),
  'fields of labels for one kind': withK(
    'labels:\n- pairs: {a: b}\n  fields: [{path: metadata/labels, kind: Foo}]\n',
  ),
  annotations: configured(
    'commonAnnotations:\n- path: spec/made\n  kind: Foo\n  create: true\n',
    'commonAnnotations: {a: b}\n',
  ),
  images: configured(
    'images:\n- path: spec/image\n  kind: Foo\n- path: spec/pods[]/image\n- path: spec/pods/image\n  kind: Foo\n',
    'images:\n- name: busybox\n  newTag: "9"\n',
  ),
  replicas: configured(
    'replicas:\n- path: spec/size\n  kind: Foo\n  create: true\n',
    'replicas:\n- name: x\n  count: 7\n',
  ),
  'an unknown list': configured('unknown: []\n'),
  'an unknown field': configured('images:\n- path: a\n  unknown: b\n'),
  'an empty file': configured(''),
  'no file': withK('configurations: [nope.yaml]\n'),
  'two files': withK(
    'configurations: [a.yaml, b.yaml]\nnamePrefix: p-\nimages:\n- name: busybox\n  newTag: "9"\n',
    {
      'app/a.yaml': nameReference,
      'app/b.yaml': 'images:\n- path: spec/image\n',
    },
  ),
  'two files in conflict': withK('configurations: [a.yaml, b.yaml]\n', {
    'app/a.yaml': 'images:\n- path: spec/image\n',
    'app/b.yaml': 'images:\n- path: spec/image\n  create: true\n',
  }),
  'crds of extensions': withK(
    'crds: [crd.json]\nnamePrefix: p-\ncommonLabels: {l: a}\ncommonAnnotations: {z: b}\n',
    {
      'app/crd.json': crd.replace(', "note": {"x-kubernetes-annotation": ""}', ''),
    },
  ),
  'crds of a base': {
    ...inFolder('base'),
    'base/crd.json': crd,
    'base/kustomization.yaml': `${resources}crds: [crd.json]\n`,
    [k]: 'resources: [../base]\nnamePrefix: p-\ncommonLabels: {l: a}\n',
  },
  'crds as YAML': withK('crds: [crd.yaml]\nnameSuffix: -s\n', {
    'app/crd.yaml':
      'x.Foo:\n  schema:\n    properties:\n      kind: {}\n      apiVersion: {}\n      metadata: {}\n      spec: {$ref: x.Spec}\nx.Spec:\n  schema:\n    properties:\n      sel: {x-kubernetes-object-ref-api-version: v1, x-kubernetes-object-ref-kind: ConfigMap, x-kubernetes-object-ref-name-key: deep}\n      refs: {x-kubernetes-object-ref-api-version: v1, x-kubernetes-object-ref-kind: ConfigMap}\n',
  }),
  'crds that are CustomResourceDefinitions': withK('crds: [crd.yaml]\n', {
    'app/crd.yaml':
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.e.com}\nspec: {group: e.com}\n',
  }),
  'the order of the files': withK('sortOptions: {order: fifo}\n'),
  'the order of the files with a generator': withK(
    'sortOptions: {order: fifo}\nconfigMapGenerator:\n- name: g\n  literals: [a=b]\n',
  ),
  'the legacy order': withK('sortOptions: {order: legacy}\n'),
  'an order of kinds': withK(
    'sortOptions:\n  order: legacy\n  legacySortOptions:\n    orderFirst: [Foo, Service]\n    orderLast: [ConfigMap]\n',
  ),
  'an order of no kinds': withK('sortOptions:\n  order: legacy\n  legacySortOptions: {}\n'),
  'an unknown order': withK('sortOptions: {order: other}\n'),
  'no order': withK('sortOptions: {}\n'),
  'a fifo order of kinds': withK('sortOptions:\n  order: fifo\n  legacySortOptions: {orderFirst: [Foo]}\n'),
  'the order of a base': {
    ...inFolder('base'),
    'base/kustomization.yaml': `${resources}sortOptions: {order: fifo}\n`,
    [k]: 'resources: [../base]\n',
  },
  'a wrong order of a base': {
    ...inFolder('base'),
    'base/kustomization.yaml': `${resources}sortOptions: {order: other}\n`,
    [k]: 'resources: [../base]\n',
  },
  'the order of bases': {
    ...inFolder('base'),
    'base/kustomization.yaml': resources,
    'two/kustomization.yaml': 'resources: [a.yaml]\n',
    'two/a.yaml': configMap('a'),
    [k]: 'resources: [../base, ../two]\nsortOptions: {order: fifo}\nnamePrefix: p-\n',
  },
};
