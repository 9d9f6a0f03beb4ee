/**
 * Custom kinds that many clusters run. Each rule names where its project writes its status down. What has no rule here follows the conventions of kstatus
 * (`Ready`, `Stalled`, `Reconciling`), or a rule of the application.
 */
import type { Health, HealthStatus } from '../manifest/health.ts';
import { groupOf, isJsonObject, type KubeObject } from '../manifest/object.ts';
import {
  conditionsOf,
  count,
  current,
  findCondition,
  items,
  type Judge,
  member,
  progress,
  text,
  verdict,
  whenStatus,
} from './fields.ts';
import { gatewayRules } from './gateway-api.ts';

/** `status.phase` (or another field) by a table; a phase that the table does not know is progress. */
function byPhase(table: Readonly<Record<string, HealthStatus>>, field = 'phase'): Judge {
  return (object) => {
    const phase = text(object, 'status', field);
    const message = text(object, 'status', 'message');
    if (phase === '') return progress('no controller has looked at it yet', 'NotObserved');
    return verdict(table[phase] ?? 'InProgress', phase, message);
  };
}

/** A condition that is True when the object is well. What False means is the project's own. */
function byCondition(type: string, whenFalse: HealthStatus): Judge {
  return (object) => {
    const found = findCondition(object, type);
    if (!found) return progress('no controller has looked at it yet', 'NotObserved');
    if (found.status === 'True') return current;
    return verdict(found.status === 'False' ? whenFalse : 'InProgress', found.reason || type, found.message);
  };
}

/** https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.CertificateStatus: an issuance that failed is tried again, an hour later and more. */
const certificate: Judge = (object) => {
  if (findCondition(object, 'Ready')?.status === 'True') return current;
  const issuing = findCondition(object, 'Issuing');
  if (issuing?.status === 'False' && count(object, 'status', 'failedIssuanceAttempts') > 0)
    return verdict('Failed', issuing.reason || 'Failed', issuing.message);
  if (issuing?.status === 'True') return progress(issuing.message, issuing.reason || 'Issuing');
  const ready = findCondition(object, 'Ready');
  return progress(ready?.message || 'not issued yet', ready?.reason || 'NotReady');
};

/** https://cert-manager.io/docs/usage/certificaterequest/#conditions */
const certificateRequest: Judge = (object) => {
  const refused =
    whenStatus(object, 'InvalidRequest', 'True', 'Failed') ?? whenStatus(object, 'Denied', 'True', 'Failed');
  if (refused) return refused;
  const ready = findCondition(object, 'Ready');
  if (ready?.status === 'True') return current;
  const final = ready?.reason === 'Failed' || ready?.reason === 'Denied';
  return verdict(
    final ? 'Failed' : 'InProgress',
    ready?.reason || 'Pending',
    ready?.message ?? 'not issued yet',
  );
};

/** https://cert-manager.io/docs/concepts/acme-orders-challenges/ */
const acmeState: Judge = (object) => {
  const state = text(object, 'status', 'state');
  const reason = text(object, 'status', 'reason');
  if (state === 'valid') return current;
  const failed = state === 'invalid' || state === 'expired' || state === 'errored';
  return verdict(failed ? 'Failed' : 'InProgress', state || 'pending', reason);
};

/** https://argo-rollouts.readthedocs.io/en/stable/features/specification/; its observedGeneration is text, `Paused` waits for a person or a timer. */
const rollout: Judge = (object) => {
  const observed = text(object, 'status', 'observedGeneration');
  const generation = object.metadata['generation'];
  if (/^\d+$/.test(observed) && typeof generation === 'number' && Number(observed) < generation)
    return progress(`generation ${generation} is not observed yet`, 'GenerationNotObserved');
  return byPhase({ Healthy: 'Current', Degraded: 'Failed' })(object);
};

/** https://argo-rollouts.readthedocs.io/en/stable/features/analysis/ */
const analysis = byPhase({
  Successful: 'Current',
  Failed: 'Failed',
  Error: 'Failed',
  Inconclusive: 'Failed',
});

/** https://argo-cd.readthedocs.io/en/stable/operator-manual/health/ */
const argoApplication: Judge = (object) => {
  const status = text(object, 'status', 'health', 'status');
  const message = text(object, 'status', 'health', 'message');
  if (status === 'Healthy') return current;
  return verdict(status === 'Degraded' ? 'Failed' : 'InProgress', status || 'NotObserved', message);
};

/** https://argo-workflows.readthedocs.io/en/latest/fields/#workflowstatus */
const workflow = byPhase({ Succeeded: 'Current', Failed: 'Failed', Error: 'Failed' });

