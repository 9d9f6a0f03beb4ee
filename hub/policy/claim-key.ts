import { keyText, type ObjectKey } from '../../shared/manifest/object.ts';

/** Built-in kinds without a namespace (`kubectl api-resources --namespaced=false`, Kubernetes 1.36). */
const clusterScoped: ReadonlySet<string> = new Set([
  '/Namespace',
  '/Node',
  '/PersistentVolume',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'apiextensions.k8s.io/CustomResourceDefinition',
  'apiregistration.k8s.io/APIService',
  'certificates.k8s.io/CertificateSigningRequest',
  'flowcontrol.apiserver.k8s.io/FlowSchema',
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration',
  'networking.k8s.io/IPAddress',
  'networking.k8s.io/IngressClass',
  'networking.k8s.io/ServiceCIDR',
  'node.k8s.io/RuntimeClass',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'resource.k8s.io/DeviceClass',
  'resource.k8s.io/ResourceSlice',
  'scheduling.k8s.io/PriorityClass',
  'storage.k8s.io/CSIDriver',
  'storage.k8s.io/CSINode',
  'storage.k8s.io/StorageClass',
  'storage.k8s.io/VolumeAttachment',
  'storage.k8s.io/VolumeAttributesClass',
]);

/** Of a built-in kind that has no namespace. */
export function isClusterScoped({ group, kind }: Pick<ObjectKey, 'group' | 'kind'>): boolean {
  return clusterScoped.has(`${group}/${kind}`);
}

/** Groups of Kubernetes itself whose names have no dot; the others end with `.k8s.io`, as do those of some of its add-ons. */
const builtInGroups: ReadonlySet<string> = new Set(['', 'apps', 'autoscaling', 'batch', 'policy']);
const builtInDotted: ReadonlySet<string> = new Set([
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'networking.k8s.io',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'resource.k8s.io',
]);

/** Whether `clusterScoped` is the whole truth about its group: what is not in it has namespaces. */
export function isBuiltIn({ group }: Pick<ObjectKey, 'group'>): boolean {
  return builtInGroups.has(group) || builtInDotted.has(group);
}

/**
 * Identity of an object for telling whether two manifests mean the same one. Custom kinds that name no namespace count as namespaced: which of them
 * are not, only the cluster knows.
 */
export function claimKey(key: ObjectKey, defaultNamespace: string): string {
  const namespaced = !isClusterScoped(key);
  return keyText({ ...key, namespace: namespaced ? key.namespace || defaultNamespace : '' });
}
