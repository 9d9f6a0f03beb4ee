import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { ManifestSet, Target } from '../../../shared/manifest/target.ts';
import { type PlacedClusters, placedClusters } from '../../fleet/placement.ts';
import type { Application, Cluster, Fleet } from '../../model/fleet.ts';
import type { Problem } from '../../model/problem.ts';
import type { RenderRecords } from '../../model/render-memory.ts';
import type { RenderedObject, RenderedSet } from '../../model/rendered.ts';
import type { SourceKey } from '../../model/revision.ts';
import type { TreeReader } from '../../model/tree.ts';
import { addWork, noWork, type RenderWork } from '../../render/render-work.ts';
import type { MemoryUse, Renderer, RenderResult } from '../../render/renderer.ts';
import type { Store } from '../../store/store.ts';
import { applicationSourceKey } from '../source/revision-of.ts';
import { createPendingRecords } from './pending-records.ts';

export type RenderedPlacement = { readonly set: ManifestSet } | { readonly problems: readonly Problem[] };

export interface FleetOutcome {
  /** Application, then cluster. */
  readonly rendered: ReadonlyMap<string, ReadonlyMap<string, RenderedPlacement>>;
  readonly sets: ReadonlyMap<Digest, RenderedSet>;
  /** To be kept once the sets are. */
  readonly records: RenderRecords;
  /** What it took. */
  readonly work: Readonly<RenderWork>;
}

export type Placements = ReadonlyMap<string, PlacedClusters>;

export interface RenderFleetRequest {
  readonly fleet: Fleet;
  readonly placements: Placements;
  /** @param project the Application's, which says what it may build on. */
  readonly treeOf: (key: SourceKey, project: string | undefined) => Promise<TreeReader>;
  readonly signal: AbortSignal;
  /** `keep` where the sets are kept as well. Default `read`. */
  readonly memory?: MemoryUse | undefined;
  /** Given each result as it comes, in place of the outcome, which stays empty. */
  readonly take?:
    | ((application: Application, cluster: Cluster, result: RenderResult) => Promise<void>)
    | undefined;
}

export interface FleetRenderer {
  render(request: RenderFleetRequest): Promise<FleetOutcome>;
}

/** By application: the clusters that its placement picks. */
export function placeAll(fleet: Fleet): Placements {
  return new Map(
    [...fleet.applications].map(([name, application]) => [name, placedClusters(application, fleet.clusters)]),
  );
}

/** Renders every application for all clusters it is placed on; equal inputs are one render. */
export function createFleetRenderer(renderer: Pick<Renderer, 'renderAll'>): FleetRenderer {
  // What is told once is not told again: that of a render that was given up is kept with the next.
  const pending = createPendingRecords();
  return {
    async render({ fleet, placements, treeOf, signal, memory = 'read', take }) {
      const rendered = new Map<string, ReadonlyMap<string, RenderedPlacement>>();
      const sets = new Map<Digest, RenderedSet>();
      let work: RenderWork = noWork();
      const treeOnce = rememberTrees(treeOf);
      for (const application of fleet.applications.values()) {
        signal.throwIfAborted();
        const names = placements.get(application.name)?.clusters ?? [];
        const clusters = names.flatMap((name) => fleet.clusters.get(name) ?? []);
        if (clusters.length === 0) {
          rendered.set(application.name, new Map());
          continue;
        }
        const tree = await openTree(application, fleet, treeOnce);
        if ('problems' in tree && take !== undefined) {
          for (const cluster of clusters) await take(application, cluster, { ok: false, ...tree });
          continue;
        }
        if ('problems' in tree) {
          rendered.set(application.name, new Map(clusters.map(({ name }) => [name, tree])));
          continue;
        }
        const batch = await renderer.renderAll(
          {
            ...{ source: application.source, clusters, tree: tree.tree, memory },
            ...(take && {
              take: (cluster, result) => take(application, cluster, placedAt(result, application)),
            }),
          },
          signal,
        );
        if (take !== undefined) continue;
        const placementOf = createPlacements(application, sets);
        const outcomes = clusters.flatMap(({ name }, index) => {
          const result = batch.results[index];
          return result === undefined ? [] : [[name, placementOf(result)] as const];
        });
        rendered.set(application.name, new Map(outcomes));
        pending.add(batch.records);
        work = addWork(work, batch.work);
      }
      return { rendered, sets, records: pending.take(), work };
    },
  };
}

/** One reader a source and project: the renderer keeps what it knows of a commit by its reader. */
function rememberTrees(treeOf: RenderFleetRequest['treeOf']): RenderFleetRequest['treeOf'] {
  const known = new Map<string, Promise<TreeReader>>();
  return (key, project) => {
    const id = `${project ?? ''} ${key}`;
    const tree = known.get(id) ?? treeOf(key, project);
    known.set(id, tree);
    return tree;
  };
}