/** https://docs.flagger.app/usage/how-it-works#canary-status */
const canary: Judge = (object) => {
  const judged = byPhase({ Initialized: 'Current', Succeeded: 'Current', Failed: 'Failed' })(object);
  return { ...judged, message: findCondition(object, 'Promoted')?.message ?? judged.message };
};

/**
 * https://docs.crossplane.io/latest/managed-resources/managed-resources/#conditions: `Synced` says whether it could be written, `Ready` whether it is there. An error of
 * writing is tried again, so it is no failure until it has lasted.
 */
const crossplane: Judge = (object) => {
  const synced = findCondition(object, 'Synced');
  if (synced && synced.status !== 'True') return progress(synced.message, synced.reason || 'NotSynced');
  const ready = findCondition(object, 'Ready');
  if (ready?.status === 'True') return current;
  // It makes nothing, and says so only once it is used.
  if (object.kind.includes('ProviderConfig')) return current;
  return progress(ready?.message || 'not ready yet', ready?.reason || 'NotReady');
};

/** https://docs.crossplane.io/latest/packages/providers/#provider-conditions */
const crossplanePackage: Judge = (object) => {
  for (const type of ['Installed', 'Healthy']) {
    const found = findCondition(object, type);
    if (found?.status !== 'True')
      return progress(found?.message || `not ${type.toLowerCase()} yet`, found?.reason || `Not${type}`);
  }
  return current;
};

/**
 * https://github.com/kubernetes-sigs/cluster-api/blob/main/docs/proposals/20200506-conditions.md (severity Error needs a person) and
 * 20240916-improve-status-in-CAPI-resources.md (Available). Terminal failures are `failureReason` and `failureMessage`.
 */
const clusterApi: Judge = (object) => {
  const reason = text(object, 'status', 'failureReason');
  const message = text(object, 'status', 'failureMessage');
  if (reason !== '' || message !== '') return verdict('Failed', reason || 'Failed', message);
  if (text(object, 'status', 'phase') === 'Failed') return verdict('Failed', 'Failed', 'its phase is Failed');
  const found = findCondition(object, 'Ready') ?? findCondition(object, 'Available');
  if (found?.status === 'True') return current;
  const error = items(object, 'status', 'conditions').find(
    ({ status, severity }) => status === 'False' && severity === 'Error',
  );
  if (error) return verdict('Failed', text(error, 'reason'), text(error, 'message'));
  if (found) return progress(found.message || 'not ready yet', found.reason || 'NotReady');
  // Providers of infrastructure may say it without a condition.
  const ready = member(object, 'status', 'ready');
  if (typeof ready === 'boolean') return ready ? current : progress('not ready yet', 'NotReady');
  // Health checks and resource sets have conditions of other names, templates no status at all.
  if (conditionsOf(object).length > 0 || /(?:Template|Class)$/.test(object.kind)) return current;
  return progress('no controller has looked at it yet', 'NotObserved');
};

/** https://github.com/knative/specs/blob/main/specs/knative-api-specification-1.0.md#error-conditions-and-reporting: Unknown is on its way, False has failed. */
const knative = byCondition('Ready', 'Failed');

/** https://external-secrets.io/latest/api/externalsecret/ */
const externalSecret = byCondition('Ready', 'Failed');

/** https://github.com/bitnami-labs/sealed-secrets/blob/main/pkg/apis/sealedsecrets/v1alpha1/types.go: `Synced` is False when it cannot be unsealed. */
const sealedSecret = byCondition('Synced', 'Failed');

/** https://fluxcd.io/flux/components/: kstatus; suspended is what the manifest says. */
const flux: Judge = (object) => {
  if (member(object, 'spec', 'suspend') === true) return verdict('Current', 'Suspended', 'is suspended');
  const ready = findCondition(object, 'Ready');
  if (ready?.status === 'True') return current;
  // Kinds without a status of their own (Provider, Alert).
  if (
    !ready &&
    member(object, 'status') === undefined &&
    groupOf(object.apiVersion).startsWith('notification.')
  )
    return current;
  return progress(ready?.message || 'not ready yet', ready?.reason || 'NotReady');
};

/** https://keda.sh/docs/latest/concepts/scaling-deployments/ */
const keda: Judge = (object) => {
  if (findCondition(object, 'Paused')?.status === 'True') return verdict('Current', 'Paused', 'is paused');
  return byCondition('Ready', 'Failed')(object);
};

/** https://tekton.dev/docs/pipelines/pipelineruns/#monitoring-execution-status */
const tektonRun = byCondition('Succeeded', 'Failed');

/** https://strimzi.io/docs/operators/latest/configuring#type-KafkaStatus-reference: `Ready` or `NotReady`, one of them True. */
const strimzi: Judge = (object) =>
  whenStatus(object, 'NotReady', 'True', 'InProgress') ?? byCondition('Ready', 'InProgress')(object);

