import type { Case } from './cases-basic.ts';
import { configMap, deployment, service } from './objects.ts';

const k = 'app/kustomization.yaml';
const foo =
  'apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: x, annotations: {a: "1", b: c}}\nspec:\n  m: {a: {b: c}}\n  l: [[a, b], [c]]\n  n: [{name: a, sub: [{name: q, v: 1}]}, {name: b}]\n  s: "a,b,c"\n  u: http://h:80/p\n  e: []\n';
const base: Case = {
  'app/d.yaml': deployment(),
  'app/s.yaml': service(),
  'app/c.yaml': configMap('settings', 'mode: fast\n  multi: |\n    line1\n    line2'),
  'app/x.yaml': foo,
};
const w = (t: string, more: Case = {}): Case => ({
  ...base,
  ...more,
  [k]: 'resources: [d.yaml, s.yaml, c.yaml, x.yaml]\n' + t,
});
const r = (src: string, paths: string, opts = '', sel = '{kind: Foo}'): Case =>
  w(
    `replacements:\n- source: ${src}\n  targets:\n  - select: ${sel}\n    fieldPaths: [${paths}]\n${opts ? `    options: {${opts}}\n` : ''}`,
  );
const cm = '{kind: ConfigMap, name: settings, fieldPath: data.mode}';
/** Paths, references and transformers at the edges. */
export const fieldEdgeCases: Readonly<Record<string, Case>> = {
  'list in list': r(cm, 'spec.l.0.1'),
  'wild in wild': r(cm, 'spec.l.*.*'),
  'sub list': r(cm, '"spec.n.[name=a].sub.[name=q].v"'),
  'wild sub missing': r(cm, '"spec.n.*.sub.[name=q].v"'),
  'wild sub create': r(cm, '"spec.n.*.sub.[name=z].v"', 'create: true'),
  'empty list index create': r(cm, 'spec.e.0', 'create: true'),
  'empty list wild': r(cm, 'spec.e.*'),
  'empty list wild create': r(cm, 'spec.e.*', 'create: true'),
  multiline: r('{kind: ConfigMap, name: settings, fieldPath: data.multi}', 'spec.s'),
  'multiline create': r(
    '{kind: ConfigMap, name: settings, fieldPath: data.multi}',
    'spec.new',
    'create: true',
  ),
  'trailing dot': r(cm, '"spec.s."'),
  'double dot': r(cm, '"spec..s"'),
  'empty path': r(cm, '""'),
  'slash path': r(cm, 'spec/s'),
  'space path': r(cm, '" spec.s"'),
  'annotation plain': r(cm, 'metadata.annotations.a'),
  'new annotation': r(cm, '"metadata.annotations.[x/y.z]"', 'create: true'),
  'new label': r(cm, 'metadata.labels.x', 'create: true'),
  namespace: r(cm, 'metadata.namespace', 'create: true'),
  kind: r(cm, 'kind'),
  apiVersion: r(cm, 'apiVersion'),
  'whole metadata': r('{kind: Foo, fieldPath: metadata}', 'metadata', '', '{kind: Service}'),
  'whole spec': r('{kind: Service, fieldPath: spec}', 'spec'),
  'metadata to text': r(cm, 'metadata'),
  'index on map': r(cm, 'spec.m.0'),
  'key on list': r(cm, 'spec.l.a'),
  'bad regex': r(cm, '"spec.n.[name=(].v"'),
  'no equals': r(cm, '"spec.n.[name].v"'),
  'star at map': r(cm, 'spec.m.*'),
  'delim long': r(cm, 'spec.u', 'delimiter: "://", index: 1'),
  'delim empty pieces': r(cm, 'spec.s', 'delimiter: "b", index: 0'),
  'delim on created': r(cm, 'spec.new', 'delimiter: "/", index: 1, create: true'),
  'source array index': r('{kind: Foo, fieldPath: spec.l.0}', 'spec.e'),
  'source neg': r('{kind: Foo, fieldPath: spec.l.-1}', 'spec.s'),
  'source by regex no': r('{kind: ConfigMap, name: "set.*", fieldPath: data.mode}', 'spec.s'),
  'two sources same after prefix': {
    ...base,
    'b/kustomization.yaml': 'resources: [c.yaml]\nnamePrefix: b-\n',
    'b/c.yaml': configMap('settings'),
    [k]: 'resources: [c.yaml, x.yaml, ../b]\nreplacements:\n- source: {kind: ConfigMap, name: settings, fieldPath: data.mode}\n  targets: [{select: {kind: Foo}, fieldPaths: [spec.s]}]\n',
  },
  'nameref to list of maps': w('configurations: [conf.yaml]\nnamePrefix: p-\n', {
    'app/conf.yaml': 'nameReference:\n- kind: ConfigMap\n  fieldSpecs:\n  - path: spec/refs\n    kind: Bar\n',
    'app/x.yaml':
      'apiVersion: e.com/v1\nkind: Bar\nmetadata: {name: x}\nspec: {refs: [{name: settings}, {name: other, namespace: n}]}\n',
  }),
  'nameref map without name': w('configurations: [conf.yaml]\nnamePrefix: p-\n', {
    'app/conf.yaml': 'nameReference:\n- kind: ConfigMap\n  fieldSpecs:\n  - path: spec/ref\n    kind: Bar\n',
    'app/x.yaml': 'apiVersion: e.com/v1\nkind: Bar\nmetadata: {name: x}\nspec: {ref: {foo: settings}}\n',
  }),
  'nameref custom target': w('configurations: [conf.yaml]\nnamePrefix: p-\n', {
    'app/conf.yaml':
      'nameReference:\n- kind: Foo\n  group: e.com\n  fieldSpecs:\n  - path: spec/template/spec/serviceAccountName\n    kind: Deployment\n',
    'app/d.yaml': deployment('x'),
  }),
  'nameref by version': w('configurations: [conf.yaml]\nnamePrefix: p-\n', {
    'app/conf.yaml':
      'nameReference:\n- kind: Foo\n  version: v2\n  fieldSpecs:\n  - path: spec/template/spec/serviceAccountName\n    kind: Deployment\n',
    'app/d.yaml': deployment('x'),
  }),
  scaledobject: w('configurations: [conf.yaml]\nnameSuffix: -s\n', {
    'app/conf.yaml':
      'nameReference:\n- kind: Deployment\n  fieldSpecs:\n  - path: spec/scaleTargetRef/name\n    kind: ScaledObject\n',
    'app/x.yaml':
      'apiVersion: keda.sh/v1\nkind: ScaledObject\nmetadata: {name: x}\nspec: {scaleTargetRef: {name: web}}\n',
  }),
  'varref custom list': w(
    'configurations: [conf.yaml]\nvars: [{name: MODE, objref: {apiVersion: v1, kind: ConfigMap, name: settings}, fieldref: {fieldPath: data.mode}}]\n',
    {
      'app/conf.yaml': 'varReference:\n- path: spec/l\n- path: spec/m\n- path: spec/k\n',
      'app/x.yaml':
        'apiVersion: e.com/v1\nkind: Bar\nmetadata: {name: x}\nspec: {l: ["$(MODE)", "x-$(MODE)"], m: {a: "$(MODE)", b: 5}, k: 5}\n',
    },
  ),
  'var hash': w(
    'secretGenerator: [{name: sec, literals: [a=b]}]\nvars: [{name: SEC, objref: {apiVersion: v1, kind: Secret, name: sec}}]\npatches: [{patch: "- {op: replace, path: /spec/template/spec/containers/0/env/0/value, value: $(SEC)}", target: {kind: Deployment}}]\n',
  ),
  'transformer order': w(
    'transformers: [t.yaml]\nnamePrefix: a-\nreplacements: [{source: {kind: ConfigMap, name: settings}, targets: [{select: {kind: Foo}, fieldPaths: [spec.s]}]}]\n',
    {
      'app/t.yaml':
        'apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: b-\nfieldSpecs: [{path: metadata/name}]\n',
    },
  ),
  'transformers in component': {
    ...base,
    'part/kustomization.yaml': 'kind: Component\ntransformers: [t.yaml]\n',
    'part/t.yaml':
      'apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: b-\nfieldSpecs: [{path: metadata/name}]\n',
    [k]: 'resources: [d.yaml, c.yaml]\ncomponents: [../part]\n',
  },
  'transformer file outside': {
    ...base,
    't.yaml':
      'apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: b-\nfieldSpecs: [{path: metadata/name}]\n',
    [k]: 'resources: [c.yaml]\ntransformers: [../t.yaml]\n',
  },
  'labels transformer w/o value': w('transformers: [t.yaml]\n', {
    'app/t.yaml':
      'apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: t}\nfieldSpecs: [{path: metadata/labels, create: true}]\n',
  }),
  'crds missing': w('crds: [nope.json]\n'),
  'sortOptions in component': {
    ...base,
    'part/kustomization.yaml': 'kind: Component\nsortOptions: {order: fifo}\n',
    [k]: 'resources: [d.yaml, c.yaml]\ncomponents: [../part]\n',
  },
};
