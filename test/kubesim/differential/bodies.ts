/** Generated objects of the simulated kinds: valid ones for the most part, in the many spellings that defaulting and merging meet. */
import fc from 'fast-check';
import type { Json, Mutable } from '../schema/types.ts';

export interface SubjectKind {
  readonly kind: string;
  readonly apiVersion: string;
  /** `/apis/apps/v1`. */
  readonly base: string;
  readonly resource: string;
  readonly status: boolean;
  readonly custom: boolean;
  /** The object but for apiVersion, kind and name. */
  readonly body: fc.Arbitrary<Mutable>;
  readonly statusBody?: fc.Arbitrary<Json>;
  readonly jsonPatches: readonly (readonly Json[])[];
}

/** Each key there or not. */
function some<T extends Record<string, fc.Arbitrary<Json>>>(parts: T): fc.Arbitrary<Mutable> {
  return fc.record(parts, { requiredKeys: [] }) as fc.Arbitrary<Mutable>;
}
const one = <T extends Json>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const map = (keys: readonly string[], ...values: readonly string[]) =>
  some(Object.fromEntries(keys.map((key) => [key, one(...values)])));
/** Some of the items, in any order. */
const subset = (items: readonly fc.Arbitrary<Json>[]): fc.Arbitrary<Json> =>
  fc
    .shuffledSubarray([...items.keys()])
    .chain((picked) => fc.tuple(...picked.map((i) => items[i] ?? fc.constant(null))));

const metadataParts = some({
  labels: map(['app', 'tier'], 'a', 'b'),
  annotations: map(['note', 'example.com/owner'], 'x', 'y'),
  finalizers: one<Json>(['example.com/one'], ['example.com/two'], ['example.com/two', 'example.com/one']),
});

const metadata = fc.oneof(
  {
    weight: 3,
    arbitrary: some({
      labels: map(['app', 'tier'], 'a', 'b'),
      annotations: map(['note', 'other'], 'x', 'y'),
    }),
  },
  { weight: 1, arbitrary: metadataParts },
);

const environment = subset([
  some({ value: one('1', '2', '') }).map((rest) => ({ name: 'A', ...rest })),
  some({ value: one('1', '2') }).map((rest) => ({ name: 'B', ...rest })),
  one({ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }),
]);
const ports = subset([
  some({ name: one('http', 'web'), protocol: one('TCP') }).map((rest) => ({ containerPort: 80, ...rest })),
  some({ name: one('dns') }).map((rest) => ({ containerPort: 53, protocol: 'UDP', ...rest })),
  one({ containerPort: 8443 }),
]);
const resources = some({
  limits: some({ cpu: one('1000m', '1', '0.5', '1500m'), memory: one('128Mi', '0.5Gi', '1048576', '1000k') }),
  requests: some({ cpu: one('100m', '0.1'), memory: one('64Mi', '1e6') }),
});
const probe = some({
  httpGet: some({ path: one('/', '/ok') }).map((rest) => ({ port: 80, ...rest })),
  periodSeconds: one(5, 10),
});

function container(name: string): fc.Arbitrary<Mutable> {
  return some({
    env: environment,
    ports,
    resources,
    readinessProbe: probe,
    imagePullPolicy: one('Always', 'IfNotPresent'),
    args: one<Json>(['a'], ['b', 'c'], []),
    volumeMounts: one<Json>([{ name: 'v', mountPath: '/v' }], []),
  }).chain((rest) =>
    one('nginx', 'nginx:1', 'registry.example:5000/app', 'app:latest').map((image) => ({
      name,
      image,
      ...rest,
    })),
  );
}

const podSpec = fc
  .tuple(
    subset([container('web'), container('side'), container('log')]),
    some({
      serviceAccountName: one('robot'),
      nodeSelector: map(['disk'], 'ssd', 'hdd'),
      terminationGracePeriodSeconds: one(0, 30, 60),
      securityContext: some({ runAsNonRoot: one(true, false), runAsUser: one(0, 1000) }),
      tolerations: one<Json>([{ key: 'a', operator: 'Exists' }], []),
      hostNetwork: one(false),
      imagePullSecrets: subset([one({ name: 'one' }), one({ name: 'two' })]),
    }),
    one<Json>(
      [{ name: 'v' }],
      [{ name: 'v', configMap: { name: 'c' } }],
      [
        { name: 'v', emptyDir: {} },
        { name: 'w', secret: { secretName: 's' } },
      ],
    ),
  )
  .map(([containers, rest, volumes]) => ({ containers, volumes, ...rest }));

