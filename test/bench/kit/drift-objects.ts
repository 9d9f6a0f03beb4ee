/** What the drift bench keeps in a cluster, and the ways in which it is changed by other hands. */
import { partOfLabel } from '../../../agent/model/inventory.ts';
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';

export interface Place {
  /** `/apis/apps/v1/namespaces/a/deployments/web-1` */
  readonly path: string;
  readonly kind: 'Deployment' | 'ConfigMap' | 'Service' | 'Role';
}

const groups = {
  Deployment: 'apis/apps/v1',
  ConfigMap: 'api/v1',
  Service: 'api/v1',
  Role: 'apis/rbac.authorization.k8s.io/v1',
} as const;
const plurals = {
  Deployment: 'deployments',
  ConfigMap: 'configmaps',
  Service: 'services',
  Role: 'roles',
} as const;

export function placeOf(object: KubeObject): Place {
  const kind = object.kind as Place['kind'];
  const { namespace, name } = object.metadata;
  return { kind, path: `/${groups[kind]}/namespaces/${namespace}/${plurals[kind]}/${name}` };
}

function deployment(name: string) {
  const labels = { app: name };
  const containers = [
    {
      name: 'web',
      image: 'registry.example/web:1.0.0',
      ports: [{ containerPort: 8080 }, { containerPort: 9090 }],
    },
    { name: 'proxy', image: 'registry.example/proxy:1.0.0', args: ['--port=1', '--quiet'] },
  ];
  const template = { metadata: { labels }, spec: { containers } };
  return { spec: { replicas: 2, selector: { matchLabels: labels }, template } };
}

const makers: Readonly<Record<Place['kind'], (name: string) => object>> = {
  Deployment: deployment,
  ConfigMap: (name) => ({ data: { a: '1', b: '2', name } }),
  Service: (name) => ({
    spec: {
      selector: { app: name },
      ports: [
        { name: 'http', port: 80 },
        { name: 'admin', port: 81 },
      ],
    },
  }),
  Role: () => ({ rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }] }),
};
const apiVersions = {
  Deployment: 'apps/v1',
  ConfigMap: 'v1',
  Service: 'v1',
  Role: 'rbac.authorization.k8s.io/v1',
} as const;
const kinds = ['Deployment', 'ConfigMap', 'Service', 'Role'] as const;

/** So many objects of one namespace, its kinds in turn. */
export function driftObjects(namespace: string, count: number): readonly KubeObject[] {
  return Array.from({ length: count }, (_none, index): KubeObject => {
    const kind = kinds[index % kinds.length] ?? 'ConfigMap';
    const name = `${kind.toLowerCase()}-${index}`;
    return { apiVersion: apiVersions[kind], kind, metadata: { name, namespace }, ...makers[kind](name) };
  });
}

/** A request by somebody. */
export interface Write {
  readonly method: 'PATCH' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
}

/** A way to change an object of some kinds; `live` is the object as it is. */
export interface Mutation {
  readonly name: string;
  readonly kinds: readonly Place['kind'][];
  readonly writes: (live: KubeObject, place: Place, chance: number) => readonly Write[];
}

const merge = 'application/merge-patch+json';
const json = 'application/json-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const apply = 'application/apply-patch+yaml';
const person = '?fieldManager=kubectl-edit';

const all: readonly Place['kind'][] = kinds;
const patch = (place: Place, body: unknown, contentType = merge, query = person): Write => ({
  method: 'PATCH',
  path: place.path + query,
  contentType,
  body,
});

/** A value of each kind that is ours, changed. */
function changed(kind: Place['kind'], chance: number): object {
  if (kind === 'Deployment') return { spec: { replicas: 3 + chance } };
  if (kind === 'ConfigMap') return { data: { a: `changed-${chance}` } };
  if (kind === 'Service') return { spec: { selector: { app: `other-${chance}` } } };
  return { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: [`get-${chance}`] }] };
}

function removeItem(kind: Place['kind']): object {
  const paths = {
    Deployment: '/spec/template/spec/containers/1',
    ConfigMap: '/data/b',
    Service: '/spec/ports/1',
    Role: '/rules/0/verbs/1',
  };
  return [{ op: 'remove', path: paths[kind] }];
}

