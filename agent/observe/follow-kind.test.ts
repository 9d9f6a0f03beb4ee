import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import type { ApiResource, LiveObject, WatchEvent, WatchRequest } from '../kube/kube-client.ts';
import { followKind } from './follow-kind.ts';

const resource: ApiResource = {
  ...{ group: '', version: 'v1', kind: 'Pod', resource: 'pods', namespaced: true, verbs: ['list', 'watch'] },
};
const object = (resourceVersion: string): LiveObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', resourceVersion } },
});

const ends: AbortController[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.abort();
});

/** @param onWatch how each watch goes; undefined: it stays open. */
function bed(onWatch: (at: number, tell: (event: WatchEvent) => void) => Promise<void> | undefined) {
  const clock = createFakeClock();
  const abort = new AbortController();
  ends.push(abort);
  const seen = { lists: 0, from: [] as string[], known: 0, denied: [] as boolean[], types: [] as string[] };
  const watch = (
    { resourceVersion }: WatchRequest,
    tell: (event: WatchEvent) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    seen.from.push(resourceVersion);
    const stays = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return onWatch(seen.from.length, tell) ?? stays;
  };
  const over = followKind(
    {
      ...{ kube: { watch }, clock, random: createSeededRandom(1), request: { resource, namespace: '' } },
      list: async () => {
        seen.lists += 1;
        return String(seen.lists * 100);
      },
      onKnown: () => {
        seen.known += 1;
      },
      onEvent: ({ type }) => seen.types.push(type),
      onFailure: (_error, denied) => seen.denied.push(denied),
    },
    abort.signal,
  );
  const run = async (ms: number) => {
    for (let past = 0; past < ms; past += 100) await clock.advance(100);
  };
  return { seen, run, abort, over };
}

describe('followKind', () => {
  it('goes on by bookmarks, of which nobody else hears', async () => {
    const { seen, run } = bed((at, tell) => {
      if (at > 1) return undefined;
      tell({ type: 'BOOKMARK', object: object('150') });
      tell({ type: 'MODIFIED', object: object('151') });
      tell({ type: 'BOOKMARK', object: object('170') });
      return Promise.resolve();
    });
    await run(1_000);
    expect(seen).toEqual({ lists: 1, from: ['100', '170'], known: 2, denied: [], types: ['MODIFIED'] });
  });

  it('does not spin where watches end as soon as they are open', async () => {
    const { seen, run } = bed(() => Promise.resolve());
    await run(60_000);
    expect(seen.from.length).toBeGreaterThan(3);
    expect(seen.from.length).toBeLessThan(20);
    expect([seen.lists, seen.denied]).toEqual([1, []]);
  });

  it('does not spin where connections break as soon as something has come', async () => {
    const { seen, run } = bed((at, tell) => {
      tell({ type: 'MODIFIED', object: object(String(100 + at)) });
      return Promise.reject(new FairwayError('unavailable', 'cut'));
    });
    await run(60_000);
    expect(seen.types.length).toBeLessThan(20);
    expect(seen.lists).toBe(1);
  });

  it('does not list anew where the API server has too much to do', async () => {
    const { seen, run } = bed((at) =>
      at < 4 ? Promise.reject(new FairwayError('resource_exhausted', 'too many requests')) : undefined,
    );
    await run(60_000);
    expect([seen.lists, seen.from]).toEqual([1, ['100', '100', '100', '100']]);
  });

  it('lists anew where its place is lost, and comes back ever later where it may not look', async () => {
    const lost = bed((at) => (at === 1 ? Promise.reject(new FairwayError('gone', 'too old')) : undefined));
    await lost.run(2_000);
    expect([lost.seen.lists, lost.seen.from]).toEqual([2, ['100', '200']]);
    const denied = bed(() => Promise.reject(new FairwayError('permission_denied', 'no')));
    await denied.run(600_000);
    expect(denied.seen.denied.every((one) => one)).toBe(true);
    expect(denied.seen.from.length).toBeLessThan(15);
  });

  it('ends when it is told to, also while it waits', async () => {
    const { run, abort, over } = bed(() => Promise.reject(new FairwayError('permission_denied', 'no')));
    await run(500);
    abort.abort();
    await expect(over).resolves.toBeUndefined();
  });
});