const deploymentSpec = fc
  .tuple(
    podSpec,
    some({
      replicas: one(0, 1, 3),
      strategy: one<Json>(
        { type: 'Recreate' },
        { rollingUpdate: { maxSurge: 1 } },
        { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '50%' } },
        {},
      ),
      minReadySeconds: one(0, 5),
      paused: one(true, false),
      revisionHistoryLimit: one(0, 3),
      progressDeadlineSeconds: one(100, 600),
    }),
    map(['tier', 'extra'], 'a', 'b'),
  )
  .map(([spec, rest, labels]) => ({
    ...rest,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web', ...labels } }, spec },
  }));

const object = (parts: Record<string, fc.Arbitrary<Json>>, always: Record<string, fc.Arbitrary<Json>> = {}) =>
  fc
    .tuple(metadata, some(parts), fc.record(always) as fc.Arbitrary<Mutable>)
    .map(([meta, optional, needed]): Mutable => ({ metadata: meta, ...needed, ...optional }));

const servicePorts = subset([
  some({ targetPort: one<Json>(80, 8080, 'http'), protocol: one('TCP') }).map((rest) => ({
    name: 'http',
    port: 80,
    ...rest,
  })),
  some({ targetPort: one<Json>(53) }).map((rest) => ({ name: 'dns', port: 53, protocol: 'UDP', ...rest })),
  one({ name: 'tls', port: 443, targetPort: 'tls' }),
]);

