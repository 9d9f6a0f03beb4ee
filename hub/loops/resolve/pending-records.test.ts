import { describe, expect, it } from 'vitest';
import type { RenderRecords } from '../../model/render-memory.ts';
import { createPendingRecords } from './pending-records.ts';

const told = (folder: string, oid: string, values: readonly string[]): RenderRecords => {
  const node = `${folder} ${oid}`;
  return {
    engine: 'e',
    nodes: [{ digest: node, folder, oid, helm: '', probes: [], bases: [] }],
    roots: [{ key: folder, node, variables: ['TIER'] }],
    results: values.map((one) => ({
      root: folder,
      node,
      values: one,
      set: `${node} ${one}`,
      builtFrom: folder,
    })),
  };
};
const nothing = { engine: '', nodes: [], roots: [], results: [] };

describe('createPendingRecords', () => {
  it('holds what is told again and again once, and gives it out once', () => {
    const pending = createPendingRecords();
    for (let again = 0; again < 100; again += 1) {
      pending.add(told('a', '1', ['x', 'y']));
      pending.add(nothing);
    }
    expect(pending.take()).toEqual(told('a', '1', ['x', 'y']));
    expect(pending.take()).toMatchObject({ nodes: [], roots: [], results: [] });
  });

  it('gives of each root what its newest node gave', () => {
    const pending = createPendingRecords();
    pending.add(told('a', '1', ['x', 'y']));
    pending.add(told('b', '1', ['x']));
    pending.add(told('a', '2', ['x']));
    const { roots, results } = pending.take();
    expect(roots.map(({ node }) => node).sort()).toEqual(['a 2', 'b 1']);
    expect(results.map(({ set }) => set).sort()).toEqual(['a 2 x', 'b 1 x']);
  });

  it('is bounded', () => {
    const pending = createPendingRecords();
    for (let commit = 0; commit < 501; commit += 1)
      pending.add(
        told(
          `folder ${commit}`,
          '1',
          Array.from({ length: 1_000 }, (_, index) => String(index)),
        ),
      );
    expect(pending.take().results.length).toBeLessThan(500_000);
  });
});
