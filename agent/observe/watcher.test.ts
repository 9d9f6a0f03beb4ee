import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { KubeClient, LiveObject, WatchEvent, WatchRequest } from '../kube/kube-client.ts';
import { partOfLabel } from '../model/inventory.ts';
import { createTextPool } from '../model/text-pool.ts';
import { createFactsReader } from './facts.ts';
import { createHealthJudge } from './health-judge.ts';
import { createWatcher, type ObservedChange } from './watcher.ts';

const resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  resource: 'configmaps',
  namespaced: true,
  verbs: ['list', 'watch'],
};

function object(name: string, resourceVersion: string): LiveObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'n', uid: name, resourceVersion, labels: { [partOfLabel]: 'set' } },
  };
}

interface Stream {
  readonly request: WatchRequest;
  readonly send: (event: WatchEvent) => void;
  readonly end: (error?: Error) => void;
}

/** An API server of one kind: lists are answered from `items`, watches wait to be fed. */
function bed() {
  const state = {
    items: [object('a', '1'), object('b', '1')],
    lists: 0,
    fail: undefined as Error | undefined,
  };
  const streams: Stream[] = [];
  const changes: ObservedChange[] = [];
  const clock = createFakeClock();
  const kube = {
    async list() {
      state.lists += 1;
      if (state.fail) throw state.fail;
      return { resourceVersion: '10', items: state.items, continue: undefined };
    },
    watch: (request: WatchRequest, send: (event: WatchEvent) => void) =>
      new Promise<void>((resolve, reject) => {
        streams.push({ request, send, end: (error) => (error ? reject(error) : resolve()) });
      }),
  } as unknown as KubeClient;
  const ports = {
    kube,
    clock,
    random: createSeededRandom(1),
    log: silentLogger,
    health: createHealthJudge(),
    applicationOf: () => undefined,
    pool: createTextPool(),
    factsOf: createFactsReader(),
  };
  const reached: (string | undefined)[] = [];
  const watcher = createWatcher(resource, {
    ...ports,
    onChange: (change) => changes.push(change),
    onReach: (failure) => reached.push(failure),
  });
  const told = () =>
    changes.splice(0).map(({ keyText, after }) => `${after ? '' : '-'}${keyText.split('/').at(-1)}`);
  return { state, streams, clock, watcher, told, reached };
}

describe('createWatcher', () => {
  it('lists once, asks for metadata only, and goes on from the last version when the server ends the watch', async () => {
    const { state, streams, clock, watcher, told } = bed();
    await watcher.started;
    await clock.advance(0);
    expect(watcher.synced).toBe(true);
    expect(told()).toEqual(['a', 'b']);
    expect(streams[0]?.request).toMatchObject({ metadataOnly: true, resourceVersion: '10' });
    streams[0]?.send({ type: 'MODIFIED', object: object('a', '11') });
    streams[0]?.send({
      type: 'BOOKMARK',
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '', resourceVersion: '19' } },
    });
    streams[0]?.end();
    await clock.advance(0);
    expect(streams[1]?.request.resourceVersion).toBe('19');
    expect(told()).toEqual(['a']);
    expect(state.lists).toBe(1);
    watcher.stop();
  });

  it('lists anew after 410 and tells only what differs', async () => {
    const { state, streams, clock, watcher, told } = bed();
    await watcher.started;
    await clock.advance(0);
    told();
    state.items = [object('a', '1'), object('c', '20')];
    streams[0]?.end(new FairwayError('gone', 'too old'));
    await clock.advance(60_000);
    expect(state.lists).toBe(2);
    expect(told()).toEqual(['c', '-b']);
    watcher.stop();
  });

  it('backs off from watches that are ended at once, each time longer, and starts anew after one that lasted', async () => {
    const { state, streams, clock, watcher } = bed();
    await watcher.started;
    await clock.advance(0);
    const endAtOnce = async (forMs: number) => {
      const before = streams.length;
      for (let passedMs = 0; passedMs < forMs; passedMs += 100) {
        streams.at(-1)?.end();
        await clock.advance(100);
      }
      return streams.length - before;
    };
    // A minute of it takes some ten watches, not thousands.
    expect(await endAtOnce(60_000)).toBeLessThan(20);
    await clock.advance(60_000);
    expect(state.lists).toBe(1);
    const before = streams.length;
    await clock.advance(300_000);
    streams.at(-1)?.end();
    await clock.advance(0);
    expect(streams.length).toBe(before + 1);
    watcher.stop();
  });

  it('does not list anew because it is told to wait', async () => {
    const { state, streams, clock, watcher } = bed();
    await watcher.started;
    await clock.advance(0);
    streams[0]?.end(new FairwayError('resource_exhausted', 'too many requests', { retryAfterMs: 1_000 }));
    await clock.advance(60_000);
    expect(state.lists).toBe(1);
    expect(streams).toHaveLength(2);
    expect(watcher.synced).toBe(true);
    watcher.stop();
  });

  it('is not synced, and says why, while it cannot list; it recovers by itself', async () => {
    const { state, streams, clock, watcher } = bed();
    await watcher.started;
    await clock.advance(0);
    state.fail = new FairwayError('permission_denied', 'may not list');
    streams[0]?.end(new FairwayError('gone', 'too old'));
    await clock.advance(5_000);
    expect(watcher.synced).toBe(false);
    expect(watcher.failure).toBe('may not list');
    state.fail = undefined;
    await clock.advance(60_000);
    expect(watcher.synced).toBe(true);
    expect(watcher.failure).toBeUndefined();
    watcher.stop();
  });

  it('says that the API server cannot be reached only after several tries, and that it can again', async () => {
    const { streams, clock, watcher, reached } = bed();
    await watcher.started;
    await clock.advance(0);
    expect(reached.splice(0)).toEqual([undefined]);
    const away = () => new FairwayError('unavailable', 'away', { details: { unreachable: true } });
    for (let tried = 0; tried < 3; tried += 1) {
      streams.at(-1)?.end(away());
      await clock.advance(30_000);
    }
    expect(reached).toEqual([]);
    streams.at(-1)?.end(away());
    await clock.advance(30_000);
    expect(reached).toEqual(['away']);
    streams.at(-1)?.request.onOpen?.();
    expect(reached).toEqual(['away', undefined]);
    watcher.stop();
  });
});
