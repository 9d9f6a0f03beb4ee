import type { RenderMemory, RenderNode, RenderRoot } from '../../model/render-memory.ts';
import type { RenderedSet } from '../../model/rendered.ts';
import type { BatchResult } from '../renderer.ts';

/** What a store keeps of rendering, for another renderer to find. */
export function createKeptRenders() {
  const roots = new Map<string, RenderRoot>();
  const nodes = new Map<string, RenderNode>();
  const results = new Map<string, RenderedSet>();
  /** Sets stay for a while when nothing is made from what gave them any more. */
  const there = new Set<string>();
  const memory: RenderMemory = {
    roots: async (keys) => ({
      roots: keys.flatMap((key) => roots.get(key) ?? []),
      nodes: [...nodes.values()],
    }),
    results: async (keys) =>
      keys.flatMap(({ root, node, values }) => {
        const found = results.get(`${root} ${values}`);
        return found === undefined || roots.get(root)?.node !== node
          ? []
          : [{ root, node, values, set: found.set, builtFrom: found.builtFrom }];
      }),
    refresh: async (sets) => sets.filter((digest) => there.has(digest)),
  };
  return {
    memory,
    keep({ results: made, records }: BatchResult): void {
      const sets = new Map(
        made.flatMap((one) => (one.ok ? [[one.rendered.set.digest, one.rendered] as const] : [])),
      );
      for (const node of records.nodes) nodes.set(node.digest, node);
      for (const root of records.roots) {
        if (roots.get(root.key)?.node !== root.node)
          for (const id of results.keys()) if (id.startsWith(`${root.key} `)) results.delete(id);
        roots.set(root.key, root);
      }
      for (const { root, values, set } of records.results) {
        const rendered = sets.get(set);
        if (!rendered) continue;
        results.set(`${root} ${values}`, rendered);
        there.add(set);
      }
    },
    /** All sets are gone. */
    forget() {
      results.clear();
      there.clear();
    },
  };
}
