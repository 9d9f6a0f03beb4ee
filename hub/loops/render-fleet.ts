import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { ManifestSet, Target } from '../../shared/manifest/target.ts';
import { type PlacedClusters, placedClusters } from '../fleet/placement.ts';
import type { Application, Cluster, Fleet } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';
import type { RenderedObject, RenderedSet } from '../model/rendered.ts';
import type { SourceKey } from '../model/revision.ts';
import type { TreeReader } from '../model/tree.ts';
import type { Renderer } from '../render/renderer.ts';
import type { Store } from '../store/store.ts';
import { applicationSourceKey } from './revision-of.ts';

export type RenderedPlacement = { readonly set: ManifestSet } | { readonly problems: readonly Problem[] };

export interface FleetOutcome {
  /** Application, then cluster. */
  readonly rendered: ReadonlyMap<string, ReadonlyMap<string, RenderedPlacement>>;
  readonly sets: ReadonlyMap<Digest, RenderedSet>;
}

export type Placements = ReadonlyMap<string, PlacedClusters>;

export interface RenderFleetRequest {
  readonly fleet: Fleet;
  readonly placements: Placements;
  readonly treeOf: (key: SourceKey) => Promise<TreeReader>;
  readonly signal: AbortSignal;
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

/** How many placements are rendered before the event loop gets its turn: streams must not wait for a large fleet. */
const turnEvery = 64;

/** Renders every application for every cluster it is placed on; the renderer's cache makes one render of equal inputs. */
export function createFleetRenderer(renderer: Renderer): FleetRenderer {
  const renderOne = async (
    application: Application,
    cluster: Cluster,
    tree: TreeReader,
    sets: Map<Digest, RenderedSet>,
    signal: AbortSignal,
  ) => {
    const result = await renderer.render({ source: application.source, cluster, tree }, signal);
    if (!result.ok) return { problems: result.problems.map((problem) => atOrigin(problem, application)) };
    sets.set(result.rendered.set.digest, result.rendered);
    return { set: result.rendered.set };
  };

  return {
    async render({ fleet, placements, treeOf, signal }) {
      const rendered = new Map<string, ReadonlyMap<string, RenderedPlacement>>();
      const sets = new Map<Digest, RenderedSet>();
      let count = 0;
      for (const application of fleet.applications.values()) {
        const outcomes = new Map<string, RenderedPlacement>();
        const tree = await openTree(application, fleet, treeOf);
        for (const name of placements.get(application.name)?.clusters ?? []) {
          const cluster = fleet.clusters.get(name);
          if (!cluster) continue;
          if ('problems' in tree) outcomes.set(name, tree);
          else outcomes.set(name, await renderOne(application, cluster, tree.tree, sets, signal));
          count += 1;
          if (count % turnEvery === 0) await new Promise((resolve) => setImmediate(resolve));
          signal.throwIfAborted();
        }
        rendered.set(application.name, outcomes);
      }
      return { rendered, sets };
    },
  };
}

/** The renderer does not know where the Application is written: a problem about the Application itself gets its file and line here. */
function atOrigin(problem: Problem, { origin }: Application): Problem {
  return problem.file === '' ? { ...problem, file: origin.file, line: origin.line } : problem;
}

async function openTree(
  application: Application,
  fleet: Fleet,
  treeOf: (key: SourceKey) => Promise<TreeReader>,
): Promise<{ readonly tree: TreeReader } | { readonly problems: readonly Problem[] }> {
  const { repository } = application.source;
  const { file, line } = application.origin;
  if (repository !== '' && !fleet.repositories.has(repository)) {
    const message = `no Repository is named ${repository}; declare one in the fleet folder`;
    return { problems: [{ code: 'not_found', file, line, field: 'spec.source.repository', message }] };
  }
  try {
    return { tree: await treeOf(applicationSourceKey(application, fleet)) };
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
  outcome: FleetOutcome,
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
    await store.content.saveSets(
      batch.map(({ set }) => set),
      [...objects.values()],
    );
  }
  // The set of a removal is empty and comes from no render.
  const empty = targets.find(({ set }) => set.entries.length === 0 && !outcome.sets.has(set.digest));
  if (empty) await store.content.saveSets([empty.set], []);
  if (targets.length > 0) await store.content.saveTargets(targets);
}
