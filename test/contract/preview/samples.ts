/** Objects of many kinds, with the path that creates each. Each is valid by itself. */
import type { Json, KubeObject } from '../../../shared/manifest/object.ts';

const metadata = { name: 'web', namespace: 'default', labels: { app: 'web' }, annotations: { a: 'b' } };
const { namespace: _namespace, ...clusterMetadata } = metadata;

const podSpec: Json = {
  serviceAccountName: 'default',
  terminationGracePeriodSeconds: 30,
  nodeSelector: { disk: 'fast' },
  tolerations: [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' }],
  securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 2000 },
  volumes: [
    { name: 'settings', configMap: { name: 'settings', items: [{ key: 'a', path: 'b' }], optional: true } },
    { name: 'scratch', emptyDir: { sizeLimit: '1Gi' } },
  ],
  containers: [
    {
      name: 'web',
      image: 'registry.example/web:1',
      args: ['--a'],
      ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }],
      env: [
        { name: 'A', value: 'b' },
        { name: 'C', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
      envFrom: [{ configMapRef: { name: 'settings', optional: true } }],
      resources: { limits: { cpu: '1', memory: '64Mi' }, requests: { cpu: '500m' } },
      volumeMounts: [{ name: 'settings', mountPath: '/settings', readOnly: true }],
      livenessProbe: { httpGet: { path: '/', port: 'http' }, initialDelaySeconds: 3 },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    },
  ],
};
const template: Json = { metadata: { labels: { app: 'web' } }, spec: podSpec };
const selector: Json = { matchLabels: { app: 'web' } };

const of = (apiVersion: string, kind: string, more: Readonly<Record<string, Json>>): KubeObject => ({
  apiVersion,
  kind,
  metadata,
  ...more,
});

export const definition: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'string', enum: ['small', 'large'] },
                  count: { type: 'integer' },
                  ratio: { type: 'number' },
                  on: { type: 'boolean' },
                  port: { 'x-kubernetes-int-or-string': true },
                  list: {
                    type: 'array',
                    items: { type: 'object', properties: { name: { type: 'string' } } },
                  },
                  tags: { type: 'object', additionalProperties: { type: 'string' } },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
            },
          },
        },
      },
    ],
  },
};

const base = '/api/v1/namespaces/default';
const apis = (group: string, resource: string) => `/apis/${group}/namespaces/default/${resource}`;

export const samples: Readonly<Record<string, readonly [string, KubeObject]>> = {
  configMap: [`${base}/configmaps`, of('v1', 'ConfigMap', { data: { a: 'b' }, immutable: true })],
  secret: [
    `${base}/secrets`,
    of('v1', 'Secret', { type: 'Opaque', stringData: { a: 'b' }, data: { c: 'ZA==' } }),
  ],
  service: [
    `${base}/services`,
    of('v1', 'Service', {
      spec: {
        type: 'ClusterIP',
        selector: { app: 'web' },
        ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
        sessionAffinity: 'None',
      },
    }),
  ],
  claim: [
    `${base}/persistentvolumeclaims`,
    of('v1', 'PersistentVolumeClaim', {
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        storageClassName: 'fast',
      },
    }),
  ],
  account: [
    `${base}/serviceaccounts`,
    of('v1', 'ServiceAccount', { automountServiceAccountToken: false, imagePullSecrets: [{ name: 'pull' }] }),
  ],
  deployment: [
    apis('apps/v1', 'deployments'),
    of('apps/v1', 'Deployment', {
      spec: {
        replicas: 2,
        selector,
        template,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 1 } },
      },
    }),
  ],
  statefulSet: [
    apis('apps/v1', 'statefulsets'),
    of('apps/v1', 'StatefulSet', { spec: { serviceName: 'web', replicas: 1, selector, template } }),
  ],
  cronJob: [
    apis('batch/v1', 'cronjobs'),
    of('batch/v1', 'CronJob', {
      spec: {
        schedule: '* * * * *',
        suspend: false,
        jobTemplate: {
          spec: {
            backoffLimit: 1,
            template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'b' }] } },
          },
        },
      },
    }),
  ],
  ingress: [
    apis('networking.k8s.io/v1', 'ingresses'),
    of('networking.k8s.io/v1', 'Ingress', {
      spec: {
        ingressClassName: 'web',
        tls: [{ hosts: ['a.example'], secretName: 'tls' }],
        rules: [
          {
            host: 'a.example',
            http: {
              paths: [
                {
                  path: '/',
                  pathType: 'Prefix',
                  backend: { service: { name: 'web', port: { number: 80 } } },
                },
              ],
            },
          },
        ],
      },
    }),
  ],
  networkPolicy: [
    apis('networking.k8s.io/v1', 'networkpolicies'),
    of('networking.k8s.io/v1', 'NetworkPolicy', {
      spec: {
        podSelector: selector,
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: 80, protocol: 'TCP' }] }],
      },
    }),
  ],
  autoscaler: [
    apis('autoscaling/v2', 'horizontalpodautoscalers'),
    of('autoscaling/v2', 'HorizontalPodAutoscaler', {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 5,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
          },
        ],
      },
    }),
  ],
  budget: [
    apis('policy/v1', 'poddisruptionbudgets'),
    of('policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: '50%', selector } }),
  ],
  role: [
    apis('rbac.authorization.k8s.io/v1', 'roles'),
    of('rbac.authorization.k8s.io/v1', 'Role', {
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'], resourceNames: ['a'] }],
    }),
  ],
  clusterRoleBinding: [
    '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: clusterMetadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
    },
  ],
  widgets: [
    apis('example.com/v1', 'widgets'),
    of('example.com/v1', 'Widget', {
      spec: {
        size: 'small',
        count: 3,
        ratio: 0.5,
        on: true,
        port: 'http',
        list: [{ name: 'a' }],
        tags: { a: 'b' },
        free: { anything: { goes: 1 } },
      },
    }),
  ],
};
