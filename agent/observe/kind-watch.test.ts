import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { KubeClient, ListRequest } from '../kube/kube-client.ts';
import { createTextPool } from '../model/text-pool.ts';
import { createFactsReader } from './facts.ts';
import { createHealthJudge } from './health-judge.ts';
import { createKindWatch } from './kind-watch.ts';

const resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  resource: 'configmaps',
  namespaced: true,
  verbs: ['list', 'watch'],
};

/** An API server that allows listing in some namespaces; the empty one stands for all. */
function bed(allowed: Set<string>, namespaced = true) {
  const clock = createFakeClock();
  const watched = new Set<string>();
  let states = 0;
  const kube = {
    async list({ namespace }: ListRequest) {
      if (!allowed.has(namespace)) throw new FairwayError('permission_denied', `forbidden in "${namespace}"`);
      const object = (ns: string) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', namespace: ns, uid: ns, resourceVersion: '1' },
      });
      const items = (namespace === '' ? ['red', 'blue', 'green'] : [namespace]).map(object);
      return { resourceVersion: '1', items, continue: undefined };
    },
    watch({ namespace }: ListRequest, _onEvent: unknown, signal: AbortSignal) {
      watched.add(namespace);
      return new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          watched.delete(namespace);
          resolve();
        });
      });
    },
  } as unknown as KubeClient;
  const watch = createKindWatch(
    { ...resource, namespaced },
    {
      kube,
      clock,
      random: createSeededRandom(1),
      log: silentLogger,
      health: createHealthJudge(),
      applicationOf: () => undefined,
      pool: createTextPool(),
      factsOf: createFactsReader(),
      onChange: () => {},
      onState: () => {
        states += 1;
      },
    },
  );
  return { allowed, clock, watch, watched, states: () => states };
}

const namesOf = (watch: ReturnType<typeof createKindWatch>) => {
  const namespaces: string[] = [];
  watch.eachObject(({ key }) => namespaces.push(key.namespace));
  expect(watch.size).toBe(namespaces.length);
  return namespaces.sort();
};

describe('createKindWatch', () => {
  it('watches all namespaces as one where it may', async () => {
    const { watch, clock, watched } = bed(new Set(['']));
    await watch.cover(['red']);
    await clock.advance(0);
    expect([...watched]).toEqual(['']);
    expect(watch.synced(['anywhere'])).toBe(true);
    expect(watch.watches).toBe(1);
    watch.stop();
  });

  it('watches each namespace where it may not, and knows where it is blind', async () => {
    const { watch, clock, watched } = bed(new Set(['red', 'blue']));
    await watch.cover(['red']);
    await watch.cover(['blue', 'green']);
    await clock.advance(0);
    expect([...watched].sort()).toEqual(['blue', 'red']);
    expect(namesOf(watch)).toEqual(['blue', 'red']);
    expect(watch.synced(['red', 'blue'])).toBe(true);
    expect(watch.synced(['red', 'green'])).toBe(false);
    expect(watch.failure(['green'])).toBe('forbidden in "green"');
    expect(watch.synced(['never-asked'])).toBe(false);
    expect(watch.synced()).toBe(false);
    watch.stop();
  });

  it('goes over to one watch once it may', async () => {
    const { allowed, watch, clock, watched, states } = bed(new Set(['red']));
    await watch.cover(['red']);
    await clock.advance(0);
    const before = states();
    allowed.add('');
    await clock.advance(900_000);
    expect([...watched]).toEqual(['']);
    expect(watch.synced(['green'])).toBe(true);
    expect(namesOf(watch)).toEqual(['blue', 'green', 'red']);
    expect(states()).toBeGreaterThan(before);
    watch.stop();
  });

  it('does not look for namespaces of a kind that has none', async () => {
    const { watch, clock, watched } = bed(new Set(['red']), false);
    await watch.cover(['red']);
    await clock.advance(0);
    expect([...watched]).toEqual([]);
    expect(watch.failure(['red'])).toBe('forbidden in ""');
    watch.stop();
  });

  it('opens a hundred watches at most, and says what is left out', async () => {
    const names = Array.from({ length: 101 }, (_, index) => `n${index}`);
    const { watch, clock, watched } = bed(new Set(names));
    await watch.cover(names);
    await clock.advance(0);
    expect(watched.size).toBe(100);
    expect(watch.failure(['n100'])).toContain('more than 100 namespaces');
    expect(watch.synced(['n0'])).toBe(true);
    watch.stop();
  });
});
