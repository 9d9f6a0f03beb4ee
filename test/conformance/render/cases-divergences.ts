/** What was once another result than kustomize's: each is kept. */
import type { Case } from './cases-basic.ts';
import { configMap, deployment } from './objects.ts';

const foo = 'apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: x}\nspec: {a: b}\n';
const webhook =
  'apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: wh}\nwebhooks: []\n';

const tree = (text: string, more: Case = {}): Case => ({
  'app/kustomization.yaml': `resources: [d.yaml, c.yaml, x.yaml]\n${text}`,
  'app/d.yaml': deployment(),
  'app/c.yaml': configMap('settings'),
  'app/x.yaml': `${foo}---\n${webhook}`,
  ...more,
});
const above = (base: string, top: string, more: Case = {}): Case => ({
  'base/kustomization.yaml': `resources: [d.yaml, c.yaml, x.yaml]\n${base}`,
  'base/d.yaml': deployment(),
  'base/c.yaml': configMap('settings'),
  'base/x.yaml': foo,
  'app/kustomization.yaml': `resources: [../base]\n${top}`,
  ...more,
});
const component = (text: string) => `apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n${text}`;

/** An entry of one kind in the configuration takes the place of the default one for all. */
const configured = (conf: string, text = 'namePrefix: p-\n'): Case =>
  tree(`${text}configurations: [conf.yaml]\n`, { 'app/conf.yaml': conf });

const configurations: Readonly<Record<string, Case>> = {
  'a prefix for one kind': configured('namePrefix: [{path: metadata/name, kind: Foo}]\n'),
  'a prefix for a kind that comes first': configured(
    'namePrefix: [{path: metadata/name, kind: ConfigMap}]\n',
  ),
  'a prefix for a kind that comes last': configured(
    'namePrefix: [{path: metadata/name, kind: MutatingWebhookConfiguration}]\n',
  ),
  'a prefix for a group': configured('namePrefix: [{path: metadata/name, group: e.com}]\n'),
  'a suffix for one kind': configured(
    'nameSuffix: [{path: metadata/name, kind: Foo}]\n',
    'namePrefix: p-\nnameSuffix: -s\n',
  ),
  'annotations for one kind': configured(
    'commonAnnotations: [{path: metadata/annotations, kind: Foo, create: true}]\n',
    'commonAnnotations: {a: b}\n',
  ),
  'annotations for one kind that are not made': configured(
    'commonAnnotations: [{path: metadata/annotations, kind: Foo}]\n',
    'commonAnnotations: {a: b}\n',
  ),
  'labels for one kind': configured(
    'commonLabels: [{path: metadata/labels, kind: Foo, create: true}]\n',
    'commonLabels: {a: b}\n',
  ),
  'a prefix for one kind in two files': tree('namePrefix: p-\nconfigurations: [one.yaml, two.yaml]\n', {
    'app/one.yaml': 'namePrefix: [{path: metadata/name, kind: Foo}]\n',
    'app/two.yaml': 'namePrefix: [{path: metadata/name}]\n',
  }),
  'a configuration with a list that is there twice': configured('namePrefix: []\nnamePrefix: []\n'),
  'a configuration with the booleans of YAML 1.1': configured(
    'commonAnnotations: [{path: spec/a, create: yes}]\n',
  ),
  'crds with a kind that is there twice': tree('crds: [crds.json]\n', {
    'app/crds.json': '{"a.Foo": {"Schema": {}}, "a.Foo": {"Schema": {}}}',
  }),
  'a prefix for one kind in a base, and one above': above(
    'namePrefix: p-\nconfigurations: [conf.yaml]\n',
    'namePrefix: q-\n',
    { 'base/conf.yaml': 'namePrefix: [{path: metadata/name, kind: Foo}]\n' },
  ),
  'a prefix above for one kind': above('namePrefix: p-\n', 'namePrefix: q-\nconfigurations: [conf.yaml]\n', {
    'app/conf.yaml': 'namePrefix: [{path: metadata/name, kind: Foo}]\n',
  }),
  'a suffix of a component for one kind': tree('namePrefix: p-\ncomponents: [../comp]\n', {
    'comp/kustomization.yaml': component('nameSuffix: -c\nconfigurations: [conf.yaml]\n'),
    'comp/conf.yaml': 'nameSuffix: [{path: metadata/name, kind: Foo}]\n',
  }),
  'an object that is kept out, and gives others its name': tree(
    'namePrefix: p-\nconfigurations: [conf.yaml]\n',
    {
      'app/x.yaml': `${foo.replace('{name: x}', '{name: shop.example, annotations: {config.kubernetes.io/local-config: "true"}}')}---\napiVersion: e.com/v1\nkind: Bar\nmetadata: {name: bar}\nspec: {host: shop.example, others: [shop.example, else.example]}\n`,
      'app/conf.yaml':
        'namePrefix: [{path: metadata/name, kind: Foo}]\nnameReference: [{kind: Foo, fieldSpecs: [{path: spec/host, kind: Bar}, {path: spec/others, kind: Bar}]}]\n',
    },
  ),
};

const patch = (text: string, target = '') =>
  tree(`patches:\n- patch: |-\n    ${text}\n${target === '' ? '' : `  target: ${target}\n`}`);
const replicas = 'spec: {replicas: 3}';

