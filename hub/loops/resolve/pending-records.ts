import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { RenderNode, RenderRecords, RenderResultRecord, RenderRoot } from '../../model/render-memory.ts';

/** What was rendered and is not kept yet, each thing once however often it is told. */
export interface PendingRecords {
  add(records: RenderRecords): void;
  /** All of it, and begins anew. */
  take(): RenderRecords;
}

interface PendingRoot {
  readonly root: RenderRoot;
  readonly results: Map<string, RenderResultRecord>;
}

/** Beyond that all of it is let go: the next process renders once more. */
const pendingMax = 500_000;

/** A render that fails again and again tells again and again, and of other commits: the newest node of a root counts. */
export function createPendingRecords(): PendingRecords {
  let engine = '';
  let count = 0;
  const nodes = new Map<Digest, RenderNode>();
  const roots = new Map<Digest, PendingRoot>();

  const clear = () => {
    nodes.clear();
    roots.clear();
    count = 0;
  };

  return {
    add(records) {
      engine = records.engine || engine;
      for (const node of records.nodes) nodes.set(node.digest, node);
      for (const root of records.roots)
        if (roots.get(root.key)?.root.node !== root.node) roots.set(root.key, { root, results: new Map() });
      for (const result of records.results) {
        const known = roots.get(result.root);
        if (known?.root.node !== result.node) continue;
        if (!known.results.has(result.values)) count += 1;
        known.results.set(result.values, result);
      }
      if (count + nodes.size > pendingMax) clear();
    },
    take() {
      const all = [...roots.values()];
      const taken = {
        engine,
        nodes: [...nodes.values()],
        roots: all.map(({ root }) => root),
        results: all.flatMap(({ results }) => [...results.values()]),
      };
      clear();
      return taken;
    },
  };
}
