import { describe, expect, it } from 'vitest';
import type { Json, JsonObject, KubeObject } from '../manifest/object.ts';
import { judgeHealth, needsFullObject, sumHealth } from './health.ts';

function object(apiVersion: string, kind: string, spec: JsonObject, status?: JsonObject): KubeObject {
  return { apiVersion, kind, metadata: { name: 'x', generation: 2 }, spec, ...(status && { status }) };
}
const condition = (type: string, status: string, reason = 'R'): Json => ({
  type,
  status,
  reason,
  message: 'm',
});
const seen = { observedGeneration: 2 };

describe('judgeHealth', () => {
  it.each<[string, KubeObject, string]>([
    ['a new Deployment', object('apps/v1', 'Deployment', { replicas: 1 }), 'InProgress'],
    [
      'a Deployment of an older generation',
      object('apps/v1', 'Deployment', {}, { observedGeneration: 1 }),
      'InProgress',
    ],
    [
      'a Deployment that rolls',
      object(
        'apps/v1',
        'Deployment',
        { replicas: 2 },
        { ...seen, replicas: 3, updatedReplicas: 2, availableReplicas: 3 },
      ),
      'InProgress',
    ],
    [
      'a Deployment that is done',
      object(
        'apps/v1',
        'Deployment',
        { replicas: 2 },
        { ...seen, replicas: 2, updatedReplicas: 2, availableReplicas: 2 },
      ),
      'Current',
    ],
    [
      'a Deployment past its deadline',
      object(
        'apps/v1',
        'Deployment',
        {},
        { ...seen, conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')] },
      ),
      'Failed',
    ],
    [
      'a StatefulSet with a partition',
      object(
        'apps/v1',
        'StatefulSet',
        { replicas: 3, updateStrategy: { rollingUpdate: { partition: 2 } } },
        { ...seen, readyReplicas: 3, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
      ),
      'Current',
    ],
    [
      'a StatefulSet between revisions',
      object(
        'apps/v1',
        'StatefulSet',
        { replicas: 1 },
        { ...seen, readyReplicas: 1, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
      ),
      'InProgress',
    ],
    [
      'a DaemonSet without nodes',
      object('apps/v1', 'DaemonSet', {}, { ...seen, desiredNumberScheduled: 0 }),
      'Current',
    ],
    ['a Job that runs', object('batch/v1', 'Job', {}, { startTime: 't', active: 1 }), 'InProgress Running'],
    [
      'a Deployment whose pods a quota forbids',
      object(
        'apps/v1',
        'Deployment',
        { replicas: 1 },
        { ...seen, conditions: [condition('ReplicaFailure', 'True', 'FailedCreate')] },
      ),
      'InProgress FailedCreate',
    ],
    [
      'a StatefulSet that keeps its pods until they are deleted',
      object('apps/v1', 'StatefulSet', { replicas: 3, updateStrategy: { type: 'OnDelete' } }),
      'Current',
    ],
    [
      'a StatefulSet that shrinks',
      object(
        'apps/v1',
        'StatefulSet',
        { replicas: 1 },
        { ...seen, replicas: 2, readyReplicas: 2, updatedReplicas: 2 },
      ),
      'InProgress',
    ],
    [
      'a DaemonSet that is not everywhere',
      object(
        'apps/v1',
        'DaemonSet',
        {},
        { ...seen, desiredNumberScheduled: 3, currentNumberScheduled: 2, updatedNumberScheduled: 3 },
      ),
      'InProgress',
    ],
    [
      'a DaemonSet that keeps its pods until they are deleted',
      object(
        'apps/v1',
        'DaemonSet',
        { updateStrategy: { type: 'OnDelete' } },
        {
          ...seen,
          desiredNumberScheduled: 2,
          currentNumberScheduled: 2,
          updatedNumberScheduled: 0,
          numberAvailable: 2,
        },
      ),
      'Current',
    ],
    [
      'a ReplicaSet with a pod too few',
      object('apps/v1', 'ReplicaSet', { replicas: 2 }, { ...seen, replicas: 2, availableReplicas: 1 }),
      'InProgress',
    ],
    [
      'a ReplicationController that is done',
      object('v1', 'ReplicationController', { replicas: 1 }, { ...seen, replicas: 1, availableReplicas: 1 }),
      'Current',
    ],
    ['a Job that nobody has started', object('batch/v1', 'Job', {}), 'InProgress NotStarted'],
    ['a Job that is suspended', object('batch/v1', 'Job', { suspend: true }, {}), 'InProgress Suspended'],
    [
      'a Job that tries again',
      object('batch/v1', 'Job', {}, { startTime: 't', active: 1, failed: 2 }),
      'InProgress Retrying',
    ],
    [
      'a Job that is about to fail',
      object('batch/v1', 'Job', {}, { conditions: [condition('FailureTarget', 'True', 'PodFailurePolicy')] }),
      'InProgress PodFailurePolicy',
    ],
    [
      'a Job past its backoff',
      object('batch/v1', 'Job', {}, { conditions: [condition('Failed', 'True', 'BackoffLimitExceeded')] }),
      'Failed BackoffLimitExceeded',
    ],
    ['a CronJob that is suspended', object('batch/v1', 'CronJob', { suspend: true }, {}), 'Current'],
    ['a pod that ran to its end', object('v1', 'Pod', {}, { phase: 'Succeeded' }), 'Current'],
    [
      'a pod that was evicted',
      object('v1', 'Pod', {}, { phase: 'Failed', reason: 'Evicted' }),
      'Failed Evicted',
    ],
    [
      'a pod that crashes',
      object(
        'v1',
        'Pod',
        {},
        { phase: 'Running', containerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
      ),
      'Failed CrashLoopBackOff',
    ],
    [
      'a pod whose init container has no configuration',
      object(
        'v1',
        'Pod',
        {},
        {
          phase: 'Pending',
          initContainerStatuses: [{ state: { waiting: { reason: 'CreateContainerConfigError' } } }],
        },
      ),
      'Failed CreateContainerConfigError',
    ],
    [
      'a pod whose containers are being made',
      object(
        'v1',
        'Pod',
        {},
        { phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] },
      ),
      'InProgress',
    ],
    [
      'a pod without a node',
      object(
        'v1',
        'Pod',
        {},
        { phase: 'Pending', conditions: [condition('PodScheduled', 'False', 'Unschedulable')] },
      ),
      'InProgress Unschedulable',
    ],
    [
      'a claim that waits',
      object('v1', 'PersistentVolumeClaim', {}, { phase: 'Pending' }),
      'InProgress NotBound',
    ],
    [
      'a claim whose volume is gone',
      object('v1', 'PersistentVolumeClaim', {}, { phase: 'Lost' }),
      'Failed Lost',
    ],
    ['a volume that is free', object('v1', 'PersistentVolume', {}, { phase: 'Available' }), 'Current'],
    ['a volume that failed', object('v1', 'PersistentVolume', {}, { phase: 'Failed' }), 'Failed'],
    [
      'a load balancer with an address',
      object('v1', 'Service', { type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }),
      'Current',
    ],
    ['an Ingress without an address', object('networking.k8s.io/v1', 'Ingress', {}, {}), 'Current'],
    ['a namespace that is in use', object('v1', 'Namespace', {}, { phase: 'Active' }), 'Current'],
    [
      'a node that is away',
      object('v1', 'Node', {}, { conditions: [condition('Ready', 'Unknown', 'NodeStatusUnknown')] }),
      'InProgress NodeStatusUnknown',
    ],
    [
      'a definition that is being installed',
      object(
        'apiextensions.k8s.io/v1',
        'CustomResourceDefinition',
        {},
        { conditions: [condition('Established', 'False', 'Installing')] },
      ),
      'InProgress Installing',
    ],
    [
      'a definition whose names are taken',
      object(
        'apiextensions.k8s.io/v1',
        'CustomResourceDefinition',
        {},
        {
          conditions: [
            condition('NamesAccepted', 'False', 'ListKindConflict'),
            condition('Established', 'False', 'NotAccepted'),
          ],
        },
      ),
      'Failed ListKindConflict',
    ],
    [
      'a definition that is served',
      object(
        'apiextensions.k8s.io/v1',
        'CustomResourceDefinition',
        {},
        { conditions: [condition('NamesAccepted', 'True'), condition('Established', 'True')] },
      ),
      'Current',
    ],
    [
      'an API service whose server is away',
      object(
        'apiregistration.k8s.io/v1',
        'APIService',
        {},
        { conditions: [condition('Available', 'False', 'MissingEndpoints')] },
      ),
      'InProgress MissingEndpoints',
    ],
    [
      'an autoscaler without its target',
      object(
        'autoscaling/v2',
        'HorizontalPodAutoscaler',
        {},
        { conditions: [condition('AbleToScale', 'False', 'FailedGetScale')] },
      ),
      'InProgress FailedGetScale',
    ],
    [
      'an autoscaler without metrics',
      object(
        'autoscaling/v2',
        'HorizontalPodAutoscaler',
        {},
        {
          conditions: [
            condition('AbleToScale', 'True'),
            condition('ScalingActive', 'False', 'FailedGetResourceMetric'),
          ],
        },
      ),
      'InProgress FailedGetResourceMetric',
    ],
    [
      'an autoscaler that replicas: 0 has switched off',
      object(
        'autoscaling/v2',
        'HorizontalPodAutoscaler',
        {},
        { conditions: [condition('ScalingActive', 'False', 'ScalingDisabled')] },
      ),
      'Current',
    ],
    [
      'a budget whose pods are not ready',
      object(
        'policy/v1',
        'PodDisruptionBudget',
        {},
        {
          ...seen,
          currentHealthy: 0,
          desiredHealthy: 1,
          conditions: [condition('DisruptionAllowed', 'False', 'InsufficientPods')],
        },
      ),
      'Current',
    ],
    [
      'a budget that cannot be counted',
      object(
        'policy/v1',
        'PodDisruptionBudget',
        {},
        { ...seen, conditions: [condition('DisruptionAllowed', 'False', 'SyncFailed')] },
      ),
      'InProgress SyncFailed',
    ],
    [
      'a signing request that was denied',
      object(
        'certificates.k8s.io/v1',
        'CertificateSigningRequest',
        {},
        { conditions: [condition('Denied', 'True', 'No')] },
      ),
      'Failed No',
    ],

    [
      'a Job that failed',
      object('batch/v1', 'Job', {}, { conditions: [condition('Failed', 'True')] }),
      'Failed',
    ],
    [
      'a Job that is complete',
      object('batch/v1', 'Job', {}, { conditions: [condition('Complete', 'True')] }),
      'Current',
    ],
    [
      'a pod that cannot pull',
      object(
        'v1',
        'Pod',
        {},
        { phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] },
      ),
      'Failed',
    ],
    ['a claim that is bound', object('v1', 'PersistentVolumeClaim', {}, { phase: 'Bound' }), 'Current'],
    ['a load balancer without address', object('v1', 'Service', { type: 'LoadBalancer' }, {}), 'InProgress'],
    ['an ordinary Service', object('v1', 'Service', {}, {}), 'Current'],
    ['a ConfigMap', object('v1', 'ConfigMap', {}), 'Current'],
    [
      'a custom kind that stalls',
      object('x.io/v1', 'X', {}, { conditions: [condition('Stalled', 'True')] }),
      'Failed',
    ],
    [
      'a custom kind that is not ready',
      object('x.io/v1', 'X', {}, { conditions: [condition('Ready', 'False')] }),
      'InProgress',
    ],
    [
      'a custom kind that is ready',
      object('x.io/v1', 'X', {}, { conditions: [condition('Ready', 'True')] }),
      'Current',
    ],
  ])('judges %s', (_name, live, status) => {
    const { status: found, reason } = judgeHealth(live);
    expect(`${found} ${reason}`).toMatch(new RegExp(`^${status}`));
  });

  it('says that an object is being deleted', () => {
    const live: KubeObject = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', deletionTimestamp: 't' } };
    expect(judgeHealth(live).status).toBe('Terminating');
  });
});

describe('needsFullObject', () => {
  it('asks for metadata alone where health has no rule', () => {
    expect(needsFullObject('', 'Secret')).toBe(false);
    expect(needsFullObject('apps', 'Deployment')).toBe(true);
    expect(needsFullObject('cert-manager.io', 'Certificate')).toBe(true);
  });
});

describe('sumHealth', () => {
  it('is the worst of all', () => {
    expect(sumHealth([])).toBe('Current');
    expect(sumHealth(['Current', 'InProgress', 'Failed'])).toBe('Failed');
    expect(sumHealth(['Current', 'NotFound'])).toBe('InProgress');
  });
});
