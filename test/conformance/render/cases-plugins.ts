import type { Case } from './cases-basic.ts';
import { configMap, deployment, rbac, service } from './objects.ts';

const k = 'app/kustomization.yaml';
const base: Case = {
  'app/d.yaml': deployment(),
  'app/s.yaml': service(),
  'app/c.yaml': configMap('settings', 'mode: fast\n  path: /a/b/c'),
  'app/r.yaml': rbac,
  'app/x.yaml':
    'apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: x, namespace: own}\nspec: {size: 1, image: "busybox:1"}\n',
};
const resources = 'resources: [d.yaml, s.yaml, c.yaml, r.yaml, x.yaml]\n';
const quoted = 'apiVersion: e.com/v1\nkind: Quoted\nmetadata: {name: q}\nspec: {text: "7"}\n';
const of = (field: string, kind: string, body: string, more = ''): Case => ({
  ...base,
  [k]: `${resources}${more}${field}: [t.yaml]\n`,
  'app/t.yaml': `apiVersion: builtin\nkind: ${kind}\nmetadata: {name: t}\n${body}`,
});
const t = (kind: string, body: string, more = ''): Case =>
  of('transformers', `${kind}Transformer`, body, more);
const name = 'fieldSpecs: [{path: metadata/name}]\n';
const inline = (field: string, text: string): Case => ({
  ...base,
  [k]: `${resources}${field}:\n- |-\n  ${text.trim().replaceAll('\n', '\n  ')}\n`,
});

