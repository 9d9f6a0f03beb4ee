import { describe, expect, it } from 'vitest';
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import { healthOf, needsFullObject, sumHealth } from './health.ts';

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

describe('healthOf', () => {
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
    ['a Job that runs', object('batch/v1', 'Job', {}, { active: 1 }), 'InProgress'],
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
    expect(healthOf(live).status).toBe(status);
  });

  it('says that an object is being deleted', () => {
    const live: KubeObject = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', deletionTimestamp: 't' } };
    expect(healthOf(live).status).toBe('Terminating');
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
