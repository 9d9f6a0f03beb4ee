/** One application for all its clusters: what an earlier process has kept first, then one render for each kind of cluster. */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { ApplicationSource, Cluster, Substitution } from '../model/fleet.ts';
import type { TreeReader } from '../model/tree.ts';
import type { FolderRequest } from './choose-folder.ts';
import type { NodeSource } from './graph/node-of.ts';
import type { Recall, RecordList, Wanted } from './graph/recall.ts';
import { Lru } from './lru.ts';
import { problemOrFaultOf } from './render-error.ts';
import type { RenderSession } from './render-session.ts';
import { workSince } from './render-work.ts';
import type { BatchRequest, BatchResult, RenderResult } from './renderer.ts';
import { findPlace, type Place, peekPlace, type Rooted, recallRoot, rootOf } from './rooted.ts';

export interface BatchOptions {
  readonly sessionOf: (tree: TreeReader) => RenderSession;
  readonly finishRoot: (rooted: Rooted, request: FolderRequest) => RenderResult;
  /** What `finishRoot` gave, where nothing is substituted. */
  readonly finishedOf: (rooted: Rooted) => RenderResult | undefined;
  readonly variablesOf: (source: ApplicationSource, rooted: Rooted) => readonly string[];
  readonly valuesKey: (names: readonly string[], cluster: Cluster, substitution: Substitution) => string;
  /** Undefined: nothing is kept. */
  readonly recall: Recall | undefined;
  readonly digest: (text: string) => Digest;
  readonly turn: (() => Promise<void> | undefined) | undefined;
}

const noRecords = { engine: '', nodes: [], roots: [], results: [] };
/** Letters of the texts whose digests are remembered. */
const keysMax = 10_000_000;

