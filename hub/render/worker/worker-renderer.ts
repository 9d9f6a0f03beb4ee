/**
 * The renderer in a thread of its own, so that the streams' event loop stays free while a large tree is rendered. Trees, the store and helm stay on this
 * side: the thread asks for what it reads. It gives digests back; this side fetches the sets that it has not got, a little at a time.
 */
import { problemOf } from '../render-error.ts';
import { noStats, noWork, type RenderStats } from '../render-work.ts';
import type { BatchRequest, BatchResult, Renderer, RendererOptions } from '../renderer.ts';
import type { TraceResult } from '../trace/trace-result.ts';
import { createSetFetcher } from './fetch-sets.ts';
import { createPorts } from './ports.ts';
import { createThread, type ThreadOptions } from './thread.ts';

export interface WorkerRendererOptions
  extends Omit<RendererOptions, 'turn'>,
    Omit<ThreadOptions, 'input' | 'answer' | 'onStats' | 'onStopped'> {}

export interface WorkerRenderer extends Renderer {
  /** Ends the thread; what is rendered is cancelled. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts its thread with the first order, and a new one when it dies.
 * An order that kills its thread, by the memory it takes or because it does not end, is done once more, alone; then it is a Problem. @throws from render: unavailable
 * when no thread begins to work, or it is closed.
 */
export function createWorkerRenderer(options: WorkerRendererOptions): WorkerRenderer {
  const { digestKey, limits = {}, kustomize, helm, charts, memory } = options;
  const stats = createStats();
  const sets = createSetFetcher();
  const ports = createPorts({ helm, charts, memory: memory?.port, find: sets.find });
  const thread = createThread({
    ...options,
    input: {
      ...{ digestKey, limits, kustomize, engine: memory?.engine },
      helm: helm !== undefined,
      charts: charts !== undefined,
    },
    answer: ports.answer,
    onStats: stats.take,
    onStopped: stats.carry,
  });

  const renderAll = async (request: BatchRequest, signal?: AbortSignal): Promise<BatchResult> => {
    const { take, clusters } = request;
    const outcome = await renderThere(request, signal);
    if (take === undefined) return outcome;
    // They come all at once from the other thread.
    for (const [index, cluster] of clusters.entries()) {
      const result = outcome.results[index];
      if (result !== undefined) await take(cluster, result);
    }
    return { ...outcome, results: [] };
  };

  const renderThere = async (request: BatchRequest, signal?: AbortSignal): Promise<BatchResult> => {
    const { source, clusters, tree, memory: use = 'read' } = request;
    const handle = ports.hold(tree);
    try {
      return await thread.run<BatchResult>(
        { kind: 'render', source, clusters, memory: use, tree: handle },
        signal,
        async (heads, fetch) => {
          const results = await sets.resultsOf(heads.heads, ports.stored, fetch, signal);
          return {
            results: heads.results.flatMap((index) => results[index] ?? []),
            records: heads.records,
            work: heads.work,
          };
        },
      );
    } catch (caught) {
      const refused = refusalOf(caught);
      return { results: clusters.map(() => refused), records: noRecords, work: noWork() };
    } finally {
      ports.letGo(handle);
    }
  };

  return {
    stats: stats.now,
    renderAll,
    async render({ source, cluster, tree }, signal) {
      const { results } = await renderAll({ source, clusters: [cluster], tree, memory: 'none' }, signal);
      const [result] = results;
      return result ?? { ok: false, problems: [] };
    },
    async trace({ source, cluster, tree }, selector, signal) {
      const handle = ports.hold(tree);
      try {
        const order = { kind: 'trace', source, cluster, selector, tree: handle } as const;
        return await thread.run<TraceResult>(order, signal, (result) => result);
      } catch (caught) {
        return refusalOf(caught);
      } finally {
        ports.letGo(handle);
      }
    },
    close: thread.close,
  };
}

const noRecords = { engine: '', nodes: [], roots: [], results: [] };

/** What is said of the order instead of what it would have given. @throws what is no Problem. */
function refusalOf(caught: unknown) {
  const problem = problemOf(caught);
  if (problem === undefined) throw caught;
  return { ok: false, problems: [problem] } as const;
}

/** Counts go on when a new thread begins at nothing. */
function createStats() {
  const nothing = noStats();
  let before = nothing;
  let latest = nothing;
  const now = (): RenderStats => ({
    renders: before.renders + latest.renders,
    cacheHits: before.cacheHits + latest.cacheHits,
    objectsDigested: before.objectsDigested + latest.objectsDigested,
    directoriesBuilt: before.directoriesBuilt + latest.directoriesBuilt,
    filesRead: before.filesRead + latest.filesRead,
    filesParsed: before.filesParsed + latest.filesParsed,
    bytesParsed: before.bytesParsed + latest.bytesParsed,
  });
  return {
    now,
    take(stats: RenderStats) {
      latest = stats;
    },
    carry() {
      before = now();
      latest = nothing;
    },
  };
}
