import { configMap, deployment, rbac, service } from './objects.ts';

/** A folder `app` that both render: path to text. */
export type Case = Readonly<Record<string, string>>;

const k = 'app/kustomization.yaml';
const base = {
  'app/deployment.yaml': deployment(),
  'app/service.yaml': service(),
  'app/rbac.yaml': rbac,
  'app/settings.yaml': configMap('settings'),
};
const all = 'resources: [deployment.yaml, service.yaml, rbac.yaml, settings.yaml]\n';
const everything = { ...base, [k]: all };
const withK = (text: string): Case => ({ ...base, [k]: all + text });

/** Resources, names, namespaces, labels, annotations, images, replicas. */
export const basicCases: Readonly<Record<string, Case>> = {
  'resources in the default order': everything,
  'kustomization.yml': { 'app/kustomization.yml': 'resources: [a.yaml]\n', 'app/a.yaml': configMap('a') },
  Kustomization: { 'app/Kustomization': 'resources: [a.yaml]\n', 'app/a.yaml': configMap('a') },
  'two kustomization files': {
    'app/Kustomization': 'resources: [a.yaml]\n',
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml': configMap('a'),
  },
  'an empty kustomization': { [k]: '' },
  'a kustomization of null': { [k]: 'resources:\n' },
  'an empty list of resources': { [k]: 'resources: []\n' },
  'an unknown field': withK('recources: []\n'),
  'a field in other letters': withK('NamePrefix: x-\n'),
  'a wrong kind': withK('kind: Kustomisation\n'),
  'a wrong version': withK('apiVersion: kustomize.config.k8s.io/v1\n'),
  'the right kind and version': withK('kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n'),
  'a number for a prefix': withK('namePrefix: 5\n'),
  'a boolean of YAML 1.1 for a prefix': withK('namePrefix: on\n'),
  'a missing file': { [k]: 'resources: [missing.yaml]\n' },
  'a base without kustomization': { [k]: 'resources: [sub]\n', 'app/sub/a.yaml': configMap('a') },
  'a resource outside the folder': { [k]: 'resources: [../a.yaml]\n', 'a.yaml': configMap('a') },
  'a resource below the folder': { [k]: 'resources: [x/a.yaml]\n', 'app/x/a.yaml': configMap('a') },
  'a base beside': {
    [k]: 'resources: [../base]\n',
    'base/kustomization.yaml': 'resources: [a.yaml]\n',
    'base/a.yaml': configMap('a'),
  },
  'the older bases': {
    [k]: 'bases: [../base]\n',
    'base/kustomization.yaml': 'resources: [a.yaml]\n',
    'base/a.yaml': configMap('a'),
  },
  'a base that is itself': { [k]: 'resources: [.]\n' },
  'bases in a circle': {
    [k]: 'resources: [../b]\n',
    'b/kustomization.yaml': 'resources: [../app]\n',
  },
  'a base above': {
    'kustomization.yaml': 'resources: [a.yaml]\n',
    'a.yaml': configMap('a'),
    [k]: 'resources: [..]\n',
  },
  'the same object twice': {
    [k]: 'resources: [a.yaml, b.yaml]\n',
    'app/a.yaml': configMap('a'),
    'app/b.yaml': configMap('a'),
  },
  'the same name in another namespace': {
    [k]: 'resources: [a.yaml, b.yaml]\n',
    'app/a.yaml': configMap('a'),
    'app/b.yaml': configMap('a').replace('  name: a', '  name: a\n  namespace: x'),
  },
  'the same object in namespace default': {
    [k]: 'resources: [a.yaml, b.yaml]\n',
    'app/a.yaml': configMap('a'),
    'app/b.yaml': configMap('a').replace('  name: a', '  name: a\n  namespace: default'),
  },
  'a diamond of bases': {
    [k]: 'resources: [../x, ../y]\n',
    'x/kustomization.yaml': 'resources: [../base]\nnamePrefix: x-\n',
    'y/kustomization.yaml': 'resources: [../base]\nnamePrefix: y-\n',
    'base/kustomization.yaml': 'resources: [d.yaml, s.yaml]\n',
    'base/d.yaml': deployment(),
    'base/s.yaml': configMap('settings'),
  },
  'a diamond that collides': {
    [k]: 'resources: [../x, ../y]\n',
    'x/kustomization.yaml': 'resources: [../base]\n',
    'y/kustomization.yaml': 'resources: [../base]\n',
    'base/kustomization.yaml': 'resources: [d.yaml]\n',
    'base/d.yaml': deployment(),
  },
  'an object without kind': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml': 'apiVersion: v1\nmetadata: {name: a}\n',
  },
  'an object without name': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n',
  },
  'a List': {
    [k]: 'resources: [a.yaml]\nnamePrefix: p-\n',
    'app/a.yaml': `apiVersion: v1\nkind: List\nitems:\n${[configMap('a'), service('b')].map((t) => '- ' + t.trimEnd().replaceAll('\n', '\n  ')).join('\n')}\n`,
  },
  'a ConfigMapList among others': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml': `apiVersion: v1\nkind: ConfigMapList\nitems:\n- ${configMap('a').trimEnd().replaceAll('\n', '\n  ')}\n---\n${configMap('b')}`,
  },
  'a list item of null': { [k]: 'resources: [a.yaml]\n', 'app/a.yaml': `${configMap('a')}x:\n- 1\n-\n` },
  'text that is no YAML': { [k]: 'resources: [a.yaml]\n', 'app/a.yaml': 'a: [\n' },
  'a duplicate key': { [k]: 'resources: [a.yaml]\n', 'app/a.yaml': `${configMap('a')}  mode: slow\n` },
  'anchors and merge keys': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml': `apiVersion: v1\nkind: Foo\nmetadata: {name: a, labels: &l {x: "1"}}\nspec:\n  copy: *l\n  merged:\n    <<: *l\n    y: 2\n  list: [&n one, *n]\n`,
  },
  'scalars of all sorts': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nspec:\n' +
      '  a: yes\n  b: on\n  c: 0777\n  d: 0o17\n  e: 0x1F\n  f: 1_000\n  g: 1e3\n  h: 1.0\n  i: 2001-01-01\n  j: 2001-01-01T10:00:00Z\n' +
      '  k: "5"\n  l: +5\n  m: .5\n  n: ~\n  o:\n  p: TRUE\n  q: 08\n  r: 190:20:30\n  s: !!str 5\n  t: null\n  u: Null\n  v: 1__0\n  w: =\n' +
      '  x: |\n    two\n    lines\n  y: >-\n    folded\n    text\n  z: "tab\\t\\u00e9"\n  aa: 2001-1-1 1:2:3\n  bb: -0x1F\n  cc: 0b11\n  dd: 9007199254740991\n',
  },
  'documents with comments and empty ones': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml': `# first\n---\n# nothing here\n--- # and a comment\n${configMap('a')}---\n---\n${configMap('b')}`,
  },
  JSON: {
    [k]: 'resources: [a.json]\n',
    'app/a.json': '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1"}}',
  },
  'annotations that are no text': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: Foo\nmetadata: {name: a, annotations: {a: 5, b: true, c: null, d: ""}, labels: {x: 5}}\n---\napiVersion: v1\nkind: Foo\nmetadata: {name: b, annotations: {}, labels: {}}\n',
  },
  'a local object': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml': `${configMap('a')}---\n${configMap('b').replace('name: b', 'name: b\n  annotations: {config.kubernetes.io/local-config: "true"}')}`,
  },
  'name prefix': withK('namePrefix: eu-\n'),
  'name suffix': withK('nameSuffix: -v1\n'),
  both: withK('namePrefix: eu-\nnameSuffix: -v1\n'),
  'names of CRDs and namespaces stay': {
    [k]: 'resources: [a.yaml]\nnamePrefix: p-\nnamespace: team\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: old}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.com}\nspec: {conversion: {webhook: {clientConfig: {service: {name: s, namespace: n}}}}}\n---\napiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.example.com}\nspec: {service: {name: web}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\napiVersion: other.io/v1\nkind: Namespace\nmetadata: {name: foreign}\n',
  },
  'names across layers': {
    [k]: 'resources: [../base]\nnamePrefix: top-\nnamespace: prod\n',
    'base/kustomization.yaml': 'resources: [d.yaml, s.yaml, r.yaml, c.yaml]\nnameSuffix: -base\n',
    'base/d.yaml': deployment(),
    'base/s.yaml': service(),
    'base/r.yaml': rbac,
    'base/c.yaml': configMap('settings'),
  },
  namespace: withK('namespace: team\n'),
  'namespace over others': {
    [k]: 'resources: [a.yaml]\nnamespace: team\n',
    'app/a.yaml': configMap('a').replace('name: a', 'name: a\n  namespace: old') + '---\n' + rbac,
  },
  'namespace that makes two the same': {
    [k]: 'resources: [a.yaml]\nnamespace: team\n',
    'app/a.yaml': `${configMap('a').replace('name: a', 'name: a\n  namespace: x')}---\n${configMap('a').replace('name: a', 'name: a\n  namespace: y')}`,
  },
  'webhooks and ingresses': {
    [k]: 'resources: [a.yaml]\nnamePrefix: p-\nnamespace: team\n',
    'app/a.yaml': `${service('web')}---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, annotations: {nginx.ingress.kubernetes.io/auth-secret: s}}\nspec:\n  ingressClassName: c\n  defaultBackend: {service: {name: web}}\n  tls: [{secretName: s}]\n  rules:\n  - http: {paths: [{backend: {service: {name: web}}}]}\n---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: c}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n- name: a\n  clientConfig: {service: {name: web, namespace: default}}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec: {scaleTargetRef: {kind: Deployment, name: web}}\n---\n${deployment('web')}---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {selector: {matchLabels: {app: web}}}\n`,
  },
  storage: {
    [k]: 'resources: [a.yaml]\nnamePrefix: p-\ncommonLabels: {team: x}\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {storageClassName: c}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: d}\nspec: {volumeName: v, storageClassName: c}\n---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: c}\n---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s}\nspec:\n  serviceName: s\n  template: {spec: {priorityClassName: q, volumes: [{name: x, persistentVolumeClaim: {claimName: d}}]}}\n  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {storageClassName: c}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: q}\n',
  },
  commonLabels: withK('commonLabels: {team: a, app: other}\n'),
  'commonLabels on many kinds': {
    [k]: 'resources: [a.yaml]\ncommonLabels: {team: a}\ncommonAnnotations: {note: b}\n',
    'app/a.yaml':
      'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {schedule: x, jobTemplate: {spec: {template: {spec: {}}}}}\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {selector: {matchLabels: {a: b}}, template: {}}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n}\nspec: {podSelector: {matchLabels: {a: b}}, ingress: [{from: [{podSelector: {matchLabels: {a: b}}}, {ipBlock: {}}]}], egress: [{to: [{podSelector: {}}]}]}\n---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d}\n---\napiVersion: v1\nkind: ReplicationController\nmetadata: {name: r}\n---\napiVersion: example.com/v1\nkind: Custom\nmetadata: {name: x}\nspec: {selector: {a: b}}\n---\n' +
      deployment(
        'y',
        '      affinity:\n        podAntiAffinity:\n          preferredDuringSchedulingIgnoredDuringExecution:\n          - weight: 1\n            podAffinityTerm: {labelSelector: {matchLabels: {a: b}}}\n      topologySpreadConstraints:\n      - labelSelector: {matchLabels: {a: b}}\n',
      ),
  },
  labels: withK('labels:\n- pairs: {a: b}\n'),
  'labels with selectors': withK('labels:\n- pairs: {a: b}\n  includeSelectors: true\n'),
  'labels with templates': withK('labels:\n- pairs: {a: b}\n  includeTemplates: true\n- pairs: {c: d}\n'),
  'labels with fields': withK(
    'labels:\n- pairs: {a: b}\n  fields:\n  - path: spec/extra/labels\n    create: true\n    kind: Deployment\n  - path: spec/selector\n    kind: Service\n',
  ),
  'labels that are numbers': withK('labels:\n- pairs: {a: 5}\n'),
  commonAnnotations: withK('commonAnnotations: {a: "5", b: c}\n'),
  'labels null in the object': {
    [k]: 'resources: [a.yaml]\ncommonLabels: {a: b}\ncommonAnnotations: {x: y}\n',
    'app/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels:\n  annotations: null\n',
  },
  'images: tag': withK('images:\n- name: registry.example:5000/team/web\n  newTag: "2"\n'),
  'images: name': withK('images:\n- name: busybox\n  newName: mirror/busybox\n'),
  'images: digest': withK('images:\n- name: busybox\n  digest: sha256:aa\n- name: envoy\n  newTag: v2\n'),
  'images: all': withK('images:\n- name: envoy\n  newName: other/envoy\n  newTag: v2\n  digest: sha256:bb\n'),
  'images: a tag that is a number': withK('images:\n- name: busybox\n  newTag: 2\n'),
  'images: none matches': withK('images:\n- name: nothing\n  newTag: v2\n'),
  'images: one after another': withK('images:\n- name: busybox\n  newName: a\n- name: a\n  newName: b\n'),
  'images: a pattern': withK('images:\n- name: .*box\n  newTag: v9\n'),
  'images: a suffix of the tag': withK('images:\n- name: busybox\n  tagSuffix: -x\n'),
  'images: in custom kinds': {
    [k]: 'resources: [a.yaml]\nimages:\n- name: x\n  newTag: "2"\n',
    'app/a.yaml':
      'apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: a}\nspec: {containers: [{image: x}, {name: none}], deep: {er: {initContainers: [{image: "x:1"}], containers: {image: x}}}, image: x}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: b}\nspec: {containers: [{image: x}]}\n',
  },
  replicas: withK('replicas:\n- name: web\n  count: 5\n'),
  'replicas: no such': withK('replicas:\n- name: nothing\n  count: 5\n'),
  'replicas: by an earlier name': withK('namePrefix: p-\nreplicas:\n- name: web\n  count: 5\n'),
  'replicas: a text': withK('replicas:\n- name: web\n  count: "5"\n'),
  'big whole numbers': {
    [k]: 'resources: [a.yaml]\npatches:\n- patch: "- {op: test, path: /spec/a, value: 9007199254740993}"\n  target: {kind: Foo}\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nspec:\n  a: 9007199254740993\n  b: -9223372036854775808\n  c: 18446744073709551615\n  d: 0xFFFFFFFFFFFFFFFF\n  e: 9007199254740992\n  f: 1_000_000_000_000_000_001\n',
  },
  'whole numbers beyond 64 bits': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nspec:\n  a: 18446744073709551616\n  b: -9223372036854775809\n  c: 123456789012345678901234567890\n  d: 0x1FFFFFFFFFFFFFFFF\n  e: 0777777777777777777777777\n  f: 1e400\n',
  },
  'big whole numbers that are merged': {
    [k]: 'resources: [a.yaml]\npatches:\n- path: p.yaml\ncommonAnnotations: {x: y}\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nspec: {a: 9007199254740993, l: [9007199254740993]}\n',
    'app/p.yaml':
      'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nspec: {b: 9007199254740995, l: [1, 9007199254740997]}\n',
  },
  'big whole numbers that are replaced': {
    [k]: 'resources: [a.yaml]\nreplacements:\n- source: {kind: Foo, fieldPath: spec.a}\n  targets:\n  - select: {kind: Foo}\n    fieldPaths: [spec.b, spec.c, spec.d]\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nspec: {a: 9007199254740993, b: 1, c: x, d: {e: f}}\n',
  },
  'floats of all sorts': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nspec: {a: 1.0, b: 1e3, c: 0.10, d: 1e21, e: 1e-7, f: 123456.789e3, g: -0.0, h: 1., i: 1e20, j: 0.1e-6, k: -0}\n',
  },
  'numbers that JSON cannot hold': {
    [k]: 'resources: [a.yaml]\n',
    'app/a.yaml': 'apiVersion: v1\nkind: Foo\nmetadata: {name: a}\nspec: {a: .inf}\n',
  },
  'annotations as they are written': {
    [k]: 'resources: [a.yaml]\ncommonAnnotations: {x: y}\n',
    'app/a.yaml':
      'apiVersion: v1\nkind: Foo\nmetadata: {name: a, annotations: {a: 1.10, b: 0x1F, c: 1e3, d: 2001-01-01, e: True, f: 0777, g: 1_000, h: 9007199254740993, i: yes, j: +5, k: 2001-01-01T10:00:00Z}, labels: {a: 1.10}}\nspec: {template: {metadata: {annotations: {a: 1.10}}}}\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Foo, metadata: {name: b, annotations: {a: 1.10}}}\n',
  },
  'annotations of a patch as they are written': {
    [k]: 'resources: [a.yaml]\npatches:\n- path: p.yaml\n',
    'app/a.yaml': 'apiVersion: v1\nkind: Foo\nmetadata: {name: a, annotations: {a: 1.10}}\n',
    'app/p.yaml': 'apiVersion: v1\nkind: Foo\nmetadata: {name: a, annotations: {b: 1.20}}\n',
  },
};
