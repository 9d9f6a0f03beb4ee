import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { Json } from '../../shared/manifest/object.ts';
import type { KubeClient, LiveObject, WatchEvent } from '../kube/kube-client.ts';
import { createScalerWatch } from './scaler-watch.ts';

const resource = {
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  resource: 'horizontalpodautoscalers',
  namespaced: true,
  verbs: ['list', 'watch'],
};

/** An autoscaler of `target`; another `writer` stands for a change of its spec, another `status` for one of its status. */
function scaler(name: string, target: string, writer = 'a', status = '1'): LiveObject {
  const managedFields = [
    { manager: writer, operation: 'Update', fieldsV1: { 'f:spec': {} } },
    {
      manager: 'kube-controller-manager',
      operation: 'Update',
      subresource: 'status',
      time: status,
      fieldsV1: {},
    },
  ];
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {
      name,
      namespace: 'n',
      uid: name,
      resourceVersion: status,
      managedFields: managedFields as unknown as Json,
    },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target } },
  };
}

function bed(first: readonly LiveObject[] = [], fail?: Error) {
  const state = { items: [...first], gets: 0, failGets: undefined as Error | undefined };
  let send: (event: WatchEvent) => void = () => {};
  const changes: string[][] = [];
  const clock = createFakeClock();
  const kube = {
    list: () =>
      fail
        ? Promise.reject(fail)
        : Promise.resolve({ resourceVersion: '1', items: state.items, continue: undefined }),
    get({ name }: { name: string }) {
      state.gets += 1;
      if (state.failGets) return Promise.reject(state.failGets);
      const found = state.items.find(({ metadata }) => metadata.name === name);
      return found ? Promise.resolve(found) : Promise.reject(new FairwayError('not_found', 'gone'));
    },
    watch: (_request: unknown, onEvent: (event: WatchEvent) => void) => {
      send = onEvent;
      return new Promise<void>(() => {});
    },
  } as unknown as KubeClient;
  const watch = createScalerWatch(resource, {
    ...{ kube, clock, random: createSeededRandom(1), log: silentLogger },
    onChange: (targets) => changes.push(targets.map(({ key }) => key.name)),
  });
  const tell = async (type: WatchEvent['type'], object: LiveObject) => {
    send({ type, object });
    await clock.advance(0);
  };
  const names = () => [...watch.targets()].map(({ key }) => key.name);
  return { state, changes, clock, watch, tell, names };
}

describe('createScalerWatch', () => {
  it('knows what is there, and reads one that is new or whose spec was written', async () => {
    const { state, watch, tell, names, changes } = bed([scaler('a', 'web')]);
    await watch.started;
    expect(names()).toEqual(['web']);
    state.items.push(scaler('b', 'api'));
    await tell('ADDED', scaler('b', 'api'));
    expect(names()).toEqual(['web', 'api']);
    state.items[0] = scaler('a', 'shop', 'b');
    await tell('MODIFIED', scaler('a', 'shop', 'b'));
    expect(names()).toEqual(['shop', 'api']);
    expect(changes).toEqual([['web'], ['api'], ['web', 'shop']]);
    expect(state.gets).toBe(2);
  });

  it('reads one again that could not be read, ever later, and not what it may not read', async () => {
    const { state, watch, tell, names, clock } = bed([scaler('a', 'web')]);
    await watch.started;
    state.failGets = new FairwayError('deadline_exceeded', 'no answer');
    await tell('DELETED', scaler('a', 'web'));
    await tell('ADDED', scaler('a', 'web'));
    await tell('MODIFIED', scaler('a', 'web', 'b'));
    await clock.advance(5_000);
    expect(state.gets).toBeGreaterThan(2);
    expect(state.gets).toBeLessThan(20);
    state.failGets = undefined;
    await clock.advance(20_000);
    const { gets } = state;
    // It is there again, and does not go when its time is over.
    await clock.advance(60_000);
    expect([names(), state.gets]).toEqual([['web'], gets]);
    state.failGets = new FairwayError('permission_denied', 'may not');
    await tell('MODIFIED', scaler('a', 'web', 'c'));
    await clock.advance(600_000);
    expect(state.gets).toBe(gets + 1);
    watch.stop();
  });

  it('reads nothing for an update of the status', async () => {
    const { state, watch, tell } = bed([scaler('a', 'web')]);
    await watch.started;
    for (let status = 2; status < 20; status += 1)
      await tell('MODIFIED', scaler('a', 'web', 'a', String(status)));
    expect(state.gets).toBe(0);
  });

  it('lets one that is deleted linger, and keeps it when it comes back', async () => {
    const { state, watch, tell, names, clock } = bed([scaler('a', 'web')]);
    await watch.started;
    await tell('DELETED', scaler('a', 'web'));
    await clock.advance(20_000);
    expect(names()).toEqual(['web']);
    await tell('ADDED', scaler('a', 'web'));
    await clock.advance(60_000);
    expect(names()).toEqual(['web']);
    state.items = [];
    await tell('DELETED', scaler('a', 'web'));
    await clock.advance(31_000);
    expect(names()).toEqual([]);
  });

  it('says that nothing is known while the API server is away, but not for want of rights', async () => {
    const away = bed([], new FairwayError('unavailable', 'away'));
    await away.watch.started;
    expect(away.watch.failure).toBe('away');
    const denied = bed([], new FairwayError('permission_denied', 'forbidden'));
    await denied.watch.started;
    expect(denied.watch.failure).toBeUndefined();
  });
});
