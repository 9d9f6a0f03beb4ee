import { digestText } from '../../../shared/manifest/canonical.ts';
import type { RenderNode } from '../../model/render-memory.ts';
import type { Footprint } from './footprint.ts';

/** A built folder or chart, as far as another process needs to know it. */
export interface NodeSource {
  readonly footprint: Footprint;
  /** A chart went into it. */
  readonly inflated: boolean;
  readonly bases: ReadonlyMap<string, NodeSource>;
}

interface Made {
  readonly helm: string;
  readonly node: RenderNode;
}

const made = new WeakMap<NodeSource, Made>();

/** The node of what was built, and by `below` all that it stands on. @param helm version of helm; empty where there is none. */
export function nodeOf(source: NodeSource, helm: string): RenderNode {
  const known = made.get(source);
  if (known?.helm === helm) return known.node;
  const { folder, oid, inside, outside } = source.footprint;
  const own = {
    folder,
    helm: source.inflated ? helm : '',
    probes: [...inside, ...outside].sort(([a], [b]) => (a < b ? -1 : 1)),
    bases: [...source.bases.values()].map((base) => nodeOf(base, helm).digest),
  };
  const node = { digest: digestText(JSON.stringify(own)), oid, ...own };
  made.set(source, { helm, node });
  return node;
}

/** All nodes of what was built, those that others stand on first. */
export function nodesBelow(source: NodeSource, helm: string, found = new Map<string, RenderNode>()) {
  const node = nodeOf(source, helm);
  if (found.has(node.digest)) return found;
  for (const base of source.bases.values()) nodesBelow(base, helm, found);
  found.set(node.digest, node);
  return found;
}