/** One placement a result, however many clusters share it; notes the sets. */
function createPlacements(application: Application, sets: Map<Digest, RenderedSet>) {
  const known = new Map<RenderResult, RenderedPlacement>();
  return (result: RenderResult): RenderedPlacement => {
    const before = known.get(result);
    if (before !== undefined) return before;
    const placement = result.ok
      ? { set: result.rendered.set }
      : { problems: result.problems.map((problem) => atOrigin(problem, application)) };
    known.set(result, placement);
    if (result.ok) {
      const { set } = result.rendered;
      const earlier = sets.get(set.digest);
      // The same set by another way: the one that has its objects counts.
      if (earlier === undefined || earlier.objects.size === 0) sets.set(set.digest, result.rendered);
    }
    return placement;
  };
}

function placedAt(result: RenderResult, application: Application): RenderResult {
  if (result.ok) return result;
  return { ok: false, problems: result.problems.map((problem) => atOrigin(problem, application)) };
}

/** The renderer does not know where the Application is written: a problem about the Application itself gets its file and line here. */
function atOrigin(problem: Problem, { origin }: Application): Problem {
  return problem.file === '' ? { ...problem, file: origin.file, line: origin.line } : problem;
}

async function openTree(
  application: Application,
  fleet: Fleet,
  treeOf: RenderFleetRequest['treeOf'],
): Promise<{ readonly tree: TreeReader } | { readonly problems: readonly Problem[] }> {
  const { repository } = application.source;
  const { file, line } = application.origin;
  if (repository !== '' && !fleet.repositories.has(repository)) {
    const message = `no Repository is named ${repository}; declare one in the fleet folder`;
    return { problems: [{ code: 'not_found', file, line, field: 'spec.source.repository', message }] };
  }
  try {
    return { tree: await treeOf(applicationSourceKey(application, fleet), application.project) };
  } catch (caught) {
    const error = toFairwayError(caught);
    const { code, message } = error;
    if (!(caught instanceof FairwayError) || (code !== 'not_found' && code !== 'unavailable')) throw caught;
    return { problems: [{ code, file, line, field: 'spec.source', message }] };
  }
}

/** How many sets go into the store in one call. */
const setsAtOnce = 50;

/** Keeps what a plan refers to, before the plan: objects, sets, Targets. Known digests cost a look-up. */
export async function saveContent(
  store: Store,
  outcome: Pick<FleetOutcome, 'sets'>,
  targets: readonly Target[],
): Promise<void> {
  const wanted = new Set(targets.map((target) => target.set.digest));
  const sets = [...outcome.sets.values()].filter(({ set }) => wanted.has(set.digest));
  const sent = new Set<Digest>();
  for (let at = 0; at < sets.length; at += setsAtOnce) {
    const batch = sets.slice(at, at + setsAtOnce);
    const objects = new Map<Digest, RenderedObject>();
    for (const { objects: ofSet } of batch)
      for (const [digest, object] of ofSet) if (!sent.has(digest)) objects.set(digest, object);
    for (const digest of objects.keys()) sent.add(digest);
    // Plain: an object that writes its content when asked loses it on the way to the store's thread.
    const plain = [...objects.values()].map(({ digest, content, secret }) => ({ digest, content, secret }));
    await store.content.saveSets(
      batch.map(({ set }) => set),
      plain,
    );
  }
  // The set of a removal is empty and comes from no render.
  const empty = targets.find(({ set }) => set.entries.length === 0 && !outcome.sets.has(set.digest));
  if (empty) await store.content.saveSets([empty.set], []);
  if (targets.length > 0) await store.content.saveTargets(targets);
}

/** Records in one call. */
const recordsAtOnce = 500;

/** Keeps for the next process what the sets were made from; what hangs on sets that are not kept is left out. */
export async function saveRecords(store: Store, records: RenderRecords): Promise<void> {
  const { engine, nodes, roots, results } = records;
  const none = { engine, nodes: [], roots: [], results: [] };
  for (let at = 0; at < nodes.length; at += recordsAtOnce)
    await store.renders.save({ ...none, nodes: nodes.slice(at, at + recordsAtOnce) });
  const byRoot = Map.groupBy(results, ({ root }) => root);
  for (let at = 0; at < roots.length; at += recordsAtOnce) {
    const some = roots.slice(at, at + recordsAtOnce);
    const ofSome = some.flatMap(({ key }) => byRoot.get(key) ?? []);
    await store.renders.save({ ...none, roots: some, results: ofSome });
  }
}
