/** Trees of bases, overlays, components, patches and generators, as people write them and a little beyond. */
import fc from 'fast-check';
import type { Case } from './cases-basic.ts';
import { configMap, deployment, rbac, service } from './objects.ts';

const name = fc.constantFrom('web', 'web', 'web', 'web', 'api');
const text = fc.constantFrom('a', 'b-1', 'x.y', '5', 'true', '');
const maybe = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant('') }, { weight: 1, arbitrary });

const container = fc
  .record({
    name: fc.constantFrom('main', 'sidecar', 'extra'),
    image: fc.option(fc.constantFrom('nginx', 'busybox:2')),
    remove: fc.boolean(),
  })
  .map(({ name: container, image, remove }) =>
    remove
      ? { name: container, $patch: 'delete' }
      : { name: container, ...(image === null ? {} : { image }) },
  );

const podPatch = fc.record(
  {
    containers: fc.array(container, { maxLength: 3 }),
    volumes: fc.array(
      fc.constantFrom<object>(
        { name: 'settings', configMap: { name: 'other' } },
        { name: 'new', emptyDir: {} },
        { name: 'scratch', $patch: 'delete' },
      ),
      { maxLength: 2 },
    ),
    serviceAccountName: fc.constantFrom('other', null),
  },
  { requiredKeys: [] },
);

const mergePatch = fc
  .record({
    target: name,
    replicas: fc.option(fc.nat(9)),
    labels: fc.dictionary(fc.constantFrom('app', 'new', 'tier', 'l'), fc.constantFrom('v', null)),
    pod: podPatch,
  })
  .map(({ target, replicas, labels, pod }) =>
    JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: target, labels },
      spec: { replicas, template: { spec: pod } },
    }),
  );

const operation = fc.constantFrom(
  { op: 'replace', path: '/spec/replicas', value: 7 },
  { op: 'add', path: '/metadata/labels/added', value: 'x' },
  { op: 'remove', path: '/spec/template/spec/containers/0' },
  { op: 'add', path: '/spec/template/spec/containers/-', value: { name: 'appended' } },
  { op: 'remove', path: '/spec/template/spec/initContainers' },
  { op: 'test', path: '/spec/replicas', value: 1 },
);

const jsonPatch = fc.array(operation, { minLength: 1, maxLength: 3 }).map((list) => JSON.stringify(list));

