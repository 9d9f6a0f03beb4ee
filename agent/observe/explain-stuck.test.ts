import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../shared/error/error.ts';
import type { Health } from '../../shared/manifest/health.ts';
import type { JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import type { KubeClient, ListRequest } from '../kube/kube-client.ts';
import { explainStuck, readSurroundings, selectorOf } from './explain-stuck.ts';

const late: Health = { status: 'InProgress', reason: 'Progressing', message: '0 of 2 available' };
const nothing = { object: undefined, pods: [], events: [] };

function pod(name: string, status: JsonObject, at = '2026-11-21T10:00:00Z'): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, uid: name, creationTimestamp: at }, status };
}
const pulling = (image: string): JsonObject => ({
  phase: 'Pending',
  containerStatuses: [
    {
      name: 'web',
      image,
      state: { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } },
    },
  ],
});
const crashing: JsonObject = {
  phase: 'Running',
  containerStatuses: [
    {
      name: 'web',
      restartCount: 7,
      state: {
        waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container' },
      },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    },
  ],
};
const homeless: JsonObject = {
  phase: 'Pending',
  conditions: [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/3 nodes are available: insufficient cpu.',
    },
  ],
};
const ready: JsonObject = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
function event(type: string, reason: string, message: string, at = '2026-11-21T10:00:00Z'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: reason },
    type,
    reason,
    message,
    lastTimestamp: at,
  };
}

describe('explainStuck', () => {
  it('names the image that cannot be pulled', () => {
    const pods = [pod('a', pulling('web:9')), pod('b', pulling('web:9')), pod('c', ready)];
    expect(explainStuck(late, { ...nothing, pods }, '10 min')).toEqual({
      status: 'Failed',
      reason: 'ImagePullBackOff',
      message:
        'after 10 min: 0 of 2 available; 2 of 3 pods ImagePullBackOff: container web: image web:9: Back-off pulling image "web:9"',
    });
  });

  it('tells how often a container has crashed, and how it ended', () => {
    const { reason, message } = explainStuck(late, { ...nothing, pods: [pod('a', crashing)] }, '10 min');
    expect(reason).toBe('CrashLoopBackOff');
    expect(message).toContain(
      '1 of 1 pod CrashLoopBackOff (7 restarts): container web: ended with 137 (OOMKilled)',
    );
  });

  it('tells why a pod has no node', () => {
    const { reason, message } = explainStuck(late, { ...nothing, pods: [pod('a', homeless)] }, '10 min');
    expect(reason).toBe('Unschedulable');
    expect(message).toContain('0/3 nodes are available: insufficient cpu.');
  });

  it('tells the last warnings, each reason once, the latest first', () => {
    const events = [
      event('Warning', 'FailedMount', 'old words', '2026-11-21T09:00:00Z'),
      event('Warning', 'FailedMount', 'no such secret', '2026-11-21T11:00:00Z'),
      event('Warning', 'BackOff', 'again', '2026-11-21T10:30:00Z'),
      event('Normal', 'Pulled', 'fine', '2026-11-21T12:00:00Z'),
    ];
    expect(explainStuck(late, { ...nothing, events }, '10 min')).toMatchObject({
      reason: 'FailedMount',
      message: 'after 10 min: 0 of 2 available; FailedMount: no such secret; BackOff: again',
    });
  });

  it('tells what forbids pods where there are none', () => {
    const object: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      status: {
        conditions: [
          { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' },
        ],
      },
    };
    expect(explainStuck(late, { ...nothing, object }, '10 min')).toMatchObject({
      reason: 'FailedCreate',
      message: 'after 10 min: 0 of 2 available; exceeded quota',
    });
  });

  it('has the words of its rules where nothing is to be seen', () => {
    expect(explainStuck(late, nothing, '10 min')).toMatchObject({
      status: 'Failed',
      reason: 'Progressing',
      message: 'after 10 min: 0 of 2 available',
    });
  });

  it('lets a claim wait for its first pod', () => {
    const events = [event('Normal', 'WaitForFirstConsumer', 'waiting for first consumer')];
    expect(explainStuck(late, { ...nothing, events }, '10 min').status).toBe('InProgress');
    const broken = [...events, event('Warning', 'ProvisioningFailed', 'no space')];
    expect(explainStuck(late, { ...nothing, events: broken }, '10 min')).toMatchObject({
      status: 'Failed',
      reason: 'ProvisioningFailed',
    });
  });

  it('is brief', () => {
    const events = [event('Warning', 'Boom', 'x'.repeat(2_000))];
    expect(explainStuck(late, { ...nothing, events }, '10 min').message).toHaveLength(500);
  });
});

describe('selectorOf', () => {
  it('says all terms', () => {
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['a', 'b'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    };
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: { selector } };
    expect(selectorOf(object)).toBe('app=web,tier in (a,b),!old');
    expect(selectorOf({ ...object, spec: {} })).toBeUndefined();
  });
});

describe('readSurroundings', () => {
  const resource = (kind: string) => ({
    group: '',
    version: 'v1',
    kind,
    resource: `${kind.toLowerCase()}s`,
    namespaced: true,
    verbs: ['list'],
  });
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', uid: 'u' },
    spec: { selector: { matchLabels: { app: 'web' } } },
  };

  function read(list: (request: ListRequest) => Promise<unknown>) {
    const asked: ListRequest[] = [];
    const kube = {
      get: () => Promise.resolve(object),
      list: (request: ListRequest) => {
        asked.push(request);
        return list(request);
      },
    } as unknown as KubeClient;
    const ref = { resource: resource('Deployment'), namespace: 'shop', name: 'web' };
    const find = (_version: string, kind: string) => resource(kind);
    const { signal } = new AbortController();
    return { asked, read: () => readSurroundings(ref, { kube, find, signal }) };
  }

  it('asks for the pods and the events of the worst of them, bounded', async () => {
    const pods = [pod('well', ready), pod('ill', pulling('x'))];
    const { asked, read: run } = read(({ resource: { kind } }) =>
      Promise.resolve({ items: kind === 'Pod' ? pods : [] }),
    );
    expect((await run()).pods).toHaveLength(2);
    expect(asked).toMatchObject([
      { resource: { kind: 'Pod' }, namespace: 'shop', labelSelector: 'app=web', limit: 50 },
      { resource: { kind: 'Event' }, fieldSelector: 'involvedObject.uid=ill', limit: 50 },
    ]);
  });

  it('does with less where it may not read', async () => {
    const { read: run } = read(() => Promise.reject(new FairwayError('permission_denied', 'no')));
    expect(await run()).toEqual({ object, pods: [], events: [] });
  });

  it('does not hide that the API server is away', async () => {
    const { read: run } = read(() => Promise.reject(new FairwayError('unavailable', 'away')));
    await expect(run()).rejects.toThrow('away');
  });
});
