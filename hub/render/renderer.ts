/**
 * The render stage: a commit's tree, an Application's source and a Cluster give a ManifestSet. Pure but for the
 * reads through TreeReader. Caches are by Git object id, so that what did not change is neither read, parsed, built nor digested
 * again, and clusters with the same input share one set.
 */
import { keyedDigest } from '../../shared/manifest/canonical.ts';
import type { ApplicationSource, Cluster } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';
import type { RenderMemory, RenderRecords } from '../model/render-memory.ts';
import type { RenderedSet } from '../model/rendered.ts';
import type { ObjectSelector } from '../model/trace.ts';
import type { TreeReader } from '../model/tree.ts';
import { createBuildCache } from './builder.ts';
import { createFileCache } from './file-loader.ts';
import { createFinisher } from './finish.ts';
import { createRecall } from './graph/recall.ts';
import type { ChartArchives, HelmRunner } from './helm/helm-runner.ts';
import { type Finalizable, finalize } from './kustomize/finalize.ts';
import type { LoadRestrictor } from './kustomize/loader.ts';
import { asFound } from './kustomize/sort-order.ts';
import { defaultLimits, type RenderLimits } from './limits.ts';
import { createBatchRenderer } from './render-batch.ts';
import { problemOrFaultOf } from './render-error.ts';
import { createSessions, type RenderSession } from './render-session.ts';
import { noStats, type RenderStats, type RenderWork } from './render-work.ts';
import type { Resource } from './resource.ts';
import { findPlace, type Place, type Rooted, rootOf } from './rooted.ts';
import { createSubstituteStep } from './substitute/substitute-step.ts';
import { traceObject } from './trace/trace-object.ts';
import type { TraceResult } from './trace/trace-result.ts';

export interface RendererOptions {
  /** Key of the digests of Secrets. */
  readonly digestKey: Uint8Array;
  readonly limits?: Partial<RenderLimits>;
  /** Undefined: charts are refused. */
  readonly helm?: HelmRunner | undefined;
  /** Undefined: charts of repositories are refused. */
  readonly charts?: ChartArchives | undefined;
  /** kustomize's flags. Default: files from a kustomization's own folder, sorted where no `sortOptions` say otherwise. */
  readonly kustomize?: KustomizeFlags | undefined;
  /** What an earlier process kept; undefined: nothing is taken from it, nor told for it. */
  readonly memory?: RendererMemory | undefined;
  /**
   * How many objects are remembered of folders that were built for themselves. Undefined: as those of bases, for whom the next commit comes. Who renders
   * one commit once and hands on what comes says how many may be on their way.
   */
  readonly topObjectsMax?: number | undefined;
  /** Called often in a batch: gives others their turn when it is time. Undefined: never. */
  readonly turn?: (() => Promise<void> | undefined) | undefined;
}

export interface KustomizeFlags {
  readonly loadRestrictor?: LoadRestrictor | undefined;
  readonly reorder?: 'legacy' | 'none' | undefined;
}

export interface RendererMemory {
  readonly port: RenderMemory;
  /** As in RenderRecords. */
  readonly engine: string;
}

export interface RenderRequest {
  readonly source: ApplicationSource;
  readonly cluster: Cluster;
  /** The commit to render; of the repository that the source names. */
  readonly tree: TreeReader;
}

/** `read`: what an earlier process kept counts. `keep`: and what is made anew is told, since the caller keeps its sets. */
export type MemoryUse = 'none' | 'read' | 'keep';

export interface BatchRequest {
  readonly source: ApplicationSource;
  readonly clusters: readonly Cluster[];
  readonly tree: TreeReader;
  /** Default `read`. */
  readonly memory?: MemoryUse | undefined;
  /**
   * Given each result as it comes, in place of `results`, which stay empty. Clusters that share a folder come one after another, so that it is rendered once
   * even where little is remembered. What it throws ends the batch.
   */
  readonly take?: ((cluster: Cluster, result: RenderResult) => Promise<void> | void) | undefined;
}

export type RenderResult =
  | { readonly ok: true; readonly rendered: RenderedSet }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface BatchResult {
  /** By the clusters' order. Clusters with the same inputs share one. */
  readonly results: readonly RenderResult[];
  /** To be kept with the sets, for the next process. */
  readonly records: RenderRecords;
  /** What it took. */
  readonly work: Readonly<RenderWork>;
}

