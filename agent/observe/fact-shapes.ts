/** What is kept of objects for the facts of a cluster: the few fields that they are worked out from. Pure. */
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import { partOfLabel } from '../model/inventory.ts';
import { itemsOf, memberOf } from './cluster-facts.ts';
import type { FactKind } from './fact-watch.ts';

function pick(value: Json | undefined, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const member = memberOf(value, name);
      return member === undefined ? [] : [[name, member]];
    }),
  );
}

function shape(
  { apiVersion, kind, metadata }: KubeObject,
  labels: Readonly<Record<string, string>> | undefined,
  rest: JsonObject = {},
): KubeObject {
  const { name, namespace } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), ...(labels && { labels }) },
    ...rest,
  } as KubeObject;
}

/** Such an object does not say which node it is to be on; a kubelet's heartbeat changes nothing of it. */
function trimNode(node: KubeObject): KubeObject {
  const status = node['status'];
  const ready = itemsOf(memberOf(status, 'conditions')).filter((one) => memberOf(one, 'type') === 'Ready');
  return shape(node, node.metadata.labels, {
    spec: pick(node['spec'], 'taints', 'unschedulable'),
    status: {
      allocatable: memberOf(status, 'allocatable') ?? {},
      conditions: ready.map((one) => pick(one, 'type', 'status')),
      nodeInfo: pick(memberOf(status, 'nodeInfo'), 'kubeletVersion'),
    },
  });
}

const asking = (container: Json): JsonObject => ({
  ...pick(container, 'restartPolicy'),
  resources: pick(memberOf(container, 'resources'), 'requests'),
});

/** What a pod asks for, where it may run, and which images it runs. */
export function trimPod(pod: KubeObject): KubeObject {
  const [spec, status] = [pod['spec'], pod['status']];
  const required = memberOf(
    spec,
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
  );
  const owners = itemsOf(pod.metadata['ownerReferences']).map((one) => pick(one, 'kind'));
  const trimmed = shape(pod, undefined, {
    spec: {
      ...pick(spec, 'overhead', 'nodeSelector', 'tolerations'),
      ...(required !== undefined && {
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } },
      }),
      containers: itemsOf(memberOf(spec, 'containers')).map(asking),
      initContainers: itemsOf(memberOf(spec, 'initContainers')).map(asking),
    },
    status: {
      ...pick(status, 'phase'),
      containerStatuses: itemsOf(memberOf(status, 'containerStatuses')).map((one) =>
        pick(one, 'image', 'imageID'),
      ),
    },
  });
  return { ...trimmed, metadata: { ...trimmed.metadata, ownerReferences: owners } };
}

/** Which versions there are, without their schemas. */
function trimDefinition(definition: KubeObject): KubeObject {
  const [spec, status] = [definition['spec'], definition['status']];
  const established = itemsOf(memberOf(status, 'conditions')).filter(
    (one) => memberOf(one, 'type') === 'Established',
  );
  return shape(definition, undefined, {
    spec: {
      versions: itemsOf(memberOf(spec, 'versions')).map((one) => pick(one, 'name', 'served', 'storage')),
    },
    status: {
      ...pick(status, 'storedVersions'),
      // What discovery tells changes with it.
      conditions: established.map((one) => pick(one, 'type', 'status')),
    },
  });
}

/** Who has made it, as far as it is told. */
export function trimOwned(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, ownerReferences } = metadata;
  return {
    ...{ apiVersion, kind },
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(ownerReferences !== undefined && { ownerReferences: [] }),
    },
  } as KubeObject;
}

/** How it stands, and of what it is: certificates, backups, snapshots. */
export function trimStatus(object: KubeObject): KubeObject {
  return shape(object, object.metadata.labels, {
    spec: pick(object['spec'], 'source', 'paused'),
    status: pick(
      object['status'],
      ...['phase', 'completionTimestamp', 'readyToUse', 'creationTime', 'lastSyncTime', 'notAfter'],
    ),
  });
}

function trimClass(object: KubeObject): KubeObject {
  const { status: _status, metadata: _metadata, ...rest } = object;
  const marks = Object.entries(object.metadata.annotations ?? {}).filter(([name]) =>
    name.endsWith('/is-default-class'),
  );
  const { metadata } = shape(object, undefined);
  return { ...rest, metadata: { ...metadata, annotations: Object.fromEntries(marks) } };
}

const trimSpec = (object: KubeObject): KubeObject => shape(object, undefined, pick(object, 'spec'));

/** Which state it is in, and whether it counts; of what holds values nothing but metadata is watched. */
function trimHolder(object: KubeObject): KubeObject | undefined {
  const { uid, resourceVersion, ownerReferences, labels, annotations } = object.metadata;
  // Leaders say every few seconds that they still are: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection/resourcelock
  if (annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined) return undefined;
  const partOf = labels?.[partOfLabel];
  const { metadata, ...rest } = shape(object, partOf === undefined ? undefined : { [partOfLabel]: partOf });
  return {
    ...rest,
    metadata: {
      ...metadata,
      ...{ uid, resourceVersion },
      ...(ownerReferences !== undefined && { ownerReferences: [] }),
    },
  } as KubeObject;
}

/** Tokens and releases of Helm: each cluster's own, and large ones. https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/ */
export const secretsThatCount = 'type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token';

const classOf = (group: string, kind: string): FactKind => ({ group, kind, trim: trimClass });

/** Kinds that are watched for a hub that wants to know of changes; all else is asked for now and then. */
export const watchedKinds: readonly FactKind[] = [
  { group: '', kind: 'Node', trim: trimNode, pageSize: 100 },
  {
    group: '',
    kind: 'Namespace',
    metadataOnly: true,
    trim: (object) => shape(object, object.metadata.labels),
  },
  { group: '', kind: 'ResourceQuota', trim: trimSpec },
  { group: '', kind: 'LimitRange', trim: trimSpec },
  classOf('storage.k8s.io', 'StorageClass'),
  classOf('networking.k8s.io', 'IngressClass'),
  classOf('scheduling.k8s.io', 'PriorityClass'),
  classOf('node.k8s.io', 'RuntimeClass'),
  // A definition may be as large as a megabyte.
  { group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition', trim: trimDefinition, pageSize: 20 },
  {
    ...{ group: '', kind: 'Secret', metadataOnly: true, trim: trimHolder },
    fieldSelector: secretsThatCount,
  },
  { group: '', kind: 'ConfigMap', metadataOnly: true, trim: trimHolder },
];

/** What people make by hand and would miss after a failover; what the cluster makes of it has an owner. */
export const handMadeKinds: readonly (readonly [group: string, kind: string])[] = [
  ['apps', 'Deployment'],
  ['apps', 'StatefulSet'],
  ['apps', 'DaemonSet'],
  ['batch', 'CronJob'],
  ['', 'Service'],
  ['', 'ServiceAccount'],
  ['networking.k8s.io', 'Ingress'],
  ['networking.k8s.io', 'NetworkPolicy'],
  ['gateway.networking.k8s.io', 'HTTPRoute'],
  ['autoscaling', 'HorizontalPodAutoscaler'],
  ['policy', 'PodDisruptionBudget'],
  ['rbac.authorization.k8s.io', 'Role'],
  ['rbac.authorization.k8s.io', 'RoleBinding'],
];