const patches: Readonly<Record<string, Case>> = {
  'a patch without apiVersion, with a target': patch(
    `{kind: Deployment, metadata: {name: any}, ${replicas}}`,
    '{kind: Deployment}',
  ),
  'a patch without apiVersion or target': patch(`{kind: Deployment, metadata: {name: web}, ${replicas}}`),
  'a patch with an empty apiVersion': patch(
    `{apiVersion: "", kind: Deployment, metadata: {name: any}, ${replicas}}`,
    '{kind: Deployment}',
  ),
  'a patch without kind': patch(
    `{apiVersion: apps/v1, metadata: {name: any}, ${replicas}}`,
    '{kind: Deployment}',
  ),
  'a patch without name': patch(`{apiVersion: apps/v1, kind: Deployment, ${replicas}}`, '{kind: Deployment}'),
  'a patch without apiVersion that deletes': patch(
    '{$patch: delete, kind: Deployment, metadata: {name: any}}',
    '{kind: Deployment}',
  ),
  'a transformer with a patch without apiVersion': tree(
    `transformers:\n- |-\n  {apiVersion: builtin, kind: PatchTransformer, metadata: {name: t}, target: {kind: Deployment}, patch: "{kind: Deployment, metadata: {name: any}, ${replicas}}"}\n`,
  ),
  'the older patchesStrategicMerge of nothing': tree('patchesStrategicMerge: [e.yaml, f.yaml]\n', {
    'app/e.yaml': '',
    'app/f.yaml': '# nothing\n---\n',
  }),
  'the older patchesStrategicMerge, of which one is nothing': tree(
    'patchesStrategicMerge: [e.yaml, p.yaml]\n',
    {
      'app/e.yaml': '',
      'app/p.yaml': `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n${replicas}\n`,
    },
  ),
  'a transformer of patches of nothing': tree(
    'transformers:\n- |-\n  {apiVersion: builtin, kind: PatchStrategicMergeTransformer, metadata: {name: t}, paths: [e.yaml]}\n',
    { 'app/e.yaml': '# nothing\n' },
  ),
};

const binding = (subject: string, kind = 'RoleBinding'): Case => ({
  'app/kustomization.yaml': 'resources: [r.yaml]\n',
  'app/r.yaml': `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata: {name: rb}\nsubjects:\n- ${subject}\nroleRef: {kind: Role, name: r, apiGroup: rbac.authorization.k8s.io}\n`,
});

const bindings: Readonly<Record<string, Case>> = {
  'a service account in no namespace': binding('{kind: ServiceAccount, name: a, namespace: null}'),
  'a service account in a namespace left out': binding('kind: ServiceAccount\n  name: a\n  namespace:'),
  'a service account in a number': binding('{kind: ServiceAccount, name: a, namespace: 5}'),
  'a user in no namespace': binding('{kind: User, name: a, namespace: null}'),
  'a service account in no namespace, of a cluster role': binding(
    '{kind: ServiceAccount, name: a, namespace: null}',
    'ClusterRoleBinding',
  ),
  'kinds that are newer than the schema': {
    'app/kustomization.yaml': 'resources: [r.yaml]\nnamespace: team\n',
    'app/r.yaml': ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding', 'MutatingAdmissionPolicy']
      .map(
        (kind) =>
          `apiVersion: admissionregistration.k8s.io/v1\nkind: ${kind}\nmetadata: {name: p}\nspec: {}\n`,
      )
      .join('---\n'),
  },
};

const note = 'commonAnnotations: {note: text}\n';
const patched = (where: string) =>
  `patches:\n- patch: |-\n    {apiVersion: apps/v1, kind: Deployment, metadata: {name: web${where === 'own' ? ', annotations: {note: other}' : ''}}${where === 'own' ? '' : ', spec: {template: {metadata: {annotations: {note: other}}}}'}}\n`;
const replaced =
  'replacements:\n- source: {kind: Deployment, name: web}\n  targets: [{select: {kind: Deployment}, fieldPaths: [metadata.annotations.note]}]\n';

/** kustomize writes an object's annotations anew where it notes origins: what was one node in several places is no longer. */
const rewritten = Object.fromEntries(
  ['[originAnnotations]', '[transformerAnnotations]', '[managedByLabel]'].flatMap((meta) => {
    const metadata = `buildMetadata: ${meta}\n`;
    return [
      [`${meta}: an annotation that is patched`, above(note, patched('own') + metadata)],
      [`${meta}: an annotation that is patched in the template`, above(note, patched('template') + metadata)],
      [`${meta}: an annotation that is replaced`, tree(note + replaced + metadata)],
      [
        `${meta}: an annotation that is set again`,
        above(note, `commonAnnotations: {note: again}\n${metadata}`),
      ],
      [
        `${meta}: an annotation that a component patches`,
        {
          ...above(note, `components: [../comp]\n${metadata}`),
          'comp/kustomization.yaml': component(patched('own')),
        },
      ],
      [
        `${meta}: a generator that replaces`,
        above(
          'configMapGenerator: [{name: made, literals: [a=b]}]\n',
          `configMapGenerator: [{name: made, behavior: replace, literals: [c=d]}]\n${metadata}`,
        ),
      ],
    ] as const;
  }),
);

export const divergenceCases: Readonly<Record<string, Case>> = {
  ...configurations,
  ...patches,
  ...bindings,
  ...rewritten,
};