/** Built-in transformers, generators and validators as objects. */
export const pluginCases: Readonly<Record<string, Case>> = {
  prefix: t('Prefix', `prefix: p-\n${name}`),
  'an empty prefix': t('Prefix', name),
  'a prefix without fields': t('Prefix', 'prefix: p-\n'),
  'a prefix elsewhere': t('Prefix', 'prefix: p-\nfieldSpecs: [{path: spec/image, kind: Foo}]\n'),
  suffix: t('Suffix', `suffix: -s\n${name}`, 'namePrefix: p-\n'),
  'prefix and suffix': t('PrefixSuffix', `prefix: p-\nsuffix: -s\n${name}`),
  namespace: of(
    'transformers',
    'NamespaceTransformer',
    'fieldSpecs: [{path: metadata/name, kind: Namespace, create: true}]\n',
  ),
  'namespace of a name': {
    ...base,
    [k]: `${resources}transformers: [t.yaml]\n`,
    'app/t.yaml': 'apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: t, namespace: team}\n',
  },
  'namespace where there is none': {
    ...base,
    [k]: `${resources}transformers: [t.yaml]\n`,
    'app/t.yaml':
      'apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: t, namespace: team}\nunsetOnly: true\nfieldSpecs: [{path: spec/ns, kind: Foo, create: true}, {path: spec/image, kind: Foo}]\n',
  },
  ...Object.fromEntries(
    ['defaultOnly', 'allServiceAccounts', 'none', 'other', ''].map((mode) => [
      `namespace of subjects: ${mode}`,
      {
        ...base,
        [k]: `${resources}transformers: [t.yaml]\n`,
        'app/t.yaml': `apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: t, namespace: team}\nsetRoleBindingSubjects: "${mode}"\n`,
      },
    ]),
  ),
  labels: t(
    'Label',
    'labels: {a: b, c: d}\nfieldSpecs: [{path: metadata/labels, create: true}, {path: spec/selector, kind: Service}]\n',
  ),
  'labels that are numbers': t(
    'Label',
    'labels: {a: 5}\nfieldSpecs: [{path: metadata/labels, create: true}]\n',
  ),
  'labels that are fractions, flags and large numbers': t(
    'Label',
    'labels: {a: 0.1234567891, b: 1234567.5, c: 1e3, d: true, e: 12345678901234567890, f: 1e20, g: 1.0, h: 0x10, i: 1e-7, j: 1234567.25}\nfieldSpecs: [{path: metadata/labels, create: true}]\n',
  ),
  'a prefix that is a number': t('Prefix', `prefix: 1.10\n${name}`),
  'a suffix that is a large number': t('Suffix', `suffix: 123456789.125\n${name}`),
  'a prefix in other letters': t('Prefix', `PREFIX: p-\n${name}`),
  'labels in other letters': t(
    'Label',
    'LABELS: {a: b}\nFieldSpecs: [{PATH: metadata/labels, Create: true}]\n',
  ),
  'a kind of a field that is a number, read as YAML': t(
    'Prefix',
    'prefix: p-\nfieldSpecs: [{path: metadata/name, kind: 5}]\n',
  ),
  'a kind of a field that is a number': t(
    'Label',
    'labels: {a: b}\nfieldSpecs: [{path: metadata/labels, kind: 5}]\n',
  ),
  'a target whose name is a number': t(
    'Patch',
    'target: {kind: Deployment, name: 5}\npatch: \'[{"op": "replace", "path": "/spec/replicas", "value": 7}]\'\n',
  ),
  'a tag that is a number': t(
    'ImageTag',
    'imageTag: {name: busybox, newTag: 1.10}\nfieldSpecs: [{path: spec/image, kind: Foo}]\n',
  ),
  'labels without fields': t('Label', 'labels: {a: b}\n'),
  annotations: t(
    'Annotations',
    'annotations: {a: b}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n',
  ),
  images: t(
    'ImageTag',
    'imageTag: {name: busybox, newTag: "9"}\nfieldSpecs: [{path: spec/image, kind: Foo}]\n',
  ),
  replicas: t(
    'ReplicaCount',
    'replica: {name: web, count: 4}\nfieldSpecs: [{path: spec/replicas, kind: Deployment, create: true}]\n',
  ),
  'replicas of nothing': t(
    'ReplicaCount',
    'replica: {name: nope, count: 4}\nfieldSpecs: [{path: spec/replicas, kind: Deployment}]\n',
  ),
  'replicas without fields': t('ReplicaCount', 'replica: {name: web, count: 4}\n'),
  'a patch': t(
    'Patch',
    'target: {kind: Deployment}\npatch: \'[{"op": "replace", "path": "/spec/replicas", "value": 7}]\'\n',
  ),
  'a patch of a file': {
    ...t('Patch', 'path: p.yaml\n'),
    'app/p.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n',
  },
  'a patch that renames': t(
    'Patch',
    'target: {kind: Deployment}\noptions: {allowNameChange: true}\npatch: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: other}}"\n',
  ),
  'an empty patch': t('Patch', 'target: {kind: Deployment}\n'),
  'a JSON patch': t(
    'PatchJson6902',
    'target: {kind: Deployment, name: web}\njsonOp: \'[{"op": "replace", "path": "/spec/replicas", "value": 7}]\'\n',
  ),
  'a JSON patch as YAML': t(
    'PatchJson6902',
    'target: {kind: Deployment, name: web}\njsonOp: |-\n  - op: replace\n    path: /spec/replicas\n    value: 7\n',
  ),
  'a JSON patch without name': t('PatchJson6902', 'target: {kind: Deployment}\njsonOp: "[]"\n'),
  'a strategic merge': {
    ...t('PatchStrategicMerge', 'paths: [p.yaml]\n'),
    'app/p.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n',
  },
  'a strategic merge as text': t(
    'PatchStrategicMerge',
    'patches: |-\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec: {replicas: 3}\n  ---\n  apiVersion: v1\n  kind: Service\n  metadata: {name: web}\n  spec: {type: NodePort}\n',
  ),
  'an empty strategic merge': t('PatchStrategicMerge', ''),
  replacements: t(
    'Replacement',
    'replacements:\n- source: {kind: ConfigMap, name: settings, fieldPath: data.mode}\n  targets:\n  - select: {kind: Foo}\n    fieldPaths: [spec.image]\n',
  ),
  'replacements of a file': {
    ...t('Replacement', 'replacements:\n- path: rep.yaml\n'),
    'app/rep.yaml':
      'source: {kind: ConfigMap, name: settings, fieldPath: data.mode}\ntargets:\n- select: {kind: Foo}\n  fieldPaths: [spec.image]\n',
  },
  hash: t('Hash', '', 'configMapGenerator:\n- name: g\n  literals: [a=b]\n'),
  'a value': t(
    'ValueAdd',
    'value: v\ntargets:\n- selector: {kind: Foo}\n  fieldPath: spec/made/here\n- selector: {kind: ConfigMap}\n  fieldPath: data/mode\n',
  ),
  'the name of the folder as a value': t(
    'ValueAdd',
    'targets:\n- selector: {kind: Foo}\n  fieldPath: spec/made\n',
  ),
  ...Object.fromEntries(
    ['"5"', '5.50', 'true', '"null"', '"0x10"', '"010"', '"2020-01-01"', '"{a: b}"', '"# c"', '"a: b"'].map(
      (value) => [
        `${value} as a value that is made, and in place of a number and of a text in quotes`,
        {
          ...t(
            'ValueAdd',
            `value: ${value}\ntargets:\n- {selector: {kind: Foo}, fieldPath: spec/made}\n- {selector: {kind: Deployment}, fieldPath: spec/replicas}\n- {selector: {kind: Quoted}, fieldPath: spec/text}\n`,
          ),
          [k]: `${resources.replace(']', ', q.yaml]')}transformers: [t.yaml]\n`,
          'app/q.yaml': quoted,
        },
      ],
    ),
  ),
  'a namespace as a value': t('ValueAdd', 'value: v\ntargets:\n- fieldPath: metadata/namespace\n'),
  ...Object.fromEntries(
    [1, 2, 4, 9].map((position) => [
      `a part of a path at ${position}`,
      t(
        'ValueAdd',
        `value: v\ntargets:\n- selector: {kind: ConfigMap}\n  fieldPath: data/path\n  filePathPosition: ${position}\n- selector: {kind: ConfigMap}\n  fieldPath: data/mode\n  filePathPosition: ${position}\n`,
      ),
    ]),
  ),
  'a value for no field': t('ValueAdd', 'value: v\ntargets:\n- selector: {kind: Foo}\n'),
  'a value for no target': t('ValueAdd', 'value: v\n'),
  'a value for targets of a file': {
    ...t('ValueAdd', 'value: v\ntargetFilePath: v.yaml\n'),
    'app/v.yaml': 'targets:\n- selector: {kind: Foo}\n  fieldPath: spec/made\n',
  },
  'a value for a mapping': t('ValueAdd', 'value: v\ntargets:\n- selector: {kind: Foo}\n  fieldPath: spec\n'),
  'an unknown transformer': t('Nothing', ''),
  'an unknown field': t('Prefix', `prefix: p-\nunknown: 5\n${name}`),
  'a field of a wrong type': t('Label', 'labels: [a]\n'),
  'a generator as transformer': of('transformers', 'ConfigMapGenerator', 'literals: [a=b]\n'),
  'a transformer as generator': of('generators', 'PrefixTransformer', name),
  'a program': {
    ...base,
    [k]: `${resources}transformers: [t.yaml]\n`,
    'app/t.yaml':
      'apiVersion: e.com/v1\nkind: Own\nmetadata:\n  name: t\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./run.sh}\n',
  },
  'a container': {
    ...base,
    [k]: `${resources}generators: [t.yaml]\n`,
    'app/t.yaml':
      'apiVersion: e.com/v1\nkind: Own\nmetadata:\n  name: t\n  annotations:\n    config.kubernetes.io/function: |\n      container: {image: e.com/run}\n',
  },
  'a generator of ConfigMaps': of('generators', 'ConfigMapGenerator', 'literals: [a=b]\n'),
  'a generator with a name of its own': of(
    'generators',
    'ConfigMapGenerator',
    'name: own\nnamespace: n\nliterals: [a=b]\n',
  ),
  'a generator that merges': of(
    'generators',
    'ConfigMapGenerator',
    'name: settings\nbehavior: merge\nliterals: [mode=slow]\n',
  ),
  'a generator of files': {
    ...of(
      'generators',
      'ConfigMapGenerator',
      'files: [f.txt]\nenvs: [e.env]\noptions: {disableNameSuffixHash: true, labels: {a: b}}\n',
    ),
    'app/f.txt': 'text\n',
    'app/e.env': 'X=1\n',
  },
  'a generator under global options': of(
    'generators',
    'ConfigMapGenerator',
    'literals: [a=b]\n',
    'generatorOptions: {disableNameSuffixHash: true}\n',
  ),
  'a generator of Secrets': of('generators', 'SecretGenerator', 'literals: [a=b]\ntype: kubernetes.io/tls\n'),
  'a generator of service accounts': of(
    'generators',
    'IAMPolicyGenerator',
    'cloud: gke\nkubernetesService: {name: k, namespace: n}\nserviceAccount: {name: s, projectId: p}\n',
  ),
  'a generator of service accounts elsewhere': of(
    'generators',
    'IAMPolicyGenerator',
    'cloud: other\nkubernetesService: {name: k}\nserviceAccount: {name: s, projectId: p}\n',
  ),
  'two transformers in a file': {
    ...base,
    [k]: `${resources}transformers: [t.yaml]\n`,
    'app/t.yaml': `apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: p-\n${name}---\napiVersion: builtin\nkind: SuffixTransformer\nmetadata: {name: t}\nsuffix: -s\n${name}`,
  },
  'the same transformer twice': {
    ...base,
    [k]: `${resources}transformers: [t.yaml, u.yaml]\n`,
    'app/t.yaml': `apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: p-\n${name}`,
    'app/u.yaml': `apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: q-\n${name}`,
  },
  'transformers of a folder': {
    ...base,
    [k]: `${resources}transformers: [../more]\n`,
    'more/kustomization.yaml': 'resources: [t.yaml]\nnameSuffix: -x\n',
    'more/t.yaml': `apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: p-\n${name}`,
  },
  'transformers of a folder that are patched': {
    ...base,
    [k]: `${resources}transformers: [../more]\n`,
    'more/kustomization.yaml':
      'resources: [t.yaml]\npatches:\n- patch: "- {op: replace, path: /prefix, value: q-}"\n  target: {kind: PrefixTransformer}\n',
    'more/t.yaml': `apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: p-\n${name}`,
  },
  'a transformer inline': inline(
    'transformers',
    `apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: p-\n${name}`,
  ),
  'a generator inline': inline(
    'generators',
    'apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: t}\nliterals: [a=b]\n',
  ),
  'a transformer inline, no object': inline('transformers', 'prefix: p-\n'),
  'no such file': { ...base, [k]: `${resources}transformers: [nope.yaml]\n` },
  'a transformer in a base': {
    ...Object.fromEntries(Object.entries(base).map(([path, text]) => [path.replace('app/', 'base/'), text])),
    'base/kustomization.yaml': `${resources}namePrefix: b-\ntransformers: [t.yaml]\n`,
    'base/t.yaml': `apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: p-\n${name}`,
    [k]: 'resources: [../base]\nnameSuffix: -s\n',
  },
  ...Object.fromEntries(
    [
      'name: 5\nliterals: [a=b]\n',
      'literals: [5]\n',
      'literals: [a=b]\noptions: {labels: {a: 5}}\n',
      'LITERALS: [a=b]\nNameSpace: x\n',
    ].map((body) => [
      `a generator with ${body.replaceAll('\n', ' ')}`,
      of('generators', 'ConfigMapGenerator', body),
    ]),
  ),
  'replacements with a number for a text': t(
    'Replacement',
    'replacements:\n- source: {kind: ConfigMap, name: settings, fieldPath: data.mode, options: {delimiter: 5}}\n  targets:\n  - {select: {kind: Foo}, fieldPaths: [spec.image]}\n',
  ),
  'replacements of a file with a number for a text': {
    ...t('Replacement', 'replacements:\n- path: rep.yaml\n'),
    'app/rep.yaml':
      'source: {kind: ConfigMap, name: settings, fieldPath: data.mode, options: {delimiter: 5}}\ntargets:\n- {select: {kind: Foo}, fieldPaths: [spec.image]}\n',
  },
  'replacements of a file with a number for a name': {
    ...t('Replacement', 'replacements:\n- path: rep.yaml\n'),
    'app/rep.yaml':
      'source: {kind: ConfigMap, name: settings, fieldPath: data.mode}\ntargets:\n- {select: {kind: Foo, name: 5}, fieldPaths: [spec.image]}\n',
  },
  'a configuration with a number for a kind': {
    ...base,
    [k]: `${resources}namePrefix: p-\nconfigurations: [conf.yaml]\n`,
    'app/conf.yaml': 'namePrefix: [{path: metadata/annotations/x, kind: 5}]\n',
  },
  'a validator that changes nothing': of('validators', 'ReplacementTransformer', ''),
  'a validator that changes': of('validators', 'PrefixTransformer', `prefix: p-\n${name}`),
  'a validator that marks': of(
    'validators',
    'LabelTransformer',
    'labels: {validated-by: me}\nfieldSpecs: [{path: metadata/labels, create: true}]\n',
  ),
  'a validator that marks objects without labels': {
    [k]: 'resources: [c.yaml]\nvalidators: [t.yaml]\n',
    'app/c.yaml': configMap('settings'),
    'app/t.yaml':
      'apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: t}\nlabels: {validated-by: me}\nfieldSpecs: [{path: metadata/labels, create: true}]\n',
  },
  'a validator that marks and changes': of(
    'validators',
    'LabelTransformer',
    'labels: {validated-by: me, other: x}\nfieldSpecs: [{path: metadata/labels, create: true}]\n',
  ),
};
