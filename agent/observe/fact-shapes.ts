/** What is kept of objects for the facts of a cluster: the few fields that they are worked out from. Pure. */
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import { partOfLabel } from '../model/inventory.ts';
import { itemsOf, memberOf } from './fact-fields.ts';
import type { FactKind } from './fact-watch.ts';
import { issuedAnnotation } from './held-values.ts';

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

/**
 * By image as the pod names it, not as the runtime does, which may know it under another name: the digest that it tells. Containers that run, or have run to make the others ready; none
 * that somebody has put in to look (ephemeral ones).
 */
function imagesOf(pod: KubeObject): readonly Json[] {
  const [spec, status] = [pod['spec'], pod['status']];
  const ids = new Map<Json | undefined, Json | undefined>();
  for (const one of ['containerStatuses', 'initContainerStatuses'])
    for (const told of itemsOf(memberOf(status, one)))
      ids.set(memberOf(told, 'name'), memberOf(told, 'imageID'));
  return ['containers', 'initContainers'].flatMap((one) =>
    itemsOf(memberOf(spec, one)).map((container) => [
      memberOf(container, 'image') ?? '',
      ids.get(memberOf(container, 'name')) ?? '',
    ]),
  );
}

/** It comes with the node, and goes with it: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/ */
const nodesOwn: ReadonlySet<string> = new Set(['DaemonSet', 'Node']);

/**
 * What a pod asks for, where it may run, and which images it runs: no name, so that pods of one template are alike. Of one that a failover leaves where it is what it takes of which node.
 * Undefined: it is done or on its way out, or it is of a Job elsewhere, which ends by itself.
 */
export function trimPod(pod: KubeObject, managed: boolean): KubeObject | undefined {
  const { apiVersion, kind, metadata, spec, status } = pod as KubeObject & { spec: Json; status: Json };
  const phase = memberOf(status, 'phase');
  if (phase === 'Succeeded' || phase === 'Failed' || metadata['deletionTimestamp'] !== undefined)
    return undefined;
  const owners = itemsOf(metadata['ownerReferences']).map((one) => String(memberOf(one, 'kind')));
  if (!managed && owners.includes('Job')) return undefined;
  const stays = !managed || owners.some((owner) => nodesOwn.has(owner));
  const node = memberOf(spec, 'nodeName');
  const required = memberOf(
    spec,
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
  );
  return {
    ...{ apiVersion, kind, metadata: { name: '', ...(!stays && { namespace: metadata.namespace ?? '' }) } },
    ...(stays && { node: typeof node === 'string' ? node : '' }),
    ...(managed && { images: imagesOf(pod) }),
    spec: {
      ...pick(spec, 'overhead'),
      ...(!stays && pick(spec, 'nodeSelector', 'tolerations')),
      ...(!stays &&
        required !== undefined && {
          affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } },
        }),
      resources: pick(memberOf(spec, 'resources'), 'requests'),
      containers: itemsOf(memberOf(spec, 'containers')).map(asking),
      initContainers: itemsOf(memberOf(spec, 'initContainers')).map(asking),
    },
  } as unknown as KubeObject;
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

/** https://velero.io/docs/main/api-types/backup/ */
export const scheduleLabel = 'velero.io/schedule-name';

/** How it stands, and of what it is: certificates, backups, snapshots. */
export function trimStatus(object: KubeObject): KubeObject {
  const schedule = object.metadata.labels?.[scheduleLabel];
  return shape(object, schedule === undefined ? undefined : { [scheduleLabel]: schedule }, {
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
  const issuedFor = annotations?.[issuedAnnotation];
  const { metadata, ...rest } = shape(object, partOf === undefined ? undefined : { [partOfLabel]: partOf });
  return {
    ...rest,
    metadata: {
      ...metadata,
      ...{ uid, resourceVersion },
      ...(ownerReferences !== undefined && { ownerReferences: [] }),
      ...(issuedFor !== undefined && { annotations: { [issuedAnnotation]: '' } }),
    },
  } as KubeObject;
}

/** Tokens and releases of Helm: each cluster's own, and large ones. https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/ */
export const secretsThatCount = 'type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token';

const classOf = (group: string, kind: string): FactKind => ({ group, kind, trim: trimClass });
const statusOf = (group: string, kind: string): FactKind => ({ group, kind, trim: trimStatus });
/** Velero's objects lie in a namespace of its own. */
const ofVelero = (kind: string): FactKind => ({ ...statusOf('velero.io', kind), elsewhere: 'told' });

/** Kinds that are watched for a hub that wants to know of changes, where they are served; all else is asked for now and then. */
export const watchedKinds = [
  { group: '', kind: 'Node', trim: trimNode, pageSize: 100 },
  {
    ...{ group: '', kind: 'Pod', trim: trimPod, elsewhere: 'quiet', objectsMax: 50_000 },
    // Those that are done are not sent at all: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
    fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed',
  },
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
  statusOf('cert-manager.io', 'Certificate'),
  ofVelero('Schedule'),
  ofVelero('Backup'),
  statusOf('snapshot.storage.k8s.io', 'VolumeSnapshot'),
  statusOf('volsync.backube', 'ReplicationSource'),
] as const satisfies readonly FactKind[];

export type WatchedKind = (typeof watchedKinds)[number]['kind'];

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