export interface Renderer {
  /**
   * Never throws for what somebody wrote; Problems about the Application itself (its path and overlays) have an empty file, for the caller to
   * fill from the Application's origin. @throws what the reader throws for a broken repository, and AbortError.
   */
  render(request: RenderRequest, signal?: AbortSignal): Promise<RenderResult>;
  /** As `render` for each cluster; a set that an earlier process has kept comes without its objects. */
  renderAll(request: BatchRequest, signal?: AbortSignal): Promise<BatchResult>;
  /**
   * Why one object of what `render` gives is as it is. Builds anew, for this alone. Problems as `render` has them; not_found and conflict without a file where
   * the selector means none or several, which the message names. @throws as `render` does.
   */
  trace(request: RenderRequest, selector: ObjectSelector, signal?: AbortSignal): Promise<TraceResult>;
  stats(): Readonly<RenderStats>;
}

export function createRenderer(options: RendererOptions): Renderer {
  const limits: RenderLimits = { ...defaultLimits, ...options.limits };
  const stats = noStats();
  const sessions = createSessions({
    ...{ limits, total: stats, helm: options.helm, archives: options.charts },
    loadRestrictor: options.kustomize?.loadRestrictor,
    files: createFileCache(limits),
    cache: createBuildCache(limits, options.topObjectsMax),
  });
  const finals = new WeakMap<Rooted, readonly Resource[]>();
  const finished = new WeakMap<Rooted, RenderResult>();
  const finisher = createFinisher(options.digestKey, () => {
    stats.objectsDigested += 1;
  });
  const substituteStep = createSubstituteStep<RenderResult>(limits.builtObjectsMax);
  const { memory } = options;

  /** As kustomize: `sortOptions` count before the flag. */
  const ordered = (built: Finalizable): Finalizable =>
    options.kustomize?.reorder === 'none' && built.sort === undefined ? { ...built, sort: asFound } : built;

  const finish = (resources: readonly Resource[], folder: string): RenderResult => {
    const outcome = finisher.finish(resources, folder);
    return 'rendered' in outcome
      ? { ok: true, rendered: outcome.rendered }
      : { ok: false, problems: outcome.problems };
  };

  const finalNow = (rooted: Rooted) =>
    rooted.kind === 'kustomize' ? finalize(ordered(rooted)) : rooted.resources;
  /** Remembered where it is needed for each cluster. */
  const finalOf = (rooted: Rooted) => once(finals, rooted, () => finalNow(rooted));

  const finishRoot = (rooted: Rooted, { source, cluster }: Omit<RenderRequest, 'tree'>): RenderResult => {
    const { substitute } = source;
    const known =
      substitute === undefined
        ? finished.get(rooted)
        : substituteStep.find(finalOf(rooted), cluster, substitute);
    if (known !== undefined) {
      stats.cacheHits += 1;
      return known;
    }
    if (substitute !== undefined)
      return substituteStep.make(finalOf(rooted), cluster, substitute, (filled) =>
        filled.ok ? finish(filled.resources, rooted.folder) : filled,
      );
    const result = finish(finalNow(rooted), rooted.folder);
    finished.set(rooted, result);
    return result;
  };

  const renderPlace = async (
    place: Place,
    request: Omit<RenderRequest, 'tree'>,
    session: RenderSession,
    signal: AbortSignal | undefined,
  ): Promise<RenderResult> => finishRoot(await rootOf(place, request, session, signal), request);

  const batches = createBatchRenderer({
    sessionOf: sessions.of,
    finishRoot,
    finishedOf: (rooted) => {
      const known = finished.get(rooted);
      if (known !== undefined) stats.cacheHits += 1;
      return known;
    },
    variablesOf: ({ substitute }, rooted) => (substitute ? substituteStep.namesIn(finalOf(rooted)) : []),
    valuesKey: substituteStep.valuesKey,
    recall: memory && createRecall(memory.port, memory.engine),
    // Keyed: a digest of variables' values must not tell them.
    digest: (text) =>
      keyedDigest(JSON.stringify([memory?.engine, limits, options.kustomize, text]), options.digestKey),
    turn: options.turn,
  });

  return {
    stats: () => ({ ...stats }),
    render: async (request, signal) => {
      stats.renders += 1;
      try {
        const session = sessions.of(request.tree);
        return await renderPlace(await findPlace(request, session), request, session, signal);
      } catch (caught) {
        const problem = problemOrFaultOf(caught);
        if (problem === undefined) throw caught;
        return { ok: false, problems: [problem] };
      }
    },
    trace: (request, selector, signal) =>
      traceObject(request, selector, sessions.traced(request.tree), limits, signal),
    renderAll: (request, signal) => {
      stats.renders += request.clusters.length;
      return batches.renderAll(request, signal);
    },
  };
}

function once<K extends object, V>(known: WeakMap<K, V>, key: K, make: () => V): V {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}
