import { describe, expect, it } from 'vitest';
import type { Json, JsonObject, KubeObject } from '../manifest/object.ts';
import { judgeHealth } from './health.ts';

/** `Ready=False/Pending: not yet` */
function condition(text: string): JsonObject {
  const [, type = '', status = '', reason = '', message = ''] =
    /^(\w+)=(\w+)(?:\/(\w+))?(?:: (.*))?$/.exec(text) ?? [];
  return { type, status, reason, message, lastTransitionTime: '2026-11-21T10:00:00Z' };
}
const conditions = (...texts: readonly string[]): JsonObject => ({ conditions: texts.map(condition) });

function object(apiVersion: string, kind: string, status?: JsonObject, spec: JsonObject = {}): KubeObject {
  const metadata = { name: 'x', namespace: 'shop', generation: 2 };
  return { apiVersion, kind, metadata, spec, ...(status && { status: status as Json }) };
}

const certificate = (status?: JsonObject) => object('cert-manager.io/v1', 'Certificate', status);
const canary = (phase: string) =>
  object('flagger.app/v1beta1', 'Canary', {
    phase,
    ...conditions('Promoted=Unknown/Progressing: 40 % of traffic'),
  });
const rollout = (status: JsonObject) => object('argoproj.io/v1alpha1', 'Rollout', status);
const bucket = (...texts: string[]) => object('s3.aws.upbound.io/v1beta1', 'Bucket', conditions(...texts));
const machine = (status: JsonObject) => object('cluster.x-k8s.io/v1beta1', 'Machine', status);
const knative = (...texts: string[]) =>
  object('serving.knative.dev/v1', 'Service', { observedGeneration: 2, ...conditions(...texts) });
const secret = (...texts: string[]) =>
  object('external-secrets.io/v1', 'ExternalSecret', conditions(...texts));
const sealed = (status?: JsonObject) => object('bitnami.com/v1alpha1', 'SealedSecret', status);
const release = (...texts: string[]) =>
  object('helm.toolkit.fluxcd.io/v2', 'HelmRelease', { observedGeneration: 2, ...conditions(...texts) });
const gateway = (...texts: string[]) =>
  object('gateway.networking.k8s.io/v1', 'Gateway', conditions(...texts));
const route = (parents: JsonObject[]) => object('gateway.networking.k8s.io/v1', 'HTTPRoute', { parents });
const parent = (...texts: string[]): JsonObject => ({
  parentRef: { name: 'edge', sectionName: 'https' },
  ...conditions(...texts),
});

