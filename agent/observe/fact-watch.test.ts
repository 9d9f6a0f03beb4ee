import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, ListRequest, LiveObject, WatchEvent } from '../kube/kube-client.ts';
import { createFactWatch, type FactKind } from './fact-watch.ts';

const resource: ApiResource = {
  ...{ group: '', version: 'v1', kind: 'ResourceQuota', resource: 'resourcequotas', namespaced: true },
  verbs: ['list', 'watch'],
};
const quota = (name: string, pods: number, used = 0, version = '1'): LiveObject => ({
  ...{ apiVersion: 'v1', kind: 'ResourceQuota', spec: { pods }, status: { used } },
  metadata: { name, namespace: 'shop', resourceVersion: version },
});
const trim = ({ apiVersion, kind, metadata: { name, namespace = '' }, ...rest }: KubeObject): KubeObject => ({
  ...{ apiVersion, kind, metadata: { name, namespace }, spec: rest['spec'] ?? {} },
});

async function bed(first: readonly LiveObject[], more: Partial<FactKind> = {}) {
  const clock = createFakeClock();
  const state = { items: first, lists: 0, from: [] as string[], changes: 0 };
  let fail: Error | undefined;
  let failSecondPage: Error | undefined;
  let send: (event: WatchEvent) => void = () => {};
  let end: (error?: Error) => void = () => {};
  const kube = {
    list: async ({ continue: next }: ListRequest) => {
      state.lists += 1;
      if (fail) throw fail;
      if (failSecondPage && next) throw failSecondPage;
      return { resourceVersion: '5', items: state.items, continue: failSecondPage && 'more' };
    },
    watch: ({ resourceVersion }: { resourceVersion: string }, onEvent: (event: WatchEvent) => void) => {
      state.from.push(resourceVersion);
      send = onEvent;
      return new Promise<void>((resolve, reject) => {
        end = (error) => (error ? reject(error) : resolve());
      });
    },
  } as unknown as KubeClient;
  const watch = createFactWatch(
    resource,
    { group: '', kind: 'ResourceQuota', trim, ...more },
    {
      ...{ kube, clock, random: createSeededRandom(1), log: silentLogger },
      namespaces: () => ['shop'],
      onChange: () => {
        state.changes += 1;
      },
    },
  );
  await watch.started;
  const step = async (ms = 1) => {
    await clock.advance(ms);
  };
  return {
    ...{ watch, state, step, clock },
    tell: (type: WatchEvent['type'], object: LiveObject) => send({ type, object }),
    end: async (error?: Error) => {
      end(error);
      await step(60_000);
    },
    failLists: (error?: Error) => {
      fail = error;
    },
    failSecondPages: (error?: Error) => {
      failSecondPage = error;
    },
  };
}

describe('createFactWatch', () => {
  it('keeps what is left of each object, and tells when that is another', async () => {
    const { watch, state, tell } = await bed([quota('a', 1)]);
    expect(watch.synced).toBe(true);
    tell('MODIFIED', quota('a', 1, 7, '6'));
    expect(state.changes).toBe(0);
    tell('MODIFIED', quota('a', 2, 7, '7'));
    tell('ADDED', quota('b', 1));
    tell('DELETED', quota('b', 1));
    tell('DELETED', quota('b', 1));
    expect(state.changes).toBe(3);
    expect(watch.counted()).toEqual([[trim(quota('a', 2)), 1]]);
    watch.stop();
  });

  it('goes on where it was when a connection breaks, and by bookmarks', async () => {
    const { watch, state, tell, end } = await bed([quota('a', 1)]);
    tell('BOOKMARK', quota('', 0, 0, '9'));
    await end(new FairwayError('unavailable', 'cut'));
    tell('MODIFIED', quota('a', 2, 0, '12'));
    await end();
    expect([state.lists, state.from]).toEqual([1, ['5', '9', '12']]);
    watch.stop();
  });

  it('lists anew when the API server has forgotten the place, and tells what was missed', async () => {
    const { watch, state, end } = await bed([quota('a', 1), quota('b', 1)]);
    state.items = [quota('a', 3)];
    await end(new FairwayError('gone', 'too old'));
    expect([state.lists, state.changes]).toEqual([2, 1]);
    expect(watch.counted()).toHaveLength(1);
    await end(new FairwayError('gone', 'too old'));
    expect([state.lists, state.changes]).toEqual([3, 1]);
    watch.stop();
  });

  it('tells what a list has shown that failed half-way once one is whole', async () => {
    const { watch, state, end, failSecondPages, clock } = await bed([quota('a', 1)]);
    state.items = [quota('a', 3)];
    failSecondPages(new FairwayError('unavailable', 'cut'));
    await end(new FairwayError('gone', 'too old'));
    expect(state.changes).toBe(0);
    failSecondPages();
    await clock.advance(30_000);
    expect(state.changes).toBe(1);
    expect(watch.counted()).toEqual([[trim(quota('a', 3)), 1]]);
    watch.stop();
  });

  it('says that it does not know once it may not look any more, and looks again', async () => {
    const { watch, end, failLists, clock } = await bed([quota('a', 1)]);
    failLists(new FairwayError('permission_denied', 'may not'));
    await end(new FairwayError('gone', 'too old'));
    expect(watch.synced).toBe(false);
    failLists();
    await clock.advance(600_000);
    expect(watch.synced).toBe(true);
    watch.stop();
  });

  it('says that it does not keep all where there is too much, and when some would have room', async () => {
    const many = Array.from({ length: 21 }, (_, at) => quota(`q${at}`, 1));
    const { watch, state, tell, end } = await bed(many, { objectsMax: 20 });
    expect([watch.synced, watch.cut, watch.hasRoom, watch.counted().length]).toEqual([true, true, false, 20]);
    // One more that is not kept is no news.
    tell('ADDED', quota('q30', 1));
    tell('MODIFIED', quota('q20', 2));
    expect(state.changes).toBe(0);
    for (let at = 0; at < 3; at += 1) tell('DELETED', quota(`q${at}`, 1));
    expect([watch.cut, watch.hasRoom]).toEqual([true, true]);
    state.items = many.slice(0, 5);
    await end(new FairwayError('gone', 'too old'));
    expect([watch.cut, watch.counted().length]).toEqual([false, 5]);
    watch.stop();
  });

  it('keeps nothing of other namespaces but where that counts, and tells of it only where it is asked to', async () => {
    const far = (pods: number) => ({ ...quota('far', pods), metadata: { name: 'far', namespace: 'other' } });
    const counts = async (elsewhere?: 'told' | 'quiet') => {
      const { watch, state, tell } = await bed([far(1)], elsewhere && { elsewhere });
      const kept = watch.counted().length;
      tell('MODIFIED', far(2));
      watch.stop();
      return [kept, state.changes];
    };
    expect(await counts()).toEqual([0, 0]);
    expect(await counts('quiet')).toEqual([1, 0]);
    expect(await counts('told')).toEqual([1, 1]);
  });
});
