import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changedClusters,
  clusterEntries,
  clusterState,
  clusterStates,
  noClusters,
  packClusters,
  withClusters,
} from './cluster-states.ts';
import type { ClusterState } from './rollout-state.ts';

const name = fc.integer({ min: 0, max: 300 }).map((at) => `cluster-${at}`);
const known = fc.option(fc.record({ assignedAtMs: fc.integer({ min: 0, max: 3 }) }), { nil: undefined });
const step = fc.array(fc.tuple(name, known), { maxLength: 200 });

describe('cluster states', () => {
  it('are what a plain object would be, whatever changes, and leave those before as they were', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const model = new Map<string, ClusterState>();
        let states = noClusters;
        for (const changes of steps) {
          const before = states;
          const kept = packClusters(before);
          states = withClusters(before, changes);
          for (const [cluster, one] of changes)
            if (one === undefined) model.delete(cluster);
            else model.set(cluster, one);
          expect(packClusters(before)).toEqual(kept);
          const changed = [...model.keys(), ...Object.keys(kept)].filter(
            (cluster) => model.get(cluster) !== kept[cluster],
          );
          expect([...changedClusters(before, states)].sort()).toEqual([...new Set(changed)].sort());
        }
        expect(states.size).toBe(model.size);
        expect(new Map(clusterEntries(states))).toEqual(model);
        for (let at = 0; at <= 300; at += 7)
          expect(clusterState(states, `cluster-${at}`)).toBe(model.get(`cluster-${at}`));
        // However they came about.
        expect(clusterStates(packClusters(states))).toEqual(states);
      }),
    );
  });

  it('share all that has not changed', () => {
    const all = Array.from({ length: 10_000 }, (_, at) => [`cluster-${at}`, { assignedAtMs: 0 }] as const);
    const before = withClusters(noClusters, all);
    const after = withClusters(before, [['cluster-7', { assignedAtMs: 1 }]]);
    const others = after.parts.filter((part, at) => part !== before.parts[at]);
    expect(others).toHaveLength(1);
    expect(Math.max(...before.parts.map(({ size }) => size))).toBeLessThan(100);
    expect(withClusters(before, [])).toBe(before);
  });
});
