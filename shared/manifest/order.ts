import { keyText, type ObjectKey } from './object.ts';

/**
 * Apply order by kind, lowest first, as `kubectl apply -k` and Helm's InstallOrder agree in spirit: what others need comes first,
 * webhooks last so that they cannot refuse the pods that serve them. Delete in reverse.
 */
const ranks: Readonly<Record<string, number>> = {
  Namespace: 0,
  CustomResourceDefinition: 10,
  PriorityClass: 20,
  StorageClass: 20,
  IngressClass: 20,
  RuntimeClass: 20,
  CSIDriver: 20,
  GatewayClass: 20,
  PriorityLevelConfiguration: 20,
  FlowSchema: 21,
  ResourceQuota: 25,
  LimitRange: 25,
  ServiceAccount: 30,
  ClusterRole: 40,
  Role: 40,
  ClusterRoleBinding: 41,
  RoleBinding: 41,
  ConfigMap: 50,
  Secret: 50,
  PersistentVolume: 55,
  PersistentVolumeClaim: 56,
  Service: 60,
  Endpoints: 60,
  EndpointSlice: 60,
  NetworkPolicy: 60,
  Pod: 80,
  ReplicaSet: 80,
  ReplicationController: 80,
  Deployment: 80,
  StatefulSet: 80,
  DaemonSet: 80,
  Job: 81,
  CronJob: 81,
  HorizontalPodAutoscaler: 90,
  PodDisruptionBudget: 90,
  Ingress: 90,
  APIService: 95,
  ValidatingAdmissionPolicy: 99,
  ValidatingAdmissionPolicyBinding: 99,
  MutatingAdmissionPolicy: 99,
  MutatingAdmissionPolicyBinding: 99,
  MutatingWebhookConfiguration: 100,
  ValidatingWebhookConfiguration: 100,
};

/** Unknown kinds (custom resources) come after workloads' inputs and before what refers to workloads. */
const otherRank = 70;

/** Lower is applied sooner; webhooks come last. */
export function applyRank(kind: string): number {
  return ranks[kind] ?? otherRank;
}

/** Total order for applying: rank of the kind, then key. */
export function compareForApply(a: ObjectKey, b: ObjectKey): number {
  const byRank = applyRank(a.kind) - applyRank(b.kind);
  if (byRank !== 0) return byRank;
  const textA = keyText(a);
  const textB = keyText(b);
  return textA < textB ? -1 : textA > textB ? 1 : 0;
}
