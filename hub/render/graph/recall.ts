/**
 * Results of an earlier process. What a folder or chart was made from is compared with the commit at hand by Git object ids; where all of it is the same,
 * so is the set, which lies in the store. No file is read for that. What was rendered anew is told once, for the hub to keep with the sets.
 */
import type { Digest } from '../../../shared/manifest/canonical.ts';
import {
  type RenderMemory,
  type RenderNode,
  type RenderRecords,
  type RenderResultKey,
  type RenderResultRecord,
  type RenderRoot,
  renderKeysMax,
} from '../../model/render-memory.ts';
import type { RenderedSet } from '../../model/rendered.ts';
import { Lru } from '../lru.ts';
import { problemOf } from '../render-error.ts';
import type { TreeView } from '../tree-view.ts';
import { askFor, createFootprint, type Footprint, matches } from './footprint.ts';
import { type NodeSource, nodeOf, nodesBelow } from './node-of.ts';

/** What may be known already. */
export interface Wanted {
  readonly root: Digest;
  /** Digests of the values of these variables, one for each kind of cluster; `['']` where none are filled in. */
  readonly values: (names: readonly string[]) => readonly string[];
}

export interface Commit {
  readonly view: TreeView;
  /** Version of helm; empty: there is none. Asked for only where a chart is concerned. */
  readonly helm: () => Promise<string>;
}

export interface Recall {
  /** Asks the store for what is wanted and not at hand, and compares it with the commit. */
  prefetch(wanted: readonly Wanted[], commit: Commit, signal?: AbortSignal): Promise<void>;
  /** Of what was fetched: the set, if all that it was made from is the same in this commit. */
  find(root: Digest, values: (names: readonly string[]) => string, view: TreeView): RenderedSet | undefined;
  /** A list for results that are rendered anew. */
  list(): RecordList;
}

export interface RecordList {
  note(made: NewResult): void;
  /** What was noted, without what another list has told. */
  records(): RenderRecords;
}

export interface NewResult {
  readonly root: Digest;
  readonly source: NodeSource;
  readonly helm: string;
  readonly variables: readonly string[];
  readonly values: string;
  readonly rendered: RenderedSet;
}

interface KnownNode {
  readonly node: RenderNode;
  readonly footprint: Footprint;
}

const rootsMax = 200_000;
const probesMax = 500_000;
const entriesMax = 500_000;
/** In one call: what comes at once is unpacked at once. */
const setsAtOnce = 50;