export function createBatchRenderer(options: BatchOptions) {
  const { sessionOf, digest } = options;

  const keys = new Lru<Digest>(keysMax);
  const rootKey = (place: Place, { repository, ref, substitute }: ApplicationSource): Digest | undefined => {
    const text = place.kind === 'folder' ? place.folder : place.inputs;
    if (text === undefined) return undefined;
    // Each branch has a root of its own: one folder of two would be remembered for the latter alone.
    const id = `${place.kind} ${substitute === undefined ? '' : 'substituted'} ${JSON.stringify([repository, ref])} ${text}`;
    const key = keys.get(id) ?? digest(id);
    keys.set(id, key, id.length);
    return key;
  };

  const valuesOf = (names: readonly string[], { source, cluster }: FolderRequest): string =>
    source.substitute === undefined ? '' : digest(options.valuesKey(names, cluster, source.substitute));

  /** Asks for what is not at hand, all at once. */
  const prefetch = async (
    { source, clusters }: BatchRequest,
    places: readonly (Place | RenderResult)[],
    session: RenderSession,
    recall: Recall,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    const members = new Map<Digest, Cluster[]>();
    for (const [index, cluster] of clusters.entries()) {
      const place = places[index];
      if (place === undefined || !('kind' in place) || recallRoot(place, session) !== undefined) continue;
      const root = rootKey(place, source);
      if (root === undefined) continue;
      const alike = members.get(root);
      if (alike === undefined) members.set(root, [cluster]);
      else if (source.substitute !== undefined) alike.push(cluster);
    }
    const wanted: Wanted[] = [...members].map(([root, alike]) => ({
      root,
      values: (names) => alike.map((cluster) => valuesOf(names, { source, cluster })),
    }));
    await recall.prefetch(wanted, { view: session.view, helm: session.helmVersion }, signal);
  };

  const renderOne = async (
    place: Place,
    request: FolderRequest,
    session: RenderSession,
    { recall, list, noted }: Remembered,
    signal: AbortSignal | undefined,
  ): Promise<RenderResult> => {
    const known = recallRoot(place, session);
    const root = recall && rootKey(place, request.source);
    if (known === undefined && recall && root !== undefined) {
      const kept = recall.find(root, (names) => valuesOf(names, request), session.view);
      if (kept !== undefined) return keptResult(kept);
    }
    const rooted = known ?? (await rootOf(place, request, session, signal));
    const result = options.finishRoot(rooted, request);
    if (list && root !== undefined && result.ok && isNew(noted, root, result)) {
      const source = nodeSourceOf(rooted, place, session);
      const variables = options.variablesOf(request.source, rooted);
      const values = valuesOf(variables, request);
      const helm = source?.inflated ? await session.helmVersion() : '';
      const { rendered } = result;
      if (source !== undefined) list.note({ root, source, helm, variables, values, rendered });
    }
    return result;
  };

  const attempt = async <T>(work: () => Promise<T>): Promise<T | RenderResult> => {
    try {
      return await work();
    } catch (caught) {
      const problem = problemOrFaultOf(caught);
      if (problem === undefined) throw caught;
      return { ok: false, problems: [problem] };
    }
  };

  /** What holds and need not be told: without a turn of the event loop. */
  const heldResult = (
    place: Place,
    { source, memory }: BatchRequest,
    session: RenderSession,
  ): RenderResult | undefined => {
    if (source.substitute !== undefined || (memory === 'keep' && options.recall !== undefined))
      return undefined;
    const known = recallRoot(place, session);
    return known && options.finishedOf(known);
  };

  return {
    async renderAll(request: BatchRequest, signal: AbortSignal | undefined): Promise<BatchResult> {
      const { source, clusters, tree } = request;
      const session = sessionOf(tree);
      const before = { ...session.work };
      const places: (Place | RenderResult)[] = [];
      for (const cluster of clusters) {
        await options.turn?.();
        const one = { source, cluster };
        places.push(peekPlace(one, session) ?? (await attempt(() => findPlace(one, session))));
      }
      const recall = request.memory === 'none' ? undefined : options.recall;
      if (recall !== undefined) await prefetch(request, places, session, recall, signal);
      const list = request.memory === 'keep' ? recall?.list() : undefined;
      const memory: Remembered = { recall, list, noted: new Map() };
      const results: RenderResult[] = [];
      const order = request.take === undefined ? clusters.keys() : byPlace(places);
      const resultOf = async (place: Place | RenderResult, cluster: Cluster): Promise<RenderResult> => {
        if (!('kind' in place)) return place;
        const held = heldResult(place, request, session);
        return held ?? attempt(() => renderOne(place, { source, cluster }, session, memory, signal));
      };
      let last: { readonly key: unknown; readonly result: RenderResult } | undefined;
      for (const index of order) {
        signal?.throwIfAborted();
        await options.turn?.();
        const [place, cluster] = [places[index], clusters[index]];
        if (place === undefined || cluster === undefined) continue;
        if (request.take === undefined) {
          results.push(await resultOf(place, cluster));
          continue;
        }
        // Those of a place come together: once, even of one too large to be remembered.
        const key = source.substitute === undefined ? placeKey(place) : place;
        const now =
          last !== undefined && last.key === key ? last : { key, result: await resultOf(place, cluster) };
        last = now;
        await request.take(cluster, now.result);
      }
      const records = list?.records() ?? noRecords;
      return { results, records, work: workSince(before, session.work) };
    },
  };
}

/** The same for clusters that share a render; those whose chart's inputs are not known share nothing. */
function placeKey(place: Place | RenderResult): unknown {
  if (!('kind' in place)) return place;
  return (place.kind === 'folder' ? place.folder : place.inputs) ?? place;
}

/** Indices of clusters, those of one place together. */
function byPlace(places: readonly (Place | RenderResult)[]): readonly number[] {
  const groups = new Map<unknown, number[]>();
  for (const [index, place] of places.entries()) {
    const key = placeKey(place);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  return [...groups.values()].flat();
}

/** Results of one batch, by root: of ten thousand clusters that share one it is noted once. */
type Noted = Map<Digest, Set<RenderResult>>;

interface Remembered {
  readonly recall: Recall | undefined;
  /** Undefined: nothing is told. */
  readonly list: RecordList | undefined;
  readonly noted: Noted;
}

function isNew(noted: Noted, root: Digest, result: RenderResult): boolean {
  const ofRoot = noted.get(root) ?? new Set();
  noted.set(root, ofRoot);
  return ofRoot.size < ofRoot.add(result).size;
}

const kept = new WeakMap<object, RenderResult>();

/** The same result for the same set. */
function keptResult(rendered: Extract<RenderResult, { ok: true }>['rendered']): RenderResult {
  const result = kept.get(rendered) ?? { ok: true, rendered };
  kept.set(rendered, result);
  return result;
}

function nodeSourceOf(rooted: Rooted, place: Place, session: RenderSession): NodeSource | undefined {
  if (rooted.kind !== 'chart') return rooted;
  return place.kind === 'chart' ? session.charts.get(place.inputs ?? '')?.made : undefined;
}
