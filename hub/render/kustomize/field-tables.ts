/**
 * Which fields kustomize's transformers change in which kinds: the facts of its api/internal/konfig/builtinpluginconsts (v5.8), written shorter.
 */
import type { FieldSpec } from './field-spec.ts';
import type { GvkSelector } from './ids.ts';

const metadataLabels: readonly FieldSpec[] = [
  { path: 'metadata/labels', create: true },
  { path: 'spec/template/metadata/labels', create: true, version: 'v1', kind: 'ReplicationController' },
  ...['Deployment', 'ReplicaSet', 'DaemonSet'].map((kind) => ({
    path: 'spec/template/metadata/labels',
    create: true,
    kind,
  })),
  { path: 'spec/template/metadata/labels', create: true, group: 'apps', kind: 'StatefulSet' },
  { path: 'spec/template/metadata/labels', create: true, group: 'batch', kind: 'Job' },
  { path: 'spec/jobTemplate/metadata/labels', create: true, group: 'batch', kind: 'CronJob' },
  { path: 'spec/jobTemplate/spec/template/metadata/labels', create: true, group: 'batch', kind: 'CronJob' },
];

const claimLabels: readonly FieldSpec[] = [
  { path: 'spec/volumeClaimTemplates[]/metadata/labels', create: true, group: 'apps', kind: 'StatefulSet' },
];

const podSelectors = [
  ...['podAffinity', 'podAntiAffinity'].flatMap((side) => [
    `affinity/${side}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels`,
    `affinity/${side}/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels`,
  ]),
  'topologySpreadConstraints/labelSelector/matchLabels',
];

const selectorLabels: readonly FieldSpec[] = [
  { path: 'spec/selector', create: true, version: 'v1', kind: 'Service' },
  { path: 'spec/selector', create: true, version: 'v1', kind: 'ReplicationController' },
  ...['Deployment', 'ReplicaSet', 'DaemonSet'].map((kind) => ({
    path: 'spec/selector/matchLabels',
    create: true,
    kind,
  })),
  { path: 'spec/selector/matchLabels', create: true, group: 'apps', kind: 'StatefulSet' },
  ...['Deployment', 'StatefulSet'].flatMap((kind) =>
    podSelectors.map((path) => ({ path: `spec/template/spec/${path}`, group: 'apps', kind })),
  ),
  { path: 'spec/selector/matchLabels', group: 'batch', kind: 'Job' },
  { path: 'spec/jobTemplate/spec/selector/matchLabels', group: 'batch', kind: 'CronJob' },
  { path: 'spec/selector/matchLabels', group: 'policy', kind: 'PodDisruptionBudget' },
  ...['spec/podSelector', 'spec/ingress/from/podSelector', 'spec/egress/to/podSelector'].map((path) => ({
    path: `${path}/matchLabels`,
    group: 'networking.k8s.io',
    kind: 'NetworkPolicy',
  })),
];

const annotations: readonly FieldSpec[] = metadataLabels.map((spec) => ({
  ...spec,
  path: spec.path.replace(/labels$/, 'annotations'),
  // kustomize names no group for StatefulSets here, other than for labels.
  ...(spec.kind === 'StatefulSet' ? { group: undefined } : {}),
})) as readonly FieldSpec[];

const podSpecs = ['spec', 'spec/template/spec'];

export const fieldTables = {
  labels: metadataLabels.slice(0, 1),
  templateLabels: metadataLabels,
  claimTemplateLabels: claimLabels,
  commonLabels: [...selectorLabels, ...metadataLabels, ...claimLabels],
  annotations,
  images: [
    ...podSpecs.flatMap((pod) =>
      ['containers[]/image', 'initContainers[]/image', 'volumes[]/image/reference'].map((path) => ({
        path: `${pod}/${path}`,
        create: true,
      })),
    ),
    { path: 'spec/jobTemplate/spec/template/spec/volumes[]/image/reference', create: true },
  ],
  replicas: ['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) => ({
    path: 'spec/replicas',
    create: true,
    kind,
  })),
  namespace: [
    { path: 'metadata/name', create: true, kind: 'Namespace' },
    { path: 'spec/service/namespace', create: true, group: 'apiregistration.k8s.io', kind: 'APIService' },
    {
      path: 'spec/conversion/webhook/clientConfig/service/namespace',
      group: 'apiextensions.k8s.io',
      kind: 'CustomResourceDefinition',
    },
  ],
} as const satisfies Record<string, readonly FieldSpec[]>;

export interface NameReference {
  /** What is referred to. */
  readonly target: GvkSelector;
  /** Where its name is written, in which kinds. */
  readonly referrers: readonly FieldSpec[];
}

