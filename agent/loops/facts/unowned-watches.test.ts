import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type {
  ApiResource,
  KubeClient,
  LiveObject,
  WatchEvent,
  WatchRequest,
} from '../../kube/kube-client.ts';
import { partOfLabel } from '../../model/inventory.ts';
import { objectsMaxDefault } from '../../observe/fact-watch.ts';
import { createUnownedWatches, unownedWatchesMax } from './unowned-watches.ts';

const resourceOf = (kind: string, version = 'v1'): ApiResource => ({
  ...{ group: 'apps', version, kind, resource: `${kind.toLowerCase()}s`, namespaced: true },
  verbs: ['list', 'watch'],
});
const field = (kind: string, path = '/spec/replicas') => ({ kind, path });

const deployment = (at: number): LiveObject => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: at } },
  metadata: { name: `d${at}`, namespace: 'shop', labels: { [partOfLabel]: 'applyset-x' } },
});

function bed() {
  const open: string[] = [];
  let items: readonly LiveObject[] = [];
  let tell: (event: WatchEvent) => void = () => {};
  const kube = {
    list: async () => ({ resourceVersion: '1', items, continue: undefined }),
    watch: ({ resource }: WatchRequest, onEvent: (event: WatchEvent) => void, signal: AbortSignal) => {
      tell = onEvent;
      open.push(resource.kind);
      return new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          open.splice(open.indexOf(resource.kind), 1);
          resolve();
        });
      });
    },
  } as unknown as KubeClient;
  const clock = createFakeClock();
  const watches = createUnownedWatches({
    ...{ kube, clock, random: createSeededRandom(1), log: silentLogger },
    ...{ namespaces: () => ['shop'], onChange: () => {} },
  });
  const hold = (next: readonly LiveObject[]) => {
    items = next;
  };
  const remove = (object: LiveObject) => tell({ type: 'DELETED', object });
  return { open, watches, hold, remove, settle: () => clock.advance(1) };
}

describe('createUnownedWatches', () => {
  it('opens one for all that want the same fields of a kind, and ends it with the last of them', async () => {
    const { open, watches, settle } = bed();
    const [one, two] = [{}, {}];
    const deployment = resourceOf('Deployment');
    const first = watches.acquire(one, deployment, [field('Deployment'), field('Service')]);
    // What it wants of other kinds is no part of it.
    expect(watches.acquire(two, deployment, [field('Deployment')])).toBe(first);
    expect(watches.acquire(one, deployment, [field('Deployment')])).toBe(first);
    await settle();
    expect(open).toEqual(['Deployment']);
    watches.release(one);
    await settle();
    expect(open).toEqual(['Deployment']);
    watches.release(two);
    await settle();
    expect(open).toEqual([]);
  });

  it('opens another for other fields or another version, and ends the one that was wanted before', async () => {
    const { open, watches, settle } = bed();
    const [owner, other] = [{}, {}];
    const fields = [field('Deployment')];
    const first = watches.acquire(owner, resourceOf('Deployment'), fields);
    watches.acquire(other, resourceOf('Deployment'), fields);
    const more = [...fields, field('Deployment', '/x')];
    expect(watches.acquire(owner, resourceOf('Deployment'), more)).not.toBe(first);
    await settle();
    expect(open).toHaveLength(2);
    watches.acquire(owner, resourceOf('Deployment', 'v2'), more);
    await settle();
    // That of the other, and the newest.
    expect(open).toHaveLength(2);
    for (const one of [owner, other]) watches.release(one);
    await settle();
    expect(open).toEqual([]);
  });

  it('begins anew, for all that want it, where there was too much and some of it would have room now', async () => {
    const { open, watches, hold, remove, settle } = bed();
    const [one, two] = [{}, {}];
    const acquire = (owner: object) =>
      watches.acquire(owner, resourceOf('Deployment'), [field('Deployment')]);
    const all = Array.from({ length: objectsMaxDefault + 1 }, (_, at) => deployment(at));
    hold(all);
    const first = acquire(one);
    expect(acquire(two)).toBe(first);
    await settle();
    expect(first?.cut).toBe(true);
    hold(all.slice(objectsMaxDefault / 5));
    for (const gone of all.slice(0, objectsMaxDefault / 5)) remove(gone);
    const second = acquire(two);
    await settle();
    expect([second?.cut, second?.counted().length]).toEqual([false, (objectsMaxDefault * 4) / 5 + 1]);
    expect([acquire(one), open]).toEqual([second, ['Deployment']]);
    watches.release(two);
    expect(acquire(one)).toBe(second);
    watches.release(one);
    await settle();
    expect(open).toEqual([]);
  });

  it('opens no more than it may', () => {
    const { watches } = bed();
    const owners = Array.from({ length: unownedWatchesMax + 1 }, () => ({}));
    const opened = owners.map((owner, at) => {
      const kind = `Kind${at}`;
      return watches.acquire(owner, resourceOf(kind), [field(kind)]);
    });
    expect(opened.filter((watch) => watch === undefined)).toHaveLength(1);
    expect(opened.at(-1)).toBeUndefined();
    watches.release(owners[0] ?? {});
    expect(watches.acquire({}, resourceOf('Last'), [field('Last')])).toBeDefined();
    for (const owner of owners) watches.release(owner);
  });
});
