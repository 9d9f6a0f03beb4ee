import type { TreeReader } from '../model/tree.ts';
import { type BuildCache, BuildSession, createBuildCache } from './builder.ts';
import { type FileCache, FileLoader } from './file-loader.ts';
import type { Footprint } from './graph/footprint.ts';
import type { NodeSource } from './graph/node-of.ts';
import { createChartRuns } from './helm/chart-runs.ts';
import { createHelmRenderer, type HelmRenderer, type RenderedChart } from './helm/helm-renderer.ts';
import type { ChartArchives, HelmRunner } from './helm/helm-runner.ts';
import { createChartInflator } from './helm/inflate.ts';
import { createChartReader } from './helm/read-chart.ts';
import type { LoadRestrictor } from './kustomize/loader.ts';
import type { RenderLimits } from './limits.ts';
import { noWork, type RenderWork } from './render-work.ts';
import type { TraceLog } from './trace/lineage.ts';
import { TreeView } from './tree-view.ts';

/** A chart that was rendered for this commit, and what it was made from. */
export interface ChartOfCommit {
  readonly chart: RenderedChart;
  readonly made: NodeSource;
}

/** One look at one commit. */
export interface RenderSession {
  readonly view: TreeView;
  readonly files: FileLoader;
  readonly builds: BuildSession;
  /** Undefined: charts are refused. */
  readonly helm: HelmRenderer | undefined;
  /** By inputs (chart-inputs.ts). */
  readonly charts: Map<string, ChartOfCommit>;
  /** Version of helm; empty: there is none. */
  readonly helmVersion: () => Promise<string>;
  readonly work: RenderWork;
  /** Only of one in which objects keep their lineage. */
  readonly traced?: TraceLog | undefined;
}

export interface SessionOptions {
  readonly limits: RenderLimits;
  /** Counts for all sessions. */
  readonly total: RenderWork;
  readonly helm: HelmRunner | undefined;
  readonly archives: ChartArchives | undefined;
  /** Default: files are read in and below a kustomization's own folder. */
  readonly loadRestrictor?: LoadRestrictor | undefined;
  readonly files: FileCache;
  readonly cache: BuildCache;
}

export interface Sessions {
  /** One session a reader, as long as that lives. */
  of(tree: TreeReader): RenderSession;
  /** A new one in which each object's lineage is remembered. What is built in it stays in it. */
  traced(tree: TreeReader): RenderSession;
}

export function createSessions(options: SessionOptions): Sessions {
  const { limits, total, files, cache, archives, helm: runner } = options;
  const sessions = new WeakMap<TreeReader, RenderSession>();
  const worksOf = new WeakMap<TreeView, readonly RenderWork[]>();
  const onRun = (view: TreeView) => {
    for (const work of worksOf.get(view) ?? []) work.directoriesBuilt += 1;
  };
  const charts = runner && { runs: createChartRuns({ runner, limits, onRun }), reader: createChartReader() };
  const helm = charts && createHelmRenderer({ ...charts, archives, limits });
  const inflator = charts && createChartInflator({ ...charts, limits });

  const open = (tree: TreeReader, traced: TraceLog | undefined): RenderSession => {
    const work = noWork();
    const works = traced ? [work] : [work, total];
    const view = new TreeView(tree, works);
    worksOf.set(view, works);
    const loader = new FileLoader(limits, files, works);
    const built = traced ? createBuildCache(limits) : cache;
    let version: Promise<string> | undefined;
    const helmVersion = () => {
      version ??= Promise.resolve(runner?.version()).then((found) => found ?? '');
      return version;
    };
    const shared = { helmVersion, loadRestrictor: options.loadRestrictor };
    const services = { limits, works, files: loader, cache: built, charts: inflator, traced, ...shared };
    return {
      ...{ view, files: loader, helm, work, traced },
      builds: new BuildSession(view, services),
      charts: new Map(),
      helmVersion,
    };
  };

  return {
    of(tree) {
      const session = sessions.get(tree) ?? open(tree, undefined);
      sessions.set(tree, session);
      return session;
    },
    traced: (tree) => open(tree, { removals: [] }),
  };
}

/** What an inflated chart stands on. */
export function chartSource(footprint: Footprint): NodeSource {
  return { footprint, inflated: true, bases: new Map() };
}
