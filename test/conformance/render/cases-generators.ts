import type { Case } from './cases-basic.ts';
import { configMap, deployment, service } from './objects.ts';

const k = 'app/kustomization.yaml';
const gen = (text: string, files: Case = {}): Case => ({ ...files, [k]: text });
const withWeb = (text: string, files: Case = {}): Case => ({
  'app/d.yaml': deployment(),
  ...files,
  [k]: `resources: [d.yaml]\n${text}`,
});
const overBase = (text: string, base: string, files: Case = {}): Case => ({
  'base/kustomization.yaml': base,
  'base/d.yaml': deployment(),
  ...files,
  [k]: `resources: [../base]\n${text}`,
});
const settings = 'configMapGenerator:\n- name: settings\n  literals: [mode=fast]\n';

/** Generators, components, and everything together. */
export const generatorCases: Readonly<Record<string, Case>> = {
  literals: gen(
    'configMapGenerator:\n- name: c\n  literals: [a=1, "b=x=y", c="quoted", "d=\'single\'", e=]\n',
  ),
  'a literal without value': gen('configMapGenerator:\n- name: c\n  literals: [a]\n'),
  'a literal without key': gen('configMapGenerator:\n- name: c\n  literals: ["=a"]\n'),
  'a key twice': gen('configMapGenerator:\n- name: c\n  literals: [a=1, a=2]\n'),
  'no name': gen('configMapGenerator:\n- literals: [a=1]\n'),
  'no data': gen('configMapGenerator:\n- name: c\nsecretGenerator:\n- name: s\n'),
  files: gen('configMapGenerator:\n- name: c\n  files: [a.txt, key=sub/b.txt]\n', {
    'app/a.txt': 'line\nline\n',
    'app/sub/b.txt': '<html>&\u2028',
  }),
  'a missing file': gen('configMapGenerator:\n- name: c\n  files: [a.txt]\n'),
  'a file outside': gen('configMapGenerator:\n- name: c\n  files: [../a.txt]\n', { 'a.txt': 'x' }),
  'an unfit file source': gen('configMapGenerator:\n- name: c\n  files: [a=b=c]\n', { 'app/a': 'x' }),
  envs: gen('configMapGenerator:\n- name: c\n  envs: [a.env]\n  env: b.env\n', {
    'app/a.env': '# comment\n\nA=1\n  B=two words \nC\nD="q"\r\n',
    'app/b.env': 'E=5',
  }),
  'env, files and literals': gen(
    'configMapGenerator:\n- name: c\n  envs: [a.env]\n  files: [f.txt]\n  literals: [l=1]\n',
    { 'app/a.env': 'A=1', 'app/f.txt': 'x' },
  ),
  options: gen(
    'configMapGenerator:\n- name: c\n  literals: [a=1]\n  options: {labels: {x: y}, annotations: {z: w}, immutable: true}\n',
  ),
  'options without a hash': gen(
    'configMapGenerator:\n- name: c\n  literals: [a=1]\n  options: {disableNameSuffixHash: true}\n',
  ),
  generatorOptions: gen(
    'generatorOptions: {labels: {x: global, g: "1"}, annotations: {z: w}, disableNameSuffixHash: true}\nconfigMapGenerator:\n- name: c\n  literals: [a=1]\n  options: {labels: {x: local}}\nsecretGenerator:\n- name: s\n  literals: [a=1]\n',
  ),
  'namespaces of generators': gen(
    'configMapGenerator:\n- name: c\n  namespace: x\n  literals: [a=1]\n- name: c\n  literals: [a=1]\n',
  ),
  'a secret': gen(
    'secretGenerator:\n- name: s\n  literals: [user=admin, pass=s3cret]\n  type: kubernetes.io/basic-auth\n',
  ),
  'a long secret': gen('secretGenerator:\n- name: s\n  files: [f]\n', { 'app/f': 'x'.repeat(200) }),
  'a secret of the line length': gen(
    'secretGenerator:\n- name: s\n  literals: [a=' + 'x'.repeat(52) + ', b=' + 'x'.repeat(51) + ']\n',
  ),
  'references follow the hash': withWeb(
    `${settings}secretGenerator:\n- name: credentials\n  literals: [a=b]\n`,
  ),
  'references follow hash, prefix and namespace': withWeb(
    `namePrefix: p-\nnameSuffix: -s\nnamespace: n\n${settings}`,
  ),
  'references from a layer above do not follow a base that has none': overBase(
    settings,
    'resources: [d.yaml]\n',
  ),
  'a generator in the base': overBase('namePrefix: top-\n', `resources: [d.yaml]\n${settings}`),
  'merge over a base': overBase(
    'configMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [mode=slow, more=1]\n',
    `resources: [d.yaml]\n${settings}`,
  ),
  'replace over a base': overBase(
    'configMapGenerator:\n- name: settings\n  behavior: replace\n  literals: [only=1]\n',
    `resources: [d.yaml]\n${settings}`,
  ),
  'merge over a base with prefix': overBase(
    'configMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [more=1]\n',
    `namePrefix: b-\nresources: [d.yaml]\n${settings}`,
  ),
  'merge over a base with namespace': overBase(
    'configMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [more=1]\n',
    `namespace: n\nresources: [d.yaml]\n${settings}`,
  ),
  'merge with the namespace named': overBase(
    'configMapGenerator:\n- name: settings\n  namespace: n\n  behavior: merge\n  literals: [more=1]\n',
    `namespace: n\nresources: [d.yaml]\n${settings}`,
  ),
  'merge a secret': overBase(
    'secretGenerator:\n- name: credentials\n  behavior: merge\n  literals: [more=1]\n',
    'resources: [d.yaml]\nsecretGenerator:\n- name: credentials\n  type: x/y\n  literals: [a=b]\n',
  ),
  'merge into a written ConfigMap': {
    'app/c.yaml': configMap('settings'),
    [k]: 'resources: [c.yaml]\nconfigMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [more=1]\n',
  },
  'merge a secret with stringData': {
    'app/c.yaml':
      'apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: {a: b}}\nstringData: {x: "1"}\ndata: {y: Mg==}\n',
    [k]: 'resources: [c.yaml]\nsecretGenerator:\n- name: s\n  behavior: merge\n  literals: [z=3]\n',
  },
  'merge with options': overBase(
    'configMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [more=1]\n  options: {labels: {n: "1"}, disableNameSuffixHash: true}\n',
    'resources: [d.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [a=b]\n  options: {labels: {o: "1"}}\n',
  ),
  'create over a base': overBase(settings, `resources: [d.yaml]\n${settings}`),
  'merge without a base': gen('configMapGenerator:\n- name: c\n  behavior: merge\n  literals: [a=1]\n'),
  'an unknown behavior': gen('configMapGenerator:\n- name: c\n  behavior: wrong\n  literals: [a=1]\n'),
  'a generated one is patched': withWeb(
    `${settings}patches:\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: settings}\n    data: {added: x}\n`,
  ),
  'labels and annotations before the hash': withWeb(
    `${settings}commonLabels: {a: b}\ncommonAnnotations: {c: d}\n`,
  ),
  'characters that Go escapes': gen(
    'configMapGenerator:\n- name: c\n  literals: ["a=<b>&\\"c\\" \\u00e9"]\n',
  ),
  'a control character': gen('configMapGenerator:\n- name: c\n  literals: ["a=\\b\\f\\u0001x"]\n'),
  'a component': {
    ...{ 'app/d.yaml': deployment(), [k]: 'resources: [d.yaml]\ncomponents: [../comp]\nnamePrefix: p-\n' },
    'comp/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [s.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 8}\nconfigMapGenerator:\n- name: settings\n  literals: [a=b]\n',
    'comp/s.yaml': service(),
  },
  'components one after another': {
    'app/d.yaml': deployment(),
    [k]: 'resources: [d.yaml]\ncomponents: [../one, ../two]\n',
    'one/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: one-\n',
    'two/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: two-\nresources: [../extra]\n',
    'extra/kustomization.yaml': 'resources: [s.yaml]\nnameSuffix: -x\n',
    'extra/s.yaml': service(),
  },
  'a component as a resource': {
    [k]: 'resources: [../comp]\n',
    'comp/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: x-\n',
  },
  'a base as a component': { [k]: 'components: [../base]\n', 'base/kustomization.yaml': 'namePrefix: x-\n' },
  'a component in a component': {
    'app/d.yaml': deployment(),
    [k]: 'resources: [d.yaml]\ncomponents: [../one]\n',
    'one/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncomponents: [../two]\nnameSuffix: -one\n',
    'two/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels:\n- pairs: {two: "1"}\n',
  },
  'a label set with selectors, then without': overBase(
    'labels: [{pairs: {l: "2"}}]\ncommonAnnotations: {n: "2"}\n',
    'resources: [d.yaml]\nlabels: [{pairs: {l: "1"}, includeSelectors: true}]\ncommonAnnotations: {n: "1"}\n',
  ),
  'a label set with selectors, then patched': overBase(
    'patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web, labels: {l: "2"}}\n',
    'resources: [d.yaml]\ncommonLabels: {l: "1"}\n',
  ),
  'a label set with selectors, then taken out and put back': overBase(
    ['null', '"2"'].reduce(
      (text, value) =>
        `${text}- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web, labels: {l: ${value}}}\n`,
      'patches:\n',
    ),
    'resources: [d.yaml]\ncommonLabels: {l: "1"}\n',
  ),
  'a label set with selectors, then patched as JSON': overBase(
    'patches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: replace, path: /metadata/labels/l, value: "2"}\nlabels: [{pairs: {l: "3"}}]\n',
    'resources: [d.yaml]\ncommonLabels: {l: "1"}\n',
  ),
  'all at once over three layers': {
    [k]: 'resources: [../mid]\nnamePrefix: top-\nnamespace: prod\nimages:\n- name: busybox\n  newTag: "9"\nreplicas:\n- name: web\n  count: 4\ncommonAnnotations: {by: top}\npatches:\n- target: {kind: Deployment, name: web}\n  patch: |-\n    - {op: add, path: /metadata/labels/patched, value: "1"}\nconfigMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [top=1]\n',
    'mid/kustomization.yaml':
      'resources: [../base]\nnameSuffix: -mid\nlabels:\n- pairs: {layer: mid}\n  includeSelectors: true\nconfigMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [mid=1]\n',
    'base/kustomization.yaml': `resources: [d.yaml, s.yaml]\n${settings}secretGenerator:\n- name: credentials\n  literals: [a=b]\n`,
    'base/d.yaml': deployment(),
    'base/s.yaml': service(),
  },
};
