import type { Case } from './cases-basic.ts';
import { configMap, deployment, rbac, service } from './objects.ts';

const k = 'app/kustomization.yaml';
const head = 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n';
const base = {
  'app/d.yaml': deployment(),
  'app/s.yaml': service(),
  'app/c.yaml': configMap('settings'),
  'app/r.yaml': rbac,
};
const resources = 'resources: [d.yaml, s.yaml, c.yaml, r.yaml]\n';
const patched = (body: string): Case => ({
  ...base,
  [k]: `${resources}patches:\n- path: p.yaml\n`,
  'app/p.yaml': head + body,
});
const entry = (text: string, files: Case = {}): Case => ({ ...base, ...files, [k]: resources + text });
const pod = (body: string): Case =>
  patched(`spec:\n  template:\n    spec:\n${body.replace(/^/gm, '      ').trimEnd()}\n`);
const inline = (patch: string, target = ''): string =>
  `patches:\n- patch: |-\n${patch.replace(/^/gm, '    ').trimEnd()}\n${target === '' ? '' : `  target: ${target}\n`}`;
const jsonPatch = (operations: string, target = '{kind: Deployment}'): Case =>
  entry(inline(operations, target));
const custom = (spec: string): string =>
  `apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: f}\nspec: ${spec}\n`;
const customPatch = (before: string, after: string): Case => ({
  [k]: 'resources: [f.yaml]\npatches:\n- path: p.yaml\n',
  'app/f.yaml': custom(before),
  'app/p.yaml': custom(after),
});

