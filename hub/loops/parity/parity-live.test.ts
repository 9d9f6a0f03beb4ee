import { expect, it } from 'vitest';
import type { ObjectObservation } from '../../model/observation.ts';
import type { ObjectPair, SideObject } from '../../parity/object-pair.ts';
import { bareAnswer } from './bare-answer.test-support.ts';
import { createLiveObjects } from './parity-live.ts';

const { signal } = new AbortController();

function sideOf(cluster: string, name: string): SideObject {
  const key = { group: '', kind: 'ConfigMap', namespace: 'shop', name };
  const observed = { cluster, key, liveDigest: 'f', drift: undefined } as unknown as ObjectObservation;
  return { key, apiVersion: 'v1', wanted: 'w', observed, assignedAtMs: 0 };
}

function pairOf(at: number): ObjectPair {
  const [primary, standby] = [sideOf('one', `m-${at}`), sideOf('two', `m-${at}`)];
  return { application: 'web', originId: String(at), origin: primary.key, primary, standby };
}

it('forgets live objects that nobody needs once there are many, and looks for none before', async () => {
  const live = createLiveObjects(bareAnswer, (error) => {
    throw error;
  });
  const all = Array.from({ length: 120 }, (_, at) => pairOf(at));
  for (let from = 0; from < all.length; from += 20)
    expect(await live.ask(all.slice(from, from + 20), new Set(), signal)).toHaveLength(20);
  const notLookedFor = () => expect.unreachable();
  live.keepOnly(20, notLookedFor);
  expect(live.get(all[119]?.primary)).toBeDefined();
  live.keepOnly(19, () => all.slice(0, 19));
  expect(all.filter(({ primary, standby }) => live.get(primary) && live.get(standby))).toHaveLength(19);
});

it('makes room when it is full of what nobody needs, also where a primary has several standbys', async () => {
  const live = createLiveObjects(bareAnswer, (error) => {
    throw error;
  });
  const pairsOf = (at: number, digest = 'f'): readonly ObjectPair[] =>
    ['two', 'three', 'four'].map((cluster) => {
      const one = pairOf(at);
      const told = (side: SideObject) =>
        ({ ...side, observed: { ...side.observed, liveDigest: digest } }) as SideObject;
      return { ...one, primary: told(sideOf('one', `m-${at}`)), standby: told(sideOf(cluster, `m-${at}`)) };
    });
  const askAll = async (pairs: readonly ObjectPair[]) => {
    let known = 0;
    for (let from = 0; from < pairs.length; from += 20)
      known += (await live.ask(pairs.slice(from, from + 20), new Set(), signal)).length;
    return known;
  };
  const before = Array.from({ length: 900 }, (_, at) => pairsOf(at));
  expect(await askAll(before.flat())).toBe(2_700);
  // A hundred are others now: four hundred objects more, and as many that nobody needs.
  const now = before.map((pairs, at) => (at < 100 ? pairsOf(at, 'g') : pairs));
  expect(await askAll(now.slice(0, 100).flat())).toBe(300);
  const [more = []] = [pairsOf(900)];
  expect(await askAll(more)).toBe(0);
  live.keepOnly(2_700, () => now.flat());
  expect(await askAll(more)).toBe(3);
});