const behavior = some({
  scaleUp: some({
    stabilizationWindowSeconds: one(0, 30),
    policies: one<Json>([{ type: 'Pods', value: 2, periodSeconds: 15 }]),
  }),
  scaleDown: some({ stabilizationWindowSeconds: one(0, 60), selectPolicy: one('Min', 'Disabled') }),
});
const metrics = one<Json>(
  [],
  [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
  [
    {
      type: 'Resource',
      resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1500m' } },
    },
  ],
);

const rules = one<Json>(
  [],
  [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
  [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'], resourceNames: ['web'] }],
  [{ verbs: ['get'] }],
);
const subjects = subset([
  one({ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }),
  one({ kind: 'User', name: 'alice' }),
  one({ kind: 'Group', name: 'staff', apiGroup: 'rbac.authorization.k8s.io' }),
]);

const patchLabels: readonly (readonly Json[])[] = [
  [{ op: 'add', path: '/metadata/labels', value: { app: 'j' } }],
  [{ op: 'remove', path: '/metadata/labels/app' }],
  [
    { op: 'test', path: '/metadata/labels/app', value: 'a' },
    { op: 'replace', path: '/metadata/labels/app', value: 'b' },
  ],
];

const condition = (status: string) => ({ type: 'Available', status, reason: 'Because', message: 'so' });

export const SUBJECTS: readonly SubjectKind[] = [
  {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    base: '/api/v1',
    resource: 'configmaps',
    status: false,
    custom: false,
    body: object({
      data: map(['a', 'b', 'c'], '1', '2', ''),
      binaryData: map(['bin'], 'AAEC', ''),
      immutable: one(false),
    }),
    jsonPatches: [
      ...patchLabels,
      [{ op: 'add', path: '/data/a', value: '9' }],
      [{ op: 'move', from: '/data/a', path: '/data/d' }],
      [{ op: 'add', path: '/data/a', value: 9 }],
    ],
  },
  {
    kind: 'Secret',
    apiVersion: 'v1',
    base: '/api/v1',
    resource: 'secrets',
    status: false,
    custom: false,
    body: object({
      data: map(['a', 'b'], 'MQ==', 'Mg=='),
      stringData: map(['b', 'c'], '1', '2'),
      type: one('Opaque', 'example.com/own'),
    }),
    jsonPatches: [...patchLabels, [{ op: 'add', path: '/stringData', value: { z: 'z' } }]],
  },
  {
    kind: 'Service',
    apiVersion: 'v1',
    base: '/api/v1',
    resource: 'services',
    status: true,
    custom: false,
    body: object({
      spec: some({
        ports: servicePorts,
        selector: map(['app', 'tier'], 'a', 'b'),
        sessionAffinity: one('None', 'ClientIP'),
        publishNotReadyAddresses: one(true, false),
      }),
    }),
    statusBody: one<Json>({ loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }, { loadBalancer: {} }),
    jsonPatches: [
      ...patchLabels,
      [{ op: 'add', path: '/spec/ports/-', value: { name: 'x', port: 99 } }],
      [{ op: 'remove', path: '/spec/ports/0' }],
    ],
  },
  {
    kind: 'ServiceAccount',
    apiVersion: 'v1',
    base: '/api/v1',
    resource: 'serviceaccounts',
    status: false,
    custom: false,
    body: object({
      automountServiceAccountToken: one(true, false),
      imagePullSecrets: subset([one({ name: 'one' }), one({ name: 'two' })]),
      secrets: subset([one({ name: 's1' }), one({ name: 's2' })]),
    }),
    jsonPatches: patchLabels,
  },
  {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    base: '/apis/apps/v1',
    resource: 'deployments',
    status: true,
    custom: false,
    body: object({}, { spec: deploymentSpec }),
    statusBody: one<Json>(
      { observedGeneration: 1, replicas: 1, readyReplicas: 1 },
      { conditions: [condition('True')], replicas: 2 },
      { conditions: [condition('False'), { ...condition('True'), type: 'Progressing' }] },
      { replicas: 0 },
    ),
    jsonPatches: [
      ...patchLabels,
      [{ op: 'replace', path: '/spec/replicas', value: 4 }],
      [{ op: 'add', path: '/spec/template/spec/containers/0/env', value: [{ name: 'J', value: 'j' }] }],
      [{ op: 'remove', path: '/spec/replicas' }],
      [{ op: 'replace', path: '/spec/selector/matchLabels', value: { app: 'other' } }],
    ],
  },
  {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    base: '/apis/autoscaling/v2',
    resource: 'horizontalpodautoscalers',
    status: true,
    custom: false,
    body: object(
      {},
      {
        spec: some({ minReplicas: one(1, 2), metrics, behavior }).chain((rest) =>
          one(3, 9).map((maxReplicas) => ({
            maxReplicas,
            scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
            ...rest,
          })),
        ),
      },
    ),
    statusBody: one<Json>(
      { currentReplicas: 2, desiredReplicas: 3 },
      { conditions: [{ type: 'AbleToScale', status: 'True' }] },
    ),
    jsonPatches: [...patchLabels, [{ op: 'replace', path: '/spec/maxReplicas', value: 12 }]],
  },
  {
    kind: 'Role',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    base: '/apis/rbac.authorization.k8s.io/v1',
    resource: 'roles',
    status: false,
    custom: false,
    body: object({ rules }),
    jsonPatches: patchLabels,
  },
  {
    kind: 'RoleBinding',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    base: '/apis/rbac.authorization.k8s.io/v1',
    resource: 'rolebindings',
    status: false,
    custom: false,
    body: object(
      { subjects },
      {
        roleRef: one<Json>(
          { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
          { kind: 'Role', name: 'r' },
        ),
      },
    ),
    jsonPatches: patchLabels,
  },
  {
    kind: 'Lease',
    apiVersion: 'coordination.k8s.io/v1',
    base: '/apis/coordination.k8s.io/v1',
    resource: 'leases',
    status: false,
    custom: false,
    body: object({
      spec: some({
        holderIdentity: one('a', 'b'),
        leaseDurationSeconds: one(10, 20),
        renewTime: one('2026-01-01T00:00:00.000000Z'),
      }),
    }),
    jsonPatches: patchLabels,
  },
  {
    kind: 'Widget',
    apiVersion: 'example.dev/v1',
    base: '/apis/example.dev/v1',
    resource: 'widgets',
    status: true,
    custom: true,
    body: object({
      spec: some({
        size: one<Json>(1, 2, '2', null),
        list: one<Json>([1, 2], [], ['a']),
        nested: some({ a: one<Json>(1, 'x', {}), b: one<Json>([{ c: 1 }], { c: 1 }) }),
      }),
      extra: one<Json>('e', { f: 1 }),
      status: one<Json>({ ready: true }),
    }),
    statusBody: one<Json>({ ready: true }, { ready: false, list: [1] }),
    jsonPatches: [...patchLabels, [{ op: 'add', path: '/spec/size', value: 7 }]],
  },
];