const withPodTemplate = ['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'Job'];

/** Paths within a pod's spec, for every kind that holds one. */
function inPods(paths: readonly string[]): readonly FieldSpec[] {
  return paths.flatMap((path) => [
    { path: `spec/${path}`, version: 'v1', kind: 'Pod' },
    { path: `template/spec/${path}`, kind: 'PodTemplate' },
    ...withPodTemplate.map((kind) => ({ path: `spec/template/spec/${path}`, kind })),
    { path: `spec/jobTemplate/spec/template/spec/${path}`, kind: 'CronJob' },
  ]);
}

/** The same for the fields that kustomize looks for in fewer kinds: no ReplicaSet, but ReplicationController. */
function inWorkloads(path: string): readonly FieldSpec[] {
  return [
    { path: `spec/${path}`, kind: 'Pod' },
    ...['StatefulSet', 'Deployment', 'ReplicationController', 'Job', 'DaemonSet'].map((kind) => ({
      path: `spec/template/spec/${path}`,
      kind,
    })),
    { path: `spec/jobTemplate/spec/template/spec/${path}`, kind: 'CronJob' },
  ];
}

const containerReferences = (what: 'configMap' | 'secret'): readonly string[] => [
  `containers/env/valueFrom/${what}KeyRef/name`,
  `initContainers/env/valueFrom/${what}KeyRef/name`,
  `containers/envFrom/${what}Ref/name`,
  `initContainers/envFrom/${what}Ref/name`,
  `volumes/projected/sources/${what}/name`,
];

const resourceNames = ['Role', 'ClusterRole'].map((kind) => ({ path: 'rules/resourceNames', kind }));
const rbac = 'rbac.authorization.k8s.io';
const scaled: readonly FieldSpec[] = [{ path: 'spec/scaleTargetRef/name', kind: 'HorizontalPodAutoscaler' }];
const ingress = (path: string): FieldSpec => ({ path, kind: 'Ingress' });
const ingressAnnotation = (name: string): FieldSpec => ingress(`metadata/annotations/${name}`);

export const nameReferences: readonly NameReference[] = [
  ...['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) => ({
    target: { kind },
    referrers: scaled,
  })),
  {
    target: { kind: 'ConfigMap', version: 'v1' },
    referrers: [
      ...inPods(['volumes/configMap/name', ...containerReferences('configMap')]),
      { path: 'spec/configSource/configMap', kind: 'Node' },
      ...resourceNames,
      ingressAnnotation('nginx.ingress.kubernetes.io\\/fastcgi-params-configmap'),
    ],
  },
  {
    target: { kind: 'Secret', version: 'v1' },
    referrers: [
      ...inPods(['volumes/secret/secretName', ...containerReferences('secret'), 'imagePullSecrets/name']),
      ingress('spec/tls/secretName'),
      ingressAnnotation('ingress.kubernetes.io\\/auth-secret'),
      ingressAnnotation('nginx.ingress.kubernetes.io\\/auth-secret'),
      ingressAnnotation('nginx.ingress.kubernetes.io\\/auth-tls-secret'),
      { path: 'imagePullSecrets/name', kind: 'ServiceAccount' },
      ...['secretName', 'adminSecretName', 'userSecretName', 'secretRef'].map((name) => ({
        path: `parameters/${name}`,
        kind: 'StorageClass',
      })),
      ...resourceNames,
      {
        path: 'spec/template/spec/containers/env/valueFrom/secretKeyRef/name',
        kind: 'Service',
        group: 'serving.knative.dev',
        version: 'v1',
      },
      { path: 'spec/azureFile/secretName', kind: 'PersistentVolume' },
    ],
  },
  {
    target: { kind: 'Service', version: 'v1' },
    referrers: [
      { path: 'spec/serviceName', kind: 'StatefulSet', group: 'apps' },
      ingress('spec/rules/http/paths/backend/serviceName'),
      ingress('spec/backend/serviceName'),
      ingress('spec/rules/http/paths/backend/service/name'),
      ingress('spec/defaultBackend/service/name'),
      { path: 'spec/service/name', kind: 'APIService', group: 'apiregistration.k8s.io' },
      ...['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) => ({
        path: 'webhooks/clientConfig/service',
        kind,
        group: 'admissionregistration.k8s.io',
      })),
    ],
  },
  {
    target: { kind: 'Role', group: rbac },
    referrers: [{ path: 'roleRef/name', kind: 'RoleBinding', group: rbac }],
  },
  {
    target: { kind: 'ClusterRole', group: rbac },
    referrers: ['RoleBinding', 'ClusterRoleBinding'].map((kind) => ({
      path: 'roleRef/name',
      kind,
      group: rbac,
    })),
  },
  {
    target: { kind: 'ServiceAccount', version: 'v1' },
    referrers: [
      ...['RoleBinding', 'ClusterRoleBinding'].map((kind) => ({ path: 'subjects', kind, group: rbac })),
      ...inWorkloads('serviceAccountName'),
    ],
  },
  {
    target: { kind: 'PersistentVolumeClaim', version: 'v1' },
    referrers: inWorkloads('volumes/persistentVolumeClaim/claimName'),
  },
  {
    target: { kind: 'PersistentVolume', version: 'v1' },
    referrers: [
      { path: 'spec/volumeName', kind: 'PersistentVolumeClaim' },
      { path: 'rules/resourceNames', kind: 'ClusterRole' },
    ],
  },
  {
    target: { kind: 'StorageClass', version: 'v1', group: 'storage.k8s.io' },
    referrers: [
      { path: 'spec/storageClassName', kind: 'PersistentVolume' },
      { path: 'spec/storageClassName', kind: 'PersistentVolumeClaim' },
      { path: 'spec/volumeClaimTemplates/spec/storageClassName', kind: 'StatefulSet' },
    ],
  },
  {
    target: { kind: 'PriorityClass', version: 'v1', group: 'scheduling.k8s.io' },
    referrers: inWorkloads('priorityClassName'),
  },
  // kustomize writes the group with a version in it, which matches nothing; so an IngressClass's new name is not followed.
  {
    target: { kind: 'IngressClass', version: 'v1', group: 'networking.k8s.io/v1' },
    referrers: [ingress('spec/ingressClassName')],
  },
  {
    target: { kind: 'ValidatingAdmissionPolicy', group: 'admissionregistration.k8s.io' },
    referrers: [
      {
        path: 'spec/policyName',
        kind: 'ValidatingAdmissionPolicyBinding',
        group: 'admissionregistration.k8s.io',
      },
    ],
  },
];