describe('judgeHealth of custom kinds', () => {
  it.each<[string, KubeObject, string]>([
    ['a new Certificate', certificate(), 'InProgress NotReady not issued yet'],
    [
      'a Certificate that is being issued',
      certificate(conditions('Ready=False/DoesNotExist', 'Issuing=True/DoesNotExist: Secret does not exist')),
      'InProgress DoesNotExist Secret does not exist',
    ],
    [
      'a Certificate that is renewed',
      certificate(conditions('Ready=True/Ready', 'Issuing=True/Renewing')),
      'Current',
    ],
    [
      'a Certificate that was refused',
      certificate({
        failedIssuanceAttempts: 2,
        ...conditions('Ready=False/DoesNotExist', 'Issuing=False/Failed: the order is invalid'),
      }),
      'Failed Failed the order is invalid',
    ],
    [
      'an Issuer without its account',
      object('cert-manager.io/v1', 'ClusterIssuer', conditions('Ready=False/ErrRegisterACMEAccount: 403')),
      'Failed ErrRegisterACMEAccount 403',
    ],
    [
      'a CertificateRequest that was denied',
      object(
        'cert-manager.io/v1',
        'CertificateRequest',
        conditions('Denied=True/policy: no', 'Ready=False/Denied'),
      ),
      'Failed policy no',
    ],
    [
      'a CertificateRequest that waits',
      object('cert-manager.io/v1', 'CertificateRequest', conditions('Ready=False/Pending: waiting')),
      'InProgress Pending waiting',
    ],
    [
      'a Challenge',
      object('acme.cert-manager.io/v1', 'Challenge', { state: 'invalid', reason: 'NXDOMAIN' }),
      'Failed invalid NXDOMAIN',
    ],

    [
      'a Rollout of an older generation',
      rollout({ observedGeneration: '1', phase: 'Healthy' }),
      'InProgress GenerationNotObserved',
    ],
    ['a Rollout that is done', rollout({ observedGeneration: '2', phase: 'Healthy' }), 'Current'],
    [
      'a Rollout that waits',
      rollout({ observedGeneration: '2', phase: 'Paused', message: 'CanaryPauseStep' }),
      'InProgress Paused CanaryPauseStep',
    ],
    [
      'a Rollout that was aborted',
      rollout({ observedGeneration: '2', phase: 'Degraded', message: 'RolloutAborted' }),
      'Failed Degraded RolloutAborted',
    ],
    [
      'an AnalysisRun',
      object('argoproj.io/v1alpha1', 'AnalysisRun', { phase: 'Inconclusive' }),
      'Failed Inconclusive',
    ],
    [
      'an Argo CD Application',
      object('argoproj.io/v1alpha1', 'Application', { health: { status: 'Degraded' } }),
      'Failed Degraded',
    ],

    ['a Canary at work', canary('Progressing'), 'InProgress Progressing 40 % of traffic'],
    ['a Canary that succeeded', canary('Succeeded'), 'Current'],
    ['a Canary that was rolled back', canary('Failed'), 'Failed Failed'],

    ['a managed resource', bucket('Synced=True/ReconcileSuccess', 'Ready=True/Available'), 'Current'],
    [
      'a managed resource on its way',
      bucket('Synced=True/ReconcileSuccess', 'Ready=False/Creating'),
      'InProgress Creating',
    ],
    [
      'a managed resource that cannot be written',
      bucket('Synced=False/ReconcileError: AccessDenied', 'Ready=False/Creating'),
      'InProgress ReconcileError AccessDenied',
    ],
    [
      'a composite of a group of its own',
      object(
        'example.org/v1',
        'XDatabase',
        conditions('Synced=False/ReconcileError: no', 'Ready=True/Available'),
        { resourceRefs: [] },
      ),
      'InProgress ReconcileError no',
    ],
    ['a ProviderConfig', object('aws.upbound.io/v1beta1', 'ProviderConfig'), 'Current'],
    ['a Composition', object('apiextensions.crossplane.io/v1', 'Composition'), 'Current'],
    [
      'a Provider that is not healthy',
      object(
        'pkg.crossplane.io/v1',
        'Provider',
        conditions(
          'Installed=True/ActivePackageRevision',
          'Healthy=False/UnhealthyPackageRevision: cannot pull',
        ),
      ),
      'InProgress UnhealthyPackageRevision cannot pull',
    ],

    ['a Machine that runs', machine({ phase: 'Running', ...conditions('Ready=True') }), 'Current'],
    [
      'a Machine that is lost',
      machine({ phase: 'Failed', failureReason: 'CreateError', failureMessage: 'no quota' }),
      'Failed CreateError no quota',
    ],
    [
      'a Machine that waits',
      machine(conditions('Ready=False/WaitingForBootstrapData')),
      'InProgress WaitingForBootstrapData',
    ],
    [
      'a Machine with an error for a person',
      machine({
        conditions: [{ ...condition('Ready=False/InstanceProvisionFailed: boom'), severity: 'Error' }],
      }),
      'Failed InstanceProvisionFailed boom',
    ],
    [
      'a Cluster of the newer contract',
      object('cluster.x-k8s.io/v1beta2', 'Cluster', conditions('Available=True/Available')),
      'Current',
    ],
    ['a template', object('infrastructure.cluster.x-k8s.io/v1beta1', 'AWSMachineTemplate'), 'Current'],
    [
      'a ClusterResourceSet',
      object('addons.cluster.x-k8s.io/v1beta1', 'ClusterResourceSet', conditions('ResourcesApplied=True')),
      'Current',
    ],

    ['a Knative Service', knative('Ready=True'), 'Current'],
    [
      'a Knative Service on its way',
      knative('Ready=Unknown/RevisionMissing: no revision yet'),
      'InProgress RevisionMissing no revision yet',
    ],
    [
      'a Knative Service that failed',
      knative('Ready=False/RevisionFailed: no such image'),
      'Failed RevisionFailed no such image',
    ],

    ['an ExternalSecret', secret('Ready=True/SecretSynced'), 'Current'],
    [
      'an ExternalSecret without its source',
      secret('Ready=False/SecretSyncedError: no such key'),
      'Failed SecretSyncedError no such key',
    ],
    ['a SealedSecret', sealed({ observedGeneration: 2, ...conditions('Synced=True') }), 'Current'],
    [
      'a SealedSecret for another key',
      sealed({ observedGeneration: 2, ...conditions('Synced=False: no key could decrypt secret') }),
      'Failed Synced no key could decrypt secret',
    ],
    ['a SealedSecret that nobody has opened', sealed(), 'InProgress NotObserved'],

    ['a HelmRelease', release('Ready=True/UpgradeSucceeded'), 'Current'],
    [
      'a HelmRelease that stalls',
      release('Stalled=True/RetriesExceeded: no more', 'Ready=False/UpgradeFailed'),
      'Failed RetriesExceeded no more',
    ],
    [
      'a HelmRelease at work',
      release('Reconciling=True/Progressing: at work', 'Ready=Unknown/Progressing'),
      'InProgress Progressing at work',
    ],
    [
      'a suspended Kustomization',
      object('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', conditions('Ready=False/BuildFailed'), {
        suspend: true,
      }),
      'Current Suspended',
    ],
    ['a Provider of notifications', object('notification.toolkit.fluxcd.io/v1beta3', 'Provider'), 'Current'],

    ['a Gateway', gateway('Accepted=True/Accepted', 'Programmed=True/Programmed'), 'Current'],
    [
      'a Gateway without an address',
      gateway('Accepted=True/Accepted', 'Programmed=False/AddressNotAssigned: no address'),
      'InProgress AddressNotAssigned no address',
    ],
    [
      'a Gateway that is refused',
      gateway('Accepted=False/InvalidParameters: no', 'Programmed=False/Invalid'),
      'Failed InvalidParameters no',
    ],
    [
      'a Gateway with a broken listener',
      object('gateway.networking.k8s.io/v1', 'Gateway', {
        ...conditions('Accepted=True', 'Programmed=True'),
        listeners: [
          {
            name: 'https',
            ...conditions('Accepted=True', 'ResolvedRefs=False/InvalidCertificateRef: no such secret'),
          },
        ],
      }),
      'Failed InvalidCertificateRef listener https: no such secret',
    ],
    ['a route that nobody took up', route([]), 'InProgress NotObserved'],
    ['a route', route([parent('Accepted=True', 'ResolvedRefs=True')]), 'Current'],
    [
      'a route to nowhere',
      route([parent('Accepted=True', 'ResolvedRefs=False/BackendNotFound: no such service')]),
      'Failed BackendNotFound Gateway edge/https: no such service',
    ],
    [
      'a route of an older generation',
      route([
        {
          parentRef: { name: 'edge' },
          conditions: [{ ...condition('Accepted=True'), observedGeneration: 1 }],
        },
      ]),
      'InProgress GenerationNotObserved Gateway edge',
    ],

    [
      'a ScaledObject that is paused',
      object('keda.sh/v1alpha1', 'ScaledObject', conditions('Ready=True', 'Paused=True')),
      'Current Paused',
    ],
    [
      'a PipelineRun',
      object('tekton.dev/v1', 'PipelineRun', conditions('Succeeded=Unknown/Running')),
      'InProgress Running',
    ],
    [
      'a Kafka',
      object('kafka.strimzi.io/v1beta2', 'Kafka', {
        observedGeneration: 2,
        ...conditions('NotReady=True/TimeoutException: late'),
      }),
      'InProgress TimeoutException late',
    ],
    [
      'a Prometheus',
      object('monitoring.coreos.com/v1', 'Prometheus', conditions('Available=True', 'Reconciled=True')),
      'Current',
    ],
    [
      'a database',
      object('postgresql.cnpg.io/v1', 'Cluster', {
        phase: 'Setting up primary',
        ...conditions('Ready=False/ClusterIsNotReady'),
      }),
      'InProgress ClusterIsNotReady Setting up primary',
    ],
    ['a backup', object('velero.io/v1', 'Backup', { phase: 'PartiallyFailed' }), 'Failed PartiallyFailed'],
  ])('judges %s', (_name, live, words) => {
    const { status, reason, message } = judgeHealth(live);
    expect(`${status} ${reason} ${message}`.trim()).toContain(words);
  });
});
