/**
 * Who sets which fields of what, by design: autoscalers. Their targets' fields are left to them without anybody saying so in `sync.ignore`.
 *
 * - HorizontalPodAutoscaler: `spec.replicas` of its target (https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/).
 * - KEDA's ScaledObject: likewise; a target without apiVersion and kind is a Deployment (https://keda.sh/docs/latest/reference/scaledobject-spec/).
 * - VerticalPodAutoscaler: requests, and limits unless `controlledValues: RequestsOnly`, of the containers that its policies name
 *   (https://github.com/kubernetes/autoscaler/blob/master/vertical-pod-autoscaler/docs/api.md).
 * - cluster-autoscaler: `spec.replicas` of a node group of Cluster API that bears its sizes
 *   (https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/clusterapi/README.md).
 */
import { items, member, text } from '../../shared/health/fields.ts';
import { groupOf, type JsonObject, type KubeObject, type ObjectKey } from '../../shared/manifest/object.ts';

/** Fields of one object that an autoscaler sets: JSON pointers and paths in the way of jq. */
export interface ScaleTarget {
  readonly key: ObjectKey;
  readonly paths: readonly string[];
  readonly jqPaths: readonly string[];
}

/** Kinds whose objects name a target, to be watched where they are served. */
export const scalerKinds = [
  { group: 'autoscaling', kind: 'HorizontalPodAutoscaler' },
  { group: 'keda.sh', kind: 'ScaledObject' },
  { group: 'autoscaling.k8s.io', kind: 'VerticalPodAutoscaler' },
] as const;

const replicas = { paths: ['/spec/replicas'], jqPaths: [] };

function targetKey(
  scaler: KubeObject,
  ref: JsonObject | undefined,
  fallback: { readonly apiVersion: string; readonly kind: string },
): ObjectKey | undefined {
  const name = text(ref, 'name');
  const kind = text(ref, 'kind') || fallback.kind;
  const group = groupOf(text(ref, 'apiVersion') || fallback.apiVersion);
  if (name === '' || kind === '') return undefined;
  return { group, kind, namespace: scaler.metadata.namespace ?? '', name };
}

function horizontal(scaler: KubeObject, fallback = { apiVersion: '', kind: '' }): readonly ScaleTarget[] {
  const ref = member(scaler, 'spec', 'scaleTargetRef') as JsonObject | undefined;
  const key = targetKey(scaler, ref, fallback);
  return key ? [{ key, ...replicas }] : [];
}

/** The containers that a VerticalPodAutoscaler acts on, as a path continues; a policy for `*` is the default of all. */
function containersOf(scaler: KubeObject): readonly string[] {
  const policies = items(scaler, 'spec', 'resourcePolicy', 'containerPolicies');
  const isOff = (policy: JsonObject | undefined) => text(policy, 'mode') === 'Off';
  const named = policies.filter((policy) => text(policy, 'containerName') !== '*');
  const quote = (policy: JsonObject) => JSON.stringify(text(policy, 'containerName'));
  if (isOff(policies.find((policy) => text(policy, 'containerName') === '*')))
    return named.filter((policy) => !isOff(policy)).map((policy) => ` | select(.name == ${quote(policy)})`);
  const off = named.filter(isOff).map((policy) => `.name != ${quote(policy)}`);
  return [off.length === 0 ? '' : ` | select(${off.join(' and ')})`];
}

function vertical(scaler: KubeObject): readonly ScaleTarget[] {
  if (text(scaler, 'spec', 'updatePolicy', 'updateMode') === 'Off') return [];
  const ref = member(scaler, 'spec', 'targetRef') as JsonObject | undefined;
  const key = targetKey(scaler, ref, { apiVersion: '', kind: '' });
  if (!key) return [];
  const pod = key.kind === 'CronJob' ? '.spec.jobTemplate.spec.template' : '.spec.template';
  const requestsOnly = items(scaler, 'spec', 'resourcePolicy', 'containerPolicies').some(
    (policy) => text(policy, 'controlledValues') === 'RequestsOnly',
  );
  const fields = requestsOnly ? ['requests'] : ['requests', 'limits'];
  const jqPaths = containersOf(scaler).flatMap((containers) =>
    fields.map((field) => `${pod}.spec.containers[]${containers}.resources.${field}`),
  );
  return jqPaths.length === 0 ? [] : [{ key, paths: [], jqPaths }];
}

const nodeGroupSize = /^cluster\.x-k8s\.io\/cluster-api-autoscaler-node-group-(?:min|max)-size$/;

function nodeGroup(object: KubeObject): readonly ScaleTarget[] {
  const sized = Object.keys(object.metadata.annotations ?? {}).some((name) => nodeGroupSize.test(name));
  const { namespace = '', name } = object.metadata;
  const key = { group: groupOf(object.apiVersion), kind: object.kind, namespace, name };
  return sized ? [{ key, ...replicas }] : [];
}

const finders: Readonly<Record<string, (object: KubeObject) => readonly ScaleTarget[]>> = {
  'autoscaling/HorizontalPodAutoscaler': (object) => horizontal(object),
  'keda.sh/ScaledObject': (object) => horizontal(object, { apiVersion: 'apps/v1', kind: 'Deployment' }),
  'autoscaling.k8s.io/VerticalPodAutoscaler': vertical,
  'cluster.x-k8s.io/MachineDeployment': nodeGroup,
  'cluster.x-k8s.io/MachineSet': nodeGroup,
  'cluster.x-k8s.io/MachinePool': nodeGroup,
};

/** Whether objects of the kind may say who scales what. */
export function mayScale(group: string, kind: string): boolean {
  return finders[`${group}/${kind}`] !== undefined;
}

/** What an object says. Empty for anything that is no autoscaler. Pure. */
export function findScaleTargets(object: KubeObject): readonly ScaleTarget[] {
  return finders[`${groupOf(object.apiVersion)}/${object.kind}`]?.(object) ?? [];
}
