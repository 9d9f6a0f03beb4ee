/**
 * The render stage (ARCHITECTURE section 5): a commit's tree, an Application's source and a Cluster give a ManifestSet. Pure but for the
 * reads through TreeReader. Caches are by Git object id, so that what did not change is neither read, parsed, built nor digested
 * again, and clusters with the same input share one set.
 */
import type { ApplicationSource, Cluster } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';
import type { RenderedSet } from '../model/rendered.ts';
import type { TreeReader } from '../model/tree.ts';
import { type BuildServices, BuildSession, type Built } from './builder.ts';
import { FileLoader, type RenderStats } from './file-loader.ts';
import { createFinisher } from './finish.ts';
import { createChartRuns } from './helm/chart-runs.ts';
import { createHelmRenderer, type RenderedChart } from './helm/helm-renderer.ts';
import type { ChartArchives, HelmRunner } from './helm/helm-runner.ts';
import { createChartInflator } from './helm/inflate.ts';
import { createChartReader } from './helm/read-chart.ts';
import { finalize } from './kustomize/finalize.ts';
import { defaultLimits, type RenderLimits } from './limits.ts';
import { Lru } from './lru.ts';
import { expandTemplate } from './overlay-templates.ts';
import { problemError, problemOf } from './render-error.ts';
import type { Resource } from './resource.ts';
import { createSubstituteStep } from './substitute/substitute-step.ts';
import { joinPath, TreeView } from './tree-view.ts';

export interface RendererOptions {
  /** Key of the digests of Secrets. */
  readonly digestKey: Uint8Array;
  readonly limits?: Partial<RenderLimits>;
  /** Undefined: charts are refused. */
  readonly helm?: HelmRunner | undefined;
  /** Undefined: charts of repositories are refused. */
  readonly charts?: ChartArchives | undefined;
}

export interface RenderRequest {
  readonly source: ApplicationSource;
  readonly cluster: Cluster;
  /** The commit to render; of the repository that the source names. */
  readonly tree: TreeReader;
}

export type RenderResult =
  | { readonly ok: true; readonly rendered: RenderedSet }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface Renderer {
  /**
   * Never throws for what somebody wrote; Problems about the Application itself (its path and overlays) have an empty file, for the caller to
   * fill from the Application's origin. @throws what the reader throws for a broken repository, and AbortError.
   */
  render(request: RenderRequest, signal?: AbortSignal): Promise<RenderResult>;
  stats(): Readonly<RenderStats>;
}

/** What is turned into a set: a built folder or a chart. */
type Source = Built | RenderedChart;

export function createRenderer(options: RendererOptions): Renderer {
  const limits: RenderLimits = { ...defaultLimits, ...options.limits };
  const stats: RenderStats = {
    renders: 0,
    cacheHits: 0,
    directoriesBuilt: 0,
    filesRead: 0,
    filesParsed: 0,
    bytesParsed: 0,
  };
  const charts =
    options.helm &&
    createCharts(options.helm, limits, () => {
      stats.directoriesBuilt += 1;
    });
  const services: BuildServices = {
    limits,
    stats,
    files: new FileLoader(limits, stats),
    cache: new Lru(limits.builtObjectsMax),
    charts: charts && createChartInflator({ ...charts, limits }),
  };
  const sessions = new WeakMap<TreeReader, BuildSession>();
  const finals = new WeakMap<Source, readonly Resource[]>();
  const finished = new WeakMap<Source, RenderResult>();
  const finisher = createFinisher(options.digestKey);
  const substituteStep = createSubstituteStep<RenderResult>();

  const helm =
    charts && createHelmRenderer({ ...charts, archives: options.charts, limits, files: services.files });

  const buildChart = async (
    { source, cluster }: RenderRequest,
    view: TreeView,
    signal: AbortSignal | undefined,
  ): Promise<RenderedChart> => {
    if (helm === undefined || source.helm === undefined)
      throw problemError('unsupported', { field: 'spec.source.helm' }, 'charts are not rendered here');
    return helm.build({ source: { ...source, helm: source.helm }, cluster }, view, signal);
  };

  const sessionFor = (tree: TreeReader): BuildSession => {
    const known = sessions.get(tree);
    if (known !== undefined) return known;
    const session = new BuildSession(new TreeView(tree), services);
    sessions.set(tree, session);
    return session;
  };

  const finish = (resources: readonly Resource[], folder: string): RenderResult => {
    const outcome = finisher.finish(resources, folder);
    return 'rendered' in outcome
      ? { ok: true, rendered: outcome.rendered }
      : { ok: false, problems: outcome.problems };
  };

  const renderBuilt = (built: Source, { source, cluster }: RenderRequest): RenderResult => {
    const { substitute } = source;
    const final = once(finals, built, () => (built.kind === 'kustomize' ? finalize(built) : built.resources));
    const known =
      substitute === undefined ? finished.get(built) : substituteStep.find(final, cluster, substitute);
    if (known !== undefined) {
      stats.cacheHits += 1;
      return known;
    }
    if (substitute !== undefined)
      return substituteStep.make(final, cluster, substitute, (filled) =>
        filled.ok ? finish(filled.resources, built.folder) : filled,
      );
    const result = finish(final, built.folder);
    finished.set(built, result);
    return result;
  };

  return {
    stats: () => ({ ...stats }),
    render: async (request, signal) => {
      stats.renders += 1;
      try {
        const session = sessionFor(request.tree);
        if (request.source.helm !== undefined)
          return renderBuilt(await buildChart(request, session.view, signal), request);
        const folder = await chooseFolder(request, session.view);
        return renderBuilt(await session.build(folder, signal), request);
      } catch (caught) {
        const problem = problemOf(caught);
        if (problem === undefined) throw caught;
        return { ok: false, problems: [problem] };
      }
    },
  };
}

function createCharts(runner: HelmRunner, limits: RenderLimits, onRun: () => void) {
  return { runs: createChartRuns({ runner, limits, onRun }), reader: createChartReader() };
}

function once<K extends object, V>(known: WeakMap<K, V>, key: K, make: () => V): V {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}

/** The first overlay that is there. @throws a Problem that lists what was tried. */
async function chooseFolder({ source, cluster }: RenderRequest, view: TreeView): Promise<string> {
  const templates = source.overlays.length === 0 ? [''] : source.overlays;
  const tried: string[] = [];
  for (const [index, template] of templates.entries()) {
    const field = source.overlays.length === 0 ? 'spec.source.path' : `spec.source.overlays[${index}]`;
    const expanded = expandTemplate(template, cluster);
    if (!expanded.ok)
      throw problemError(
        'invalid_manifest',
        { field },
        `cluster ${cluster.name} has no value for {{${expanded.unknown}}}; known are cluster.name, cluster.region, cluster.role, ` +
          'and the cluster.labels.* and cluster.variables.* that the Cluster states',
      );
    const folder = joinPath(source.path, expanded.path);
    if (folder === undefined)
      throw problemError('invalid_manifest', { field }, `${expanded.path} leads out of the repository`);
    tried.push(folder === '' ? '.' : folder);
    const found = await view.find(folder, new Map());
    if (found?.entry.type === 'directory') return found.path;
  }
  throw problemError(
    'not_found',
    { field: source.overlays.length === 0 ? 'spec.source.path' : 'spec.source.overlays' },
    `no folder to build for cluster ${cluster.name} in ${view.name}; looked for ${tried.join(', ')}`,
  );
}