export function createRecall(memory: RenderMemory, engine: string): Recall {
  const roots = new Lru<RenderRoot>(rootsMax);
  const nodes = new Lru<KnownNode>(probesMax);
  const results = new Lru<RenderedSet>(entriesMax);
  const verdicts = new WeakMap<TreeView, Map<Digest, boolean>>();
  const told = new Lru<Told>(2 * rootsMax);

  const loadRoots = async (keys: readonly Digest[]): Promise<void> => {
    for (const chunk of chunksOf(keys)) {
      const found = await memory.roots(chunk);
      for (const node of found.nodes) nodes.set(node.digest, knownNode(node), node.probes.length + 1);
      for (const root of found.roots) roots.set(root.key, root);
    }
  };

  const isAtHand = (root: Digest): boolean => {
    const known = roots.get(root);
    return known !== undefined && nodes.get(known.node) !== undefined;
  };

  const loadResults = async (keys: readonly RenderResultKey[]): Promise<void> => {
    for (const chunk of chunksOf(keys, setsAtOnce))
      for (const { set, builtFrom, ...key } of await memory.results(chunk))
        results.set(
          resultId(key),
          { set, objects: new Map(), builtFrom, stored: true },
          set.entries.length + 1,
        );
  };

  /** A set that was fetched a while ago may have gone since. */
  const refreshResults = async (keys: readonly RenderResultKey[]): Promise<void> => {
    const atHand = new Map<string, Digest>();
    for (const key of keys) {
      const found = results.get(resultId(key));
      if (found !== undefined) atHand.set(resultId(key), found.set.digest);
    }
    const fresh = new Set<Digest>();
    for (const chunk of chunksOf([...new Set(atHand.values())]))
      for (const digest of await memory.refresh(chunk)) fresh.add(digest);
    for (const [id, digest] of atHand) if (!fresh.has(digest)) results.delete(id);
  };

  const holds = async (digest: Digest, commit: Commit): Promise<boolean> => {
    const ofView = verdicts.get(commit.view) ?? new Map<Digest, boolean>();
    verdicts.set(commit.view, ofView);
    let verdict = ofView.get(digest);
    if (verdict === undefined) {
      verdict = await compare(digest, commit);
      ofView.set(digest, verdict);
    }
    return verdict;
  };

  const compare = async (digest: Digest, commit: Commit): Promise<boolean> => {
    const known = nodes.get(digest);
    if (known === undefined) return false;
    const { node, footprint } = known;
    try {
      return await isSame(node, footprint, commit);
    } catch (caught) {
      // Rendering comes upon it as well, if it still goes there, and says where.
      if (problemOf(caught) === undefined) throw caught;
      return false;
    }
  };

  const isSame = async (node: RenderNode, footprint: Footprint, commit: Commit): Promise<boolean> => {
    if (node.helm !== '' && node.helm !== (await commit.helm())) return false;
    if (matches(footprint, commit.view) === undefined) await askFor(footprint, commit.view);
    if (matches(footprint, commit.view) !== true) return false;
    for (const base of node.bases) if (!(await holds(base, commit))) return false;
    return true;
  };

  return {
    async prefetch(wanted, commit, signal) {
      await loadRoots(wanted.map(({ root }) => root).filter((root) => !isAtHand(root)));
      const keys: RenderResultKey[] = [];
      for (const { root, values } of wanted) {
        signal?.throwIfAborted();
        const known = roots.get(root);
        if (known === undefined || !(await holds(known.node, commit))) continue;
        for (const one of new Set(values(known.variables)))
          keys.push({ root, node: known.node, values: one });
      }
      await refreshResults(keys);
      await loadResults(keys.filter((key) => results.get(resultId(key)) === undefined));
    },
    find(root, values, view) {
      const known = roots.get(root);
      if (known === undefined || verdicts.get(view)?.get(known.node) !== true) return undefined;
      return results.get(resultId({ root, node: known.node, values: values(known.variables) }));
    },
    list: () => createList(engine, roots, told),
  };
}

/** What the store was told last of a root. */
interface Told {
  readonly node: Digest;
  readonly results: Set<string>;
}

function createList(engine: string, roots: Lru<RenderRoot>, told: Lru<Told>): RecordList {
  const records = createRecords();
  return {
    note({ root, source, helm, variables, values, rendered }) {
      const node = nodeOf(source, helm).digest;
      const result = `${rendered.set.digest} ${values}`;
      const before = told.get(root);
      // What was told of another node the store has let go since.
      const results = before?.node === node ? before.results : new Set<string>();
      if (results.has(result)) return;
      results.add(result);
      told.set(root, { node, results }, results.size);
      for (const below of nodesBelow(source, helm).values()) records.nodes.set(below.digest, below);
      records.roots.set(root, { key: root, node, variables });
      // What is at hand of it is out of date.
      roots.delete(root);
      const { builtFrom } = rendered;
      const key = { root, node, values };
      records.results.set(resultId(key), { ...key, set: rendered.set.digest, builtFrom });
    },
    records() {
      const { nodes: below, roots: tops, results: made } = records;
      return { engine, nodes: [...below.values()], roots: [...tops.values()], results: [...made.values()] };
    },
  };
}

function createRecords() {
  return {
    nodes: new Map<Digest, RenderNode>(),
    roots: new Map<Digest, RenderRoot>(),
    results: new Map<string, RenderResultRecord>(),
  };
}

function knownNode(node: RenderNode): KnownNode {
  return { node, footprint: createFootprint(node.folder, node.oid, node.probes) };
}

function resultId({ root, node, values }: RenderResultKey): string {
  return `${root} ${node} ${values}`;
}

function* chunksOf<T>(items: readonly T[], size = renderKeysMax): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