/** Strategic merge and JSON 6902. */
export const patchCases: Readonly<Record<string, Case>> = {
  'merge: a scalar': patched('spec: {replicas: 3}\n'),
  'merge: a label': patched('  labels: {x: "1"}\n'),
  'merge: an image': pod('containers:\n- name: main\n  image: new:2\n'),
  'merge: a new container': pod('containers:\n- name: extra\n  image: new:2\n'),
  'merge: containers in another order': pod(
    'containers:\n- name: sidecar\n  args: [a]\n- name: main\n  args: [b]\n',
  ),
  'merge: env': pod(
    'containers:\n- name: main\n  env:\n  - name: NEW\n    value: x\n  - name: MODE\n    value: patched\n',
  ),
  'merge: env with another source': pod(
    'containers:\n- name: main\n  env:\n  - name: MODE\n    value: null\n    valueFrom: {fieldRef: {fieldPath: x}}\n',
  ),
  'merge: delete an item': pod('containers:\n- name: sidecar\n  $patch: delete\n'),
  'merge: delete an item that is not there': pod('containers:\n- name: nothing\n  $patch: delete\n'),
  'merge: replace an item': pod('containers:\n- name: main\n  $patch: replace\n  image: only\n'),
  'merge: replace a list': pod('containers:\n- $patch: replace\n- name: only\n  image: one\n'),
  'merge: delete a list': pod('containers:\n- $patch: delete\n'),
  'merge: replace a map': patched(
    'spec:\n  template:\n    spec:\n      $patch: replace\n      containers: [{name: a}]\n',
  ),
  'merge: delete a map': patched('spec:\n  template:\n    $patch: delete\n'),
  'merge: merge a map': patched('spec:\n  $patch: merge\n  replicas: 2\n'),
  'merge: an unknown directive': patched('spec:\n  $patch: wrong\n'),
  'merge: delete the object': patched('$patch: delete\n'),
  'merge: replace the object': patched('$patch: replace\nspec: {a: b}\n'),
  'merge: null': patched('spec: {replicas: null, selector: null}\n'),
  'merge: null that is written as nothing': patched('spec:\n  replicas:\n'),
  'merge: a list becomes null': pod('containers: null\nvolumes:\n'),
  'merge: empty containers': pod('containers: []\n'),
  'merge: ports by one key': pod(
    'containers:\n- name: main\n  ports:\n  - containerPort: 8080\n    name: other\n',
  ),
  'merge: ports by two keys': pod(
    'containers:\n- name: main\n  ports:\n  - containerPort: 8080\n    protocol: UDP\n    name: dns\n  - containerPort: 9090\n    protocol: TCP\n',
  ),
  'merge: ports of a service': {
    ...base,
    [k]: `${resources}patches:\n- path: p.yaml\n`,
    'app/p.yaml':
      'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - port: 80\n    protocol: TCP\n    name: http\n  - port: 443\n',
  },
  'merge: volumes': pod(
    'volumes:\n- name: settings\n  configMap: {name: other}\n- name: added\n  emptyDir: {}\n',
  ),
  'merge: a volume of another sort': pod(
    'volumes:\n- name: scratch\n  emptyDir: null\n  hostPath: {path: /x}\n',
  ),
  'merge: retain keys': pod(
    'volumes:\n- name: scratch\n  $retainKeys: [name, hostPath]\n  hostPath: {path: /x}\n',
  ),
  'merge: an order of elements': pod(
    '$setElementOrder/containers: [{name: sidecar}, {name: main}]\ncontainers:\n- name: main\n  args: [x]\n',
  ),
  'merge: mounts by path': pod(
    'containers:\n- name: main\n  volumeMounts:\n  - mountPath: /etc/settings\n    name: other\n  - mountPath: /new\n    name: n\n',
  ),
  'merge: args are replaced': pod('containers:\n- name: main\n  args: [one, two]\n  command: [x]\n'),
  'merge: tolerations are replaced': pod('tolerations:\n- key: a\n'),
  'merge: a list of scalars that merges': patched('  finalizers: [b, a]\n'),
  'merge: finalizers with some there': {
    [k]: 'resources: [c.yaml]\npatches:\n- path: p.yaml\n',
    'app/c.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, finalizers: [x, y]}\n',
    'app/p.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, finalizers: [y, z]}\n',
  },
  'merge: owners by uid': {
    [k]: 'resources: [c.yaml]\npatches:\n- path: p.yaml\n',
    'app/c.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, ownerReferences: [{uid: "1", name: a}]}\n',
    'app/p.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, ownerReferences: [{uid: "2", name: b}, {uid: "1", kind: K}]}\n',
  },
  'merge: a map where a list was': patched('spec: {template: {spec: {containers: {a: b}}}}\n'),
  'merge: a scalar where a map was': patched('spec: text\n'),
  'merge: an item without its key': pod('containers:\n- image: x\n'),
  'merge: explicit nulls in the object stay': customPatch('{a: null, b: ~, c: 1}', '{c: 2}'),
  'merge: empty values in the object go': {
    [k]: 'resources: [f.yaml]\npatches:\n- path: p.yaml\n',
    'app/f.yaml':
      'apiVersion: e.com/v1\nkind: Foo\nmetadata:\n  name: f\nspec:\n  a:\n  b: 1\n  c:\n    d:\n  e:\n  - f:\n',
    'app/p.yaml': custom('{b: 2}'),
  },
  'empty values stay without a patch': {
    [k]: 'resources: [f.yaml]\n',
    'app/f.yaml': 'apiVersion: e.com/v1\nkind: Foo\nmetadata:\n  name: f\nspec:\n  a:\n  b:\n    c:\n',
  },
  'merge: custom kinds replace lists': customPatch(
    '{list: [{name: a, x: 1}], map: {a: 1}}',
    '{list: [{name: a, y: 2}], map: {b: 2}}',
  ),
  'merge: nulls in an added part go': customPatch('{}', '{a: {b: null, c: 1, d: {}}, e: [], f: [{g: null}]}'),
  'merge: directives in an added part': customPatch(
    '{}',
    '{a: {$patch: delete}, b: {$patch: replace, c: 1}, d: {e: {$patch: delete}}}',
  ),
  'merge: an object within an object': customPatch(
    '{template: {apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {spec: {containers: [{name: a, image: i}]}}}}}',
    '{template: {spec: {template: {spec: {containers: [{name: b}]}}}}}',
  ),
  'merge: none matches': {
    ...base,
    [k]: `${resources}patches:\n- path: p.yaml\n`,
    'app/p.yaml': head.replace('name: web', 'name: nothing') + 'spec: {replicas: 3}\n',
  },
  'merge: another version': {
    ...base,
    [k]: `${resources}patches:\n- path: p.yaml\n`,
    'app/p.yaml': 'apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n',
  },
  'merge: several in a file': {
    ...base,
    [k]: `${resources}patches:\n- path: p.yaml\n`,
    'app/p.yaml': `${head}spec: {replicas: 3}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {mode: slow, more: x}\n`,
  },
  'merge: several with a target': {
    ...base,
    [k]: `${resources}patches:\n- path: p.yaml\n  target: {kind: Deployment}\n`,
    'app/p.yaml': `${head}spec: {replicas: 3}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n`,
  },
  'merge: an empty file': entry('patches:\n- path: p.yaml\n', { 'app/p.yaml': '' }),
  'merge: the name of a layer below': {
    [k]: 'resources: [../base]\npatches:\n- path: p.yaml\n',
    'base/kustomization.yaml': 'resources: [d.yaml]\nnamePrefix: p-\nnamespace: n\n',
    'base/d.yaml': deployment(),
    'app/p.yaml': `${head}spec: {replicas: 3}\n`,
  },
  'merge: the current name': {
    [k]: 'resources: [../base]\npatches:\n- path: p.yaml\n',
    'base/kustomization.yaml': 'resources: [d.yaml]\nnamePrefix: p-\nnamespace: n\n',
    'base/d.yaml': deployment(),
    'app/p.yaml': `${head.replace('name: web', 'name: p-web\n  namespace: n')}spec: {replicas: 3}\n`,
  },
  'merge: with a namespace that is not there': patched('  namespace: other\nspec: {replicas: 3}\n'),
  'target: kind': entry(inline(`${head}spec: {replicas: 4}`, '{kind: Deployment}')),
  'target: another name in the patch': entry(
    inline(
      'apiVersion: v1\nkind: Any\nmetadata: {name: any}\nspec: {replicas: 4}',
      '{kind: Deployment, name: web}',
    ),
  ),
  'target: a pattern': entry(
    inline(
      'apiVersion: v1\nkind: Any\nmetadata: {name: any, labels: {hit: "1"}}',
      '{kind: "Service.*|Role", name: w.*}',
    ),
  ),
  'target: anchored': entry(
    inline('apiVersion: v1\nkind: Any\nmetadata: {name: any, labels: {hit: "1"}}', '{name: we}'),
  ),
  'target: everything': entry(
    inline('apiVersion: v1\nkind: Any\nmetadata: {name: any, labels: {hit: "1"}}', '{}'),
  ),
  'target: group and version': entry(
    inline(
      'apiVersion: v1\nkind: Any\nmetadata: {name: any, labels: {hit: "1"}}',
      '{group: rbac.*, version: v1}',
    ),
  ),
  'target: labels': entry(
    inline(
      'apiVersion: v1\nkind: Any\nmetadata: {name: any, labels: {hit: "1"}}',
      '{labelSelector: "app in (web,x),!none"}',
    ),
  ),
  'target: no such label': entry(
    inline(
      'apiVersion: v1\nkind: Any\nmetadata: {name: any, labels: {hit: "1"}}',
      '{labelSelector: app!=web}',
    ),
  ),
  'target: a bad label selector': entry(
    inline('apiVersion: v1\nkind: Any\nmetadata: {name: any}', '{labelSelector: "a b"}'),
  ),
  'target: annotations': entry(
    inline(
      'apiVersion: v1\nkind: Any\nmetadata: {name: any, labels: {hit: "1"}}',
      '{annotationSelector: a=b}',
    ),
  ),
  'target: a bad pattern': entry(inline('apiVersion: v1\nkind: Any\nmetadata: {name: any}', '{name: "["}')),
  'target: namespace': {
    [k]: 'resources: [a.yaml]\npatches:\n- patch: \'{"apiVersion": "v1", "kind": "Any", "metadata": {"name": "any", "labels": {"hit": "1"}}}\'\n  target: {namespace: def.*}\n',
    'app/a.yaml': `${configMap('a')}---\n${configMap('b').replace('name: b', 'name: b\n  namespace: x')}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n`,
  },
  'target: matches none': entry(inline(`${head}spec: {replicas: 4}`, '{kind: Nothing}')),
  'target: nulls in labels and annotations': entry(
    inline(`${head}  labels: {app: null}\n  annotations: {x: null, y: 5}`, '{kind: Deployment}'),
  ),
  'nulls in labels without a target': patched('  labels: {app: null}\n  annotations: {x: null, y: 5}\n'),
  'target: delete': entry(
    inline('apiVersion: v1\nkind: Any\nmetadata: {name: any}\n$patch: delete', '{kind: Role.*}'),
  ),
  'options: name': entry(
    'patches:\n- path: p.yaml\n  target: {kind: Deployment}\n  options: {allowNameChange: true}\n',
    { 'app/p.yaml': head.replace('name: web', 'name: new') },
  ),
  'options: kind': entry(
    'patches:\n- path: p.yaml\n  target: {kind: Deployment}\n  options: {allowKindChange: true}\n',
    { 'app/p.yaml': head.replace('kind: Deployment', 'kind: StatefulSet') },
  ),
  'neither patch nor path': entry('patches:\n- target: {kind: Deployment}\n'),
  'both patch and path': entry('patches:\n- path: p.yaml\n  patch: "[]"\n', { 'app/p.yaml': head }),
  'a patch of nonsense': entry(inline('just text')),
  'a missing patch file': entry('patches:\n- path: none.yaml\n'),
  'the older patchesStrategicMerge': entry(
    'patchesStrategicMerge:\n- p.yaml\n- |-\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec: {replicas: 7}\n',
    { 'app/p.yaml': `${head}spec: {paused: true}\n` },
  ),
  'the older patchesStrategicMerge that deletes': entry('patchesStrategicMerge:\n- p.yaml\n', {
    'app/p.yaml': `${head}$patch: delete\n`,
  }),
  'the older patchesStrategicMerge, missing': entry('patchesStrategicMerge:\n- none.yaml\n'),
  'the older patchesJson6902': entry(
    'patchesJson6902:\n- path: p.yaml\n  target: {version: v1, kind: Deployment, name: web}\n',
    { 'app/p.yaml': '- op: replace\n  path: /spec/replicas\n  value: 9\n' },
  ),
  'the older patchesJson6902, without a name': entry(
    'patchesJson6902:\n- path: p.yaml\n  target: {kind: Deployment}\n',
    { 'app/p.yaml': '- {op: remove, path: /spec/replicas}\n' },
  ),
  'json: add': jsonPatch('- {op: add, path: /spec/paused, value: true}'),
  'json: add to a list': jsonPatch(
    '- {op: add, path: /spec/template/spec/containers/-, value: {name: last}}\n- {op: add, path: /spec/template/spec/containers/0, value: {name: first}}',
  ),
  'json: add without a parent': jsonPatch('- {op: add, path: /spec/none/x, value: 1}'),
  'json: escapes': jsonPatch(
    '- {op: add, path: /metadata/annotations, value: {}}\n- {op: add, path: /metadata/annotations/a.b~1c~0d, value: x}',
  ),
  'json: remove': jsonPatch('- {op: remove, path: /spec/template/spec/containers/0}'),
  'json: remove what is not there': jsonPatch('- {op: remove, path: /spec/nothing}'),
  'json: replace': jsonPatch('- {op: replace, path: /spec/replicas, value: 5}'),
  'json: replace what is not there': jsonPatch('- {op: replace, path: /spec/nothing, value: 5}'),
  'json: an index too far': jsonPatch('- {op: replace, path: /spec/template/spec/containers/9, value: 5}'),
  'json: a negative index': jsonPatch('- {op: remove, path: /spec/template/spec/containers/-1}'),
  'json: move and copy': jsonPatch(
    '- {op: copy, from: /spec/replicas, path: /spec/minReadySeconds}\n- {op: move, from: /spec/selector, path: /spec/moved}',
  ),
  'json: test': jsonPatch(
    '- {op: test, path: /spec/replicas, value: 1}\n- {op: remove, path: /spec/replicas}',
  ),
  'json: a test that fails': jsonPatch('- {op: test, path: /spec/replicas, value: 2}'),
  'json: an unknown operation': jsonPatch('- {op: nothing, path: /spec/replicas}'),
  'json: a value of null': jsonPatch('- {op: replace, path: /spec/replicas, value: null}'),
  'json: the name changes': jsonPatch('- {op: replace, path: /metadata/name, value: other}'),
  'json: without a target': entry(inline('- {op: remove, path: /spec/replicas}')),
  'json: in JSON': entry(
    'patches:\n- patch: \'[{"op": "remove", "path": "/spec/replicas"}]\'\n  target: {kind: Deployment}\n',
  ),
  'json: matches none': jsonPatch('- {op: remove, path: /spec/replicas}', '{kind: Nothing}'),
  'json: in flow style that is no JSON': {
    'app/d.yaml': deployment(),
    [k]: 'resources: [d.yaml]\npatches:\n- patch: "[{op: replace, path: /spec/replicas, value: 7}]"\n  target: {kind: Deployment}\n',
  },
};