function addition(kind: Place['kind'], chance: number): object {
  if (kind === 'ConfigMap') return { data: { [`added-${chance}`]: 'x' } };
  if (kind === 'Deployment')
    return { spec: { template: { spec: { containers: [{ name: `sidecar-${chance}`, image: 'side:1' }] } } } };
  return { metadata: { labels: { [`added-${chance}`]: 'x' } } };
}

function replaced(live: KubeObject, kind: Place['kind'], chance: number): object {
  const { managedFields: _managers, ...metadata } = live.metadata;
  const content = kind === 'ConfigMap' ? { data: { a: `replaced-${chance}` } } : { rules: [] };
  return { ...live, metadata: { ...metadata, annotations: { [`replaced-${chance}`]: 'x' } }, ...content };
}

/** Every way of changing an object that an agent has to see. */
export const mutations: readonly Mutation[] = [
  {
    name: 'patch',
    kinds: all,
    writes: (_live, place, chance) => [patch(place, changed(place.kind, chance))],
  },
  {
    name: 'patch in our name',
    kinds: all,
    writes: (_live, place, chance) => [
      patch(place, changed(place.kind, chance), merge, '?fieldManager=fairway'),
    ],
  },
  {
    name: 'apply by another manager',
    kinds: ['Deployment', 'ConfigMap', 'Service'],
    writes: (live, place, chance) => {
      const body = {
        apiVersion: apiVersions[place.kind],
        kind: place.kind,
        metadata: { name: live.metadata.name },
        ...changed(place.kind, chance),
      };
      return [patch(place, body, apply, '?fieldManager=operator&force=true')];
    },
  },
  {
    name: 'scale',
    kinds: ['Deployment'],
    writes: (_live, place, chance) => [
      { ...patch(place, { spec: { replicas: 5 + chance } }), path: `${place.path}/scale${person}` },
    ],
  },
  {
    name: 'replace',
    kinds: ['ConfigMap', 'Role'],
    writes: (live, place, chance) => [
      { method: 'PUT', path: place.path + person, body: replaced(live, place.kind, chance) },
    ],
  },
  {
    name: 'add',
    kinds: all,
    writes: (_live, place, chance) => [
      patch(place, addition(place.kind, chance), place.kind === 'Deployment' ? strategic : merge),
    ],
  },
  {
    name: 'remove an item',
    kinds: all,
    writes: (_live, place) => [patch(place, removeItem(place.kind), json)],
  },
  {
    name: 'strip managedFields',
    kinds: all,
    writes: (_live, place, chance) => [
      patch(place, { metadata: { managedFields: [{}] }, ...changed(place.kind, chance) }),
    ],
  },
  {
    name: 'lose the label',
    kinds: all,
    writes: (_live, place) => [patch(place, { metadata: { labels: { [partOfLabel]: null } } })],
  },
  { name: 'delete', kinds: all, writes: (_live, place) => [{ method: 'DELETE', path: place.path }] },
  {
    name: 'delete and make anew',
    kinds: ['ConfigMap', 'Role'],
    writes: (live, place) => {
      const { name, namespace } = live.metadata;
      const bare = { apiVersion: apiVersions[place.kind], kind: place.kind, metadata: { name, namespace } };
      const path = place.path.slice(0, place.path.lastIndexOf('/')) + person;
      return [
        { method: 'DELETE', path: place.path },
        { method: 'POST', path, body: bare },
      ];
    },
  },
];

const leftOut = ['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp'];

/** Everything of an object that is somebody's to set: two that agree in this are the same for their owners. */
export function essence(object: KubeObject): string {
  const { status: _status, metadata, ...rest } = object;
  const members = Object.entries(metadata)
    .filter(([name]) => !leftOut.includes(name))
    .sort();
  const spec = rest['spec'] as { clusterIP?: string; clusterIPs?: string[] } | undefined;
  // A Service that is made anew gets another address.
  const { clusterIP: _ip, clusterIPs: _ips, ...body } = spec ?? {};
  return canonicalJson([members, { ...rest, ...(spec && { spec: body }) }]);
}
