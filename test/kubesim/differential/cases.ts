/** Sequences that once came out differently, kept for good. Each is named for what it showed. */
import type { Json } from '../schema/types.ts';
import type { Operation } from './side.ts';

export interface Case {
  readonly name: string;
  /** `{ns}` in paths stands for the namespace. */
  readonly operations: readonly Operation[];
}

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

const deployment = (podSpec: Json, more: { readonly [key: string]: Json } = {}): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: podSpec },
    ...more,
  },
});
const deployments = '/apis/apps/v1/namespaces/{ns}/deployments';
const web = `${deployments}/web`;

function apply(path: string, manager: string, body: Json, force = false): Operation {
  const query = `?fieldManager=${manager}${force ? '&force=true' : ''}`;
  return { method: 'PATCH', path: `${path}${query}`, contentType: APPLY, body, about: path };
}

const container = { name: 'c', image: 'nginx' };

export const CASES: readonly Case[] = [
  {
    name: 'the old name of serviceAccountName follows it',
    operations: [apply(web, 'alpha', deployment({ containers: [container], serviceAccountName: 'robot' }))],
  },
  {
    name: 'an empty list of metadata is null',
    operations: [
      {
        method: 'GET',
        path: '/api/v1/namespaces/{ns}/configmaps',
        accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      },
    ],
  },
  {
    name: 'a PUT that creates takes no notice of a resourceVersion',
    operations: [
      {
        method: 'PUT',
        path: '/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles/web?fieldManager=alpha',
        body: {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'web', resourceVersion: '1' },
        },
      },
    ],
  },
  {
    name: 'an empty required list is null once stored',
    operations: [
      apply('/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles/web', 'alpha', {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'web' },
        rules: [],
      }),
    ],
  },
  {
    name: 'the status of a Service may make it, if it is valid',
    operations: [
      apply(
        '/api/v1/namespaces/{ns}/services/web/status',
        'alpha',
        { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, status: { loadBalancer: {} } },
        true,
      ),
    ],
  },
  {
    name: 'two sources of one volume are refused, and mounts of it too',
    operations: [
      apply(
        web,
        'alpha',
        deployment({
          containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
          volumes: [{ name: 'v' }],
        }),
      ),
      apply(web, 'beta', deployment({ containers: [], volumes: [{ name: 'v', configMap: { name: 'c' } }] })),
    ],
  },
  {
    name: 'a probe needs a handler',
    operations: [apply(web, 'alpha', deployment({ containers: [{ ...container, readinessProbe: {} }] }))],
  },
  {
    name: 'an autoscaler without anything',
    operations: [
      {
        method: 'POST',
        path: '/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers',
        body: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'web' } },
      },
    ],
  },
  {
    name: 'replicas that nobody applies any more go back to one',
    operations: [
      apply(web, 'alpha', deployment({ containers: [container] }, { replicas: 5 })),
      apply(web, 'alpha', deployment({ containers: [container] })),
    ],
  },
  {
    name: 'replicas handed to a second manager stay',
    operations: [
      apply(web, 'alpha', deployment({ containers: [container] }, { replicas: 5 })),
      apply(web, 'beta', {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: { replicas: 5 },
      }),
      apply(web, 'alpha', deployment({ containers: [container] })),
      {
        method: 'PATCH',
        path: `${web}/scale?fieldManager=hpa`,
        contentType: MERGE,
        body: { spec: { replicas: 7 } },
        about: web,
      },
    ],
  },
  {
    name: 'a conflict names manager and field; force takes it',
    operations: [
      apply(web, 'alpha', deployment({ containers: [container] })),
      apply(web, 'beta', deployment({ containers: [{ name: 'c', image: 'nginx:2' }] })),
      apply(web, 'beta', deployment({ containers: [{ name: 'c', image: 'nginx:2' }] }), true),
    ],
  },
  {
    name: 'a strategic patch puts a new container in front',
    operations: [
      apply(web, 'alpha', deployment({ containers: [container] })),
      {
        method: 'PATCH',
        path: `${web}?fieldManager=beta`,
        contentType: STRATEGIC,
        body: { spec: { template: { spec: { containers: [{ name: 'side', image: 'nginx' }] } } } },
        about: web,
      },
    ],
  },
  {
    name: 'a scale that changes nothing still splits the entry of an updater',
    operations: [
      {
        method: 'POST',
        path: `${deployments}?fieldManager=alpha`,
        body: deployment({ containers: [container] }),
        about: web,
      },
      {
        method: 'PATCH',
        path: `${web}/scale?fieldManager=alpha`,
        contentType: MERGE,
        body: { spec: { replicas: 1 } },
        about: web,
      },
      { method: 'GET', path: web, about: web },
    ],
  },
  {
    name: 'an empty precondition is one',
    operations: [
      apply('/api/v1/namespaces/{ns}/configmaps/web', 'alpha', {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'web' },
      }),
      {
        method: 'DELETE',
        path: '/api/v1/namespaces/{ns}/configmaps/web',
        body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { resourceVersion: '' } },
      },
    ],
  },
  {
    name: 'a probe whose port was pruned away is refused',
    operations: [
      apply(
        web,
        'alpha',
        deployment({
          containers: [{ ...container, readinessProbe: { httpGet: { port: 80, path: '/ok' } } }],
        }),
      ),
      {
        method: 'PATCH',
        path: `${web}?fieldManager=alpha`,
        contentType: STRATEGIC,
        body: {
          spec: {
            template: {
              spec: { containers: [{ name: 'c', readinessProbe: { httpGet: { port: 80, path: '/' } } }] },
            },
          },
        },
        about: web,
      },
      apply(web, 'alpha', deployment({ containers: [container] })),
    ],
  },
];