/** https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.Condition: `Degraded` serves, with less than asked for. */
const prometheus: Judge = (object) =>
  whenStatus(object, 'Reconciled', 'False', 'InProgress') ?? byCondition('Available', 'InProgress')(object);

/** https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/#clusterstatus */
const cloudNativePg: Judge = (object) => {
  const judged = byCondition('Ready', 'InProgress')(object);
  const why = text(object, 'status', 'phaseReason') || text(object, 'status', 'phase');
  return judged.status === 'Current' ? judged : { ...judged, message: why || judged.message };
};

/** https://velero.io/docs/main/api-types/backup/ */
const velero = byPhase({
  Completed: 'Current',
  Enabled: 'Current',
  Available: 'Current',
  Failed: 'Failed',
  PartiallyFailed: 'Failed',
  FailedValidation: 'Failed',
  Unavailable: 'Failed',
});

const exact: Readonly<Record<string, Judge>> = {
  'cert-manager.io/Certificate': certificate,
  'cert-manager.io/CertificateRequest': certificateRequest,
  // An issuer says False only for what is wrong with it: https://cert-manager.io/docs/configuration/
  'cert-manager.io/Issuer': byCondition('Ready', 'Failed'),
  'cert-manager.io/ClusterIssuer': byCondition('Ready', 'Failed'),
  'acme.cert-manager.io/Order': acmeState,
  'acme.cert-manager.io/Challenge': acmeState,
  'argoproj.io/Rollout': rollout,
  'argoproj.io/AnalysisRun': analysis,
  'argoproj.io/Experiment': analysis,
  'argoproj.io/Application': argoApplication,
  'argoproj.io/Workflow': workflow,
  'flagger.app/Canary': canary,
  'apiextensions.crossplane.io/CompositeResourceDefinition': byCondition('Established', 'InProgress'),
  'pkg.crossplane.io/Provider': crossplanePackage,
  'pkg.crossplane.io/Configuration': crossplanePackage,
  'pkg.crossplane.io/Function': crossplanePackage,
  'external-secrets.io/ExternalSecret': externalSecret,
  'external-secrets.io/ClusterExternalSecret': externalSecret,
  'external-secrets.io/PushSecret': externalSecret,
  'external-secrets.io/SecretStore': externalSecret,
  'external-secrets.io/ClusterSecretStore': externalSecret,
  'bitnami.com/SealedSecret': sealedSecret,
  'keda.sh/ScaledObject': keda,
  'keda.sh/ScaledJob': keda,
  'tekton.dev/PipelineRun': tektonRun,
  'tekton.dev/TaskRun': tektonRun,
  'monitoring.coreos.com/Prometheus': prometheus,
  'monitoring.coreos.com/Alertmanager': prometheus,
  'postgresql.cnpg.io/Cluster': cloudNativePg,
  'velero.io/Backup': velero,
  'velero.io/Restore': velero,
  'velero.io/Schedule': velero,
  'velero.io/BackupStorageLocation': velero,
  ...gatewayRules,
};

/** Families whose kinds all say it alike. */
const families: readonly (readonly [RegExp, Judge])[] = [
  [/(?:^|\.)cluster\.x-k8s\.io$/, clusterApi],
  [/^(?:serving|eventing|sources|messaging|flows)\.knative\.dev$/, knative],
  [/^(?:source|kustomize|helm|image|notification)\.toolkit\.fluxcd\.io$/, flux],
  [/^kafka\.strimzi\.io$/, strimzi],
  [/^(?!apiextensions\.|pkg\.).*\.(?:crossplane|upbound)\.io$/, crossplane],
];

/** A composite of Crossplane may be of any group: it is known by what every one of them has (`spec.resourceRefs`, `spec.resourceRef`, `spec.crossplane`). */
function isComposite(object: KubeObject): boolean {
  const spec = member(object, 'spec');
  const marked =
    isJsonObject(spec) && ['resourceRefs', 'resourceRef', 'crossplane'].some((name) => name in spec);
  return (
    marked && findCondition(object, 'Synced') !== undefined && findCondition(object, 'Ready') !== undefined
  );
}

/** Undefined: no rule knows the kind. */
export function judgeCustom(object: KubeObject): Health | undefined {
  const group = groupOf(object.apiVersion);
  // The core group and those without a domain are Kubernetes' own.
  const family = group.includes('.') ? families.find(([pattern]) => pattern.test(group))?.[1] : undefined;
  const rule = exact[`${group}/${object.kind}`] ?? family;
  if (rule) return rule(object);
  return isComposite(object) ? crossplane(object) : undefined;
}