const patches = fc
  .array(
    fc.oneof(
      mergePatch.map((patch) => `- patch: '${patch}'\n`),
      fc
        .tuple(
          fc.oneof(jsonPatch, mergePatch),
          fc.constantFrom(
            '{kind: Deployment}',
            '{name: "w.*"}',
            '{kind: Deploy, name: web}',
            '{labelSelector: app=web, kind: Deployment}',
          ),
        )
        .map(([patch, target]) => `- patch: '${patch}'\n  target: ${target}\n`),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((list) => `patches:\n${list.join('')}`);

const generator = fc
  .record({
    name: fc.constantFrom('settings', 'credentials', 'own', 'own-2', 'own-3'),
    behavior: fc.constantFrom(...Array<string>(12).fill(''), 'merge', 'replace', 'create'),
    value: text,
    plain: fc.boolean(),
  })
  .map(
    ({ name: generated, behavior, value, plain }) =>
      `- name: ${generated}\n  literals: ["key=${value}"]\n` +
      (behavior === '' ? '' : `  behavior: ${behavior}\n`) +
      (plain ? '  options: {disableNameSuffixHash: true, labels: {made: "1"}}\n' : ''),
  );

const deployments = 'spec.template.spec.containers';
const replacement = fc
  .record({
    source: fc.constantFrom(
      '{kind: ConfigMap, name: settings, fieldPath: data.mode}',
      '{kind: Service, name: web}',
      `{kind: Deployment, name: web, fieldPath: "${deployments}.[name=main].image", options: {delimiter: ":", index: 1}}`,
    ),
    select: fc.constantFrom(
      '{kind: Deployment}',
      '{kind: Deployment, name: web}',
      '{name: "w.*"}',
      '{kind: Service}',
    ),
    path: fc.constantFrom(
      `${deployments}.[name=main].image`,
      `${deployments}.*.image`,
      'metadata.labels.app',
      'metadata.annotations.[made/by]',
      'spec.template.metadata.labels.tier',
    ),
    options: fc.constantFrom(
      '',
      ', options: {create: true}',
      ', options: {create: true}',
      ', options: {delimiter: ":", index: 1}',
    ),
  })
  .map(
    ({ source, select, path, options }) =>
      `- {source: ${source}, targets: [{select: ${select}, fieldPaths: ["${path}"]${options}}]}\n`,
  );

const transformer = fc.constantFrom(
  'apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: t-\nfieldSpecs: [{path: metadata/name}]',
  'apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: t, namespace: moved}\nunsetOnly: true',
  'apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: t}\nlabels: {l: t}\nfieldSpecs: [{path: metadata/labels, create: true}, {path: spec/selector, kind: Service}]',
  'apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: t}\nimageTag: {name: busybox, newTag: t}',
  'apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: t}\ntarget: {kind: Service}\npatch: "{apiVersion: v1, kind: Service, metadata: {name: any}, spec: {type: NodePort}}"',
  'apiVersion: builtin\nkind: HashTransformer\nmetadata: {name: t}',
);

/** Several things of one layer that only make sense together. */
const rarer = fc.constantFrom(
  'configurations: [conf.yaml]\n',
  'vars: [{name: MODE, objref: {apiVersion: v1, kind: ConfigMap, name: settings}, fieldref: {fieldPath: data.mode}}]\n',
  'vars: [{name: WEB, objref: {apiVersion: apps/v1, kind: Deployment, name: web}}]\ncommonAnnotations: {web: "is $(WEB)"}\n',
  'generators:\n- |-\n  {apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: own-4}, literals: [a=b]}\n',
);

const conf =
  'nameReference:\n- kind: ConfigMap\n  fieldSpecs:\n  - path: metadata/annotations/refers\nnamePrefix:\n- path: metadata/annotations/note\ncommonLabels:\n- path: spec/extra\n  kind: Service\n  create: true\nreplicas:\n- path: spec/size\n  kind: Service\n  create: true\n';

/** What a layer does besides its resources. */
const changes = fc
  .tuple(
    maybe(fc.constantFrom('namePrefix: p-\n', 'namePrefix: q-\n')),
    maybe(fc.constantFrom('nameSuffix: -s\n')),
    maybe(fc.constantFrom('namespace: team\n', 'namespace: prod\n')),
    maybe(fc.constantFrom('commonLabels: {tier: a}\n', 'commonLabels: {tier: b, app: x}\n')),
    maybe(
      fc.constantFrom(
        'labels: [{pairs: {l: "1"}}]\n',
        'labels: [{pairs: {l: "2"}, includeSelectors: true}]\n',
        'labels: [{pairs: {l: "3"}, includeTemplates: true}]\n',
      ),
    ),
    maybe(fc.constantFrom('commonAnnotations: {note: text}\n')),
    maybe(
      fc.constantFrom(
        'images: [{name: busybox, newTag: "9"}]\n',
        'images: [{name: envoy, newName: mirror/envoy, newTag: v2}]\n',
      ),
    ),
    maybe(name.map((replicated) => `replicas: [{name: ${replicated}, count: 4}]\n`)),
    maybe(patches),
    maybe(
      fc
        .array(generator, { minLength: 1, maxLength: 2 })
        .map((list) => `configMapGenerator:\n${list.join('')}`),
    ),
    maybe(generator.map((one) => `secretGenerator:\n${one}`)),
    maybe(
      fc.array(replacement, { minLength: 1, maxLength: 2 }).map((list) => `replacements:\n${list.join('')}`),
    ),
    maybe(
      fc
        .array(transformer, { minLength: 1, maxLength: 2 })
        .map(
          (list) =>
            `transformers:\n${list.map((one) => `- |-\n  ${one.replaceAll('\n', '\n  ')}\n`).join('')}`,
        ),
    ),
    maybe(rarer),
  )
  .map((parts) => parts.join(''));

const files: Case = {
  'deployment.yaml': deployment('web'),
  'other.yaml': deployment('api'),
  'service.yaml': service('web'),
  'rbac.yaml': rbac,
  'settings.yaml': configMap('settings'),
};

const inFolder = (folder: string): Case =>
  Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]));

/** A base, a layer between, a component and the overlay `app`. */
export const generatedTree: fc.Arbitrary<Case> = fc
  .record({
    resources: fc.subarray(Object.keys(files).slice(1)).map((some) => ['deployment.yaml', ...some]),
    base: changes,
    middle: fc.option(changes),
    component: fc.option(changes),
    top: changes,
    ending: maybe(
      fc.constantFrom(
        'sortOptions: {order: fifo}\n',
        'buildMetadata: [originAnnotations, transformerAnnotations]\n',
        'buildMetadata: [managedByLabel]\n',
      ),
    ),
  })
  .map(({ resources, base, middle, component, top, ending }) => ({
    ...inFolder('base'),
    ...Object.fromEntries(['base', 'middle', 'part', 'app'].map((folder) => [`${folder}/conf.yaml`, conf])),
    'base/kustomization.yaml': `resources: [${resources.join(', ')}]\n${base}`,
    ...(middle === null ? {} : { 'middle/kustomization.yaml': `resources: [../base]\n${middle}` }),
    ...(component === null
      ? {}
      : {
          'part/kustomization.yaml': `apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n${component || 'namePrefix: c-\n'}`,
        }),
    'app/kustomization.yaml': `resources: [../${middle === null ? 'base' : 'middle'}]\n${component === null ? '' : 'components: [../part]\n'}${top}${ending}`,
  }));
