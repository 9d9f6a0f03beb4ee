/** Defaults by Go type, as the `defaults.go` files of Kubernetes set them, parents before children. */
import { isList, isObject, type Json, type Mutable, type Type } from '../schema/types.ts';
import { at, listAt, objectOf, textAt } from './access.ts';

type Default = (value: Mutable) => void;

function setUnless(value: Mutable, key: string, to: Json): void {
  const found = value[key];
  if (found === undefined || found === null || found === '' || found === 0) value[key] = to;
}

/** As `setUnless`, for fields that are pointers in Go: zero and the empty string are values. */
function setAbsent(value: Mutable, key: string, to: Json): void {
  if (value[key] === undefined || value[key] === null) value[key] = to;
}

function pullPolicy(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  if (name.includes('@')) return 'IfNotPresent';
  const tag = name.includes(':') ? name.slice(name.indexOf(':') + 1) : 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function deployment(value: Mutable): void {
  const spec = objectOf(value, 'spec');
  setAbsent(spec, 'replicas', 1);
  const strategy = objectOf(spec, 'strategy');
  setUnless(strategy, 'type', 'RollingUpdate');
  if (strategy['type'] === 'RollingUpdate') {
    const rolling = objectOf(strategy, 'rollingUpdate');
    setAbsent(rolling, 'maxUnavailable', '25%');
    setAbsent(rolling, 'maxSurge', '25%');
  }
  setAbsent(spec, 'revisionHistoryLimit', 10);
  setAbsent(spec, 'progressDeadlineSeconds', 600);
}

function podSpec(value: Mutable): void {
  setUnless(value, 'dnsPolicy', 'ClusterFirst');
  setUnless(value, 'restartPolicy', 'Always');
  setAbsent(value, 'securityContext', {});
  setAbsent(value, 'terminationGracePeriodSeconds', 30);
  setUnless(value, 'schedulerName', 'default-scheduler');
  // The old name of the field is kept equal by conversion.
  const account = textAt(value, 'serviceAccountName') || textAt(value, 'serviceAccount');
  if (account) Object.assign(value, { serviceAccountName: account, serviceAccount: account });
}

function container(value: Mutable): void {
  setUnless(value, 'imagePullPolicy', pullPolicy(textAt(value, 'image')));
  setUnless(value, 'terminationMessagePath', '/dev/termination-log');
  setUnless(value, 'terminationMessagePolicy', 'File');
}

function probe(value: Mutable): void {
  setUnless(value, 'timeoutSeconds', 1);
  setUnless(value, 'periodSeconds', 10);
  setUnless(value, 'successThreshold', 1);
  setUnless(value, 'failureThreshold', 3);
}

function pod(value: Mutable): void {
  const spec = objectOf(value, 'spec');
  for (const one of [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')]) {
    const limits = at(one, 'resources', 'limits');
    if (!isObject(limits)) continue;
    const resources = objectOf(one as Mutable, 'resources');
    resources['requests'] = { ...limits, ...(isObject(resources['requests']) ? resources['requests'] : {}) };
  }
  setAbsent(spec, 'enableServiceLinks', true);
}

function service(value: Mutable): void {
  const spec = objectOf(value, 'spec');
  setUnless(spec, 'sessionAffinity', 'None');
  if (spec['sessionAffinity'] === 'None') delete spec['sessionAffinityConfig'];
  if (
    spec['sessionAffinity'] === 'ClientIP' &&
    at(spec, 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds') === undefined
  )
    spec['sessionAffinityConfig'] = { clientIP: { timeoutSeconds: 10800 } };
  setUnless(spec, 'type', 'ClusterIP');
  for (const port of listAt(spec, 'ports')) {
    setUnless(port as Mutable, 'protocol', 'TCP');
    setUnless(port as Mutable, 'targetPort', at(port, 'port') ?? 0);
  }
  const type = spec['type'];
  const outside =
    type === 'NodePort' ||
    type === 'LoadBalancer' ||
    (type === 'ClusterIP' && listAt(spec, 'externalIPs').length > 0);
  if (outside) setUnless(spec, 'externalTrafficPolicy', 'Cluster');
  if (type !== 'ExternalName') setAbsent(spec, 'internalTrafficPolicy', 'Cluster');
  if (type === 'LoadBalancer') setAbsent(spec, 'allocateLoadBalancerNodePorts', true);
}

const percent = { type: 'Percent', value: 100, periodSeconds: 15 };

function autoscaler(value: Mutable): void {
  const spec = objectOf(value, 'spec');
  setAbsent(spec, 'minReplicas', 1);
  if (listAt(spec, 'metrics').length === 0)
    spec['metrics'] = [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
      },
    ];
  const behavior = spec['behavior'];
  if (!isObject(behavior)) return;
  const up = objectOf(behavior as Mutable, 'scaleUp');
  setAbsent(up, 'stabilizationWindowSeconds', 0);
  setAbsent(up, 'selectPolicy', 'Max');
  setAbsent(up, 'policies', [{ type: 'Pods', value: 4, periodSeconds: 15 }, { ...percent }]);
  const down = objectOf(behavior as Mutable, 'scaleDown');
  setAbsent(down, 'selectPolicy', 'Max');
  setAbsent(down, 'policies', [{ ...percent }]);
}

function subject(value: Mutable): void {
  if (value['kind'] === 'User' || value['kind'] === 'Group')
    setUnless(value, 'apiGroup', 'rbac.authorization.k8s.io');
}

function namespace(value: Mutable): void {
  const metadata = objectOf(value, 'metadata');
  const name = textAt(metadata, 'name');
  if (name) objectOf(metadata, 'labels')['kubernetes.io/metadata.name'] = name;
}

function customResourceDefinition(value: Mutable): void {
  const spec = objectOf(value, 'spec');
  const names = objectOf(spec, 'names');
  const kind = textAt(names, 'kind');
  setUnless(names, 'singular', kind.toLowerCase());
  if (kind) setUnless(names, 'listKind', `${kind}List`);
  setAbsent(spec, 'conversion', { strategy: 'None' });
  const status = objectOf(value, 'status');
  if (listAt(status, 'storedVersions').length > 0) return;
  const stored = listAt(spec, 'versions').find((version) => at(version, 'storage') === true);
  if (stored) status['storedVersions'] = [textAt(stored, 'name')];
}

const mode =
  (key: string, to: Json): Default =>
  (value) =>
    setAbsent(value, key, to);
const roleRef: Default = (value) =>
  setUnless(objectOf(value, 'roleRef'), 'apiGroup', 'rbac.authorization.k8s.io');

const DEFAULTS: Readonly<Record<string, Default>> = {
  'apps.Deployment': deployment,
  'core.Pod': pod,
  'core.PodSpec': podSpec,
  'core.Container': container,
  'core.Probe': probe,
  'core.HTTPGetAction': (value) => {
    setUnless(value, 'path', '/');
    setUnless(value, 'scheme', 'HTTP');
  },
  'core.GRPCAction': mode('service', ''),
  'core.ContainerPort': (value) => setUnless(value, 'protocol', 'TCP'),
  'core.Volume': (value) => {
    if (Object.keys(value).every((key) => key === 'name')) value['emptyDir'] = {};
  },
  'core.SecretVolumeSource': mode('defaultMode', 0o644),
  'core.ConfigMapVolumeSource': mode('defaultMode', 0o644),
  'core.DownwardAPIVolumeSource': mode('defaultMode', 0o644),
  'core.ProjectedVolumeSource': mode('defaultMode', 0o644),
  'core.ServiceAccountTokenProjection': mode('expirationSeconds', 3600),
  'core.ObjectFieldSelector': (value) => setUnless(value, 'apiVersion', 'v1'),
  'core.HostPathVolumeSource': mode('type', ''),
  'core.Service': service,
  'core.Secret': (value) => setUnless(value, 'type', 'Opaque'),
  'core.Namespace': namespace,
  'autoscaling.HorizontalPodAutoscaler': autoscaler,
  'rbac.RoleBinding': roleRef,
  'rbac.ClusterRoleBinding': roleRef,
  'rbac.Subject': subject,
  'apiextensions.CustomResourceDefinition': customResourceDefinition,
};

/** Fills in the defaults of a normalised object, in place: the caller owns it and all below it. */
export function setDefaults(type: Type, value: Json): void {
  if (type.kind === 'struct') {
    if (!isObject(value)) return;
    DEFAULTS[type.name]?.(value as Mutable);
    for (const field of type.fields.values()) {
      const item = value[field.name];
      if (item !== undefined && item !== null) setDefaults(field.type, item);
    }
  } else if (type.kind === 'list' && isList(value)) for (const item of value) setDefaults(type.element, item);
  else if (type.kind === 'map' && isObject(value))
    for (const item of Object.values(value)) setDefaults(type.element, item);
}
