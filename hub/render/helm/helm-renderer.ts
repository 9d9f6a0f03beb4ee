/**
 * Charts, by the real `helm template` (HelmRunner): what is asked is worked out here, what comes back becomes resources like any others. Equal input is one
 * run, remembered by content. An input that is new is run twice, the second time with another clock, and refused where the two differ: a
 * chart whose output hangs on chance would roll out anew whenever it is rendered. Nothing outside the chart is read: checkChart has the ways there.
 */
import { createHash } from 'node:crypto';
import { FairwayError } from '../../../shared/error/error.ts';
import type { ApplicationSource, Cluster, HelmSource } from '../../model/fleet.ts';
import type { FileLoader } from '../file-loader.ts';
import type { RenderLimits } from '../limits.ts';
import { Lru } from '../lru.ts';
import { problemError, problemOf } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import { joinPath, type TreeView } from '../tree-view.ts';
import { checkChart, checkVersion } from './check-chart.ts';
import { compareRuns } from './compare-runs.ts';
import type { ChartArchives, HelmOutcome, HelmRequest, HelmRunner } from './helm-runner.ts';
import { withMovedClock } from './moved-clock.ts';
import { parseOutput, resourcesOf } from './parse-output.ts';
import { type Chart, createChartReader } from './read-chart.ts';
import { readValueFiles } from './value-files.ts';

export interface HelmRendererOptions {
  readonly runner: HelmRunner;
  /** Undefined: only charts in Git. */
  readonly archives: ChartArchives | undefined;
  readonly limits: RenderLimits;
  readonly files: FileLoader;
  /** Counts directoriesBuilt for each run of a new input. */
  readonly onBuilt: () => void;
}

export interface HelmRenderRequest {
  readonly source: ApplicationSource & { readonly helm: HelmSource };
  readonly cluster: Cluster;
}

export interface RenderedChart {
  readonly kind: 'chart';
  /** Of the chart, in Git or as its repository names it. */
  readonly folder: string;
  readonly resources: readonly Resource[];
}

export interface HelmRenderer {
  /** The same object for the same input. @throws a Problem; AbortError; what the reader throws for a broken repository. */
  build(request: HelmRenderRequest, view: TreeView, signal?: AbortSignal): Promise<RenderedChart>;
}

/** Output whose resources are remembered, in bytes. */
const rememberedBytesMax = 128 * 1024 * 1024;
const failuresMax = 1_000;

type Result = { readonly built: RenderedChart; readonly bytes: number } | { readonly failure: FairwayError };

export function createHelmRenderer({
  runner,
  archives,
  limits,
  files,
  onBuilt,
}: HelmRendererOptions): HelmRenderer {
  const reader = createChartReader();
  const known = new Lru<RenderedChart>(rememberedBytesMax);
  const failures = new Lru<FairwayError>(failuresMax);
  const checked = new WeakSet<Chart['files']>();
  // A chart that ran into a limit for one cluster would do so for the next: of a thousand each would wait for the limit of time.
  const exhausted = new WeakMap<TreeView, Map<string, FairwayError>>();
  // Asked once a commit, not once a cluster.
  const versions = new WeakMap<TreeView, string>();
  const archivesRead = new Lru<Chart>(rememberedBytesMax);

  const chartOf = async (
    source: HelmRenderRequest['source'],
    view: TreeView,
    signal: AbortSignal | undefined,
  ): Promise<Chart> => {
    const { helm } = source;
    const chart =
      helm.pin === undefined
        ? await chartInGit(source, view, signal)
        : await chartByPin(helm.chart, helm.pin, signal);
    if (!checked.has(chart.files)) checkChart(chart);
    checked.add(chart.files);
    return chart;
  };

  const chartInGit = async (
    { path, helm }: HelmRenderRequest['source'],
    view: TreeView,
    signal: AbortSignal | undefined,
  ): Promise<Chart> => {
    const field = 'spec.source.helm.chart';
    const folder = joinPath(path, helm.chart);
    if (folder === undefined)
      throw problemError('invalid_manifest', { field }, `${helm.chart} leads out of the repository`);
    const found = await view.find(folder, new Map());
    if (found?.entry.type !== 'directory')
      throw problemError('not_found', { field }, `there is no folder ${folder || '.'} in ${view.name}`);
    return reader.fromTree(view, found, signal);
  };

  const chartByPin = async (
    name: string,
    pin: NonNullable<HelmSource['pin']>,
    signal: AbortSignal | undefined,
  ): Promise<Chart> => {
    const field = 'spec.source.helm.repository';
    if (archives === undefined)
      throw problemError(
        'unsupported',
        { field },
        'charts of repositories cannot be had here, only those in Git',
      );
    const shownAs = `${name}-${pin.version}`;
    const remembered = archivesRead.get(pin.digest);
    if (remembered !== undefined) return { ...remembered, folder: shownAs };
    let archive: Uint8Array;
    try {
      archive = await archives.open({ name, ...pin }, signal);
    } catch (caught) {
      if (!(caught instanceof FairwayError) || caught.code === 'cancelled') throw caught;
      // What heals by itself is tried again with the next resolution.
      const code = caught.code === 'not_found' ? 'not_found' : caught.retry ? 'internal' : 'invalid_manifest';
      throw problemError(code, { field }, caught.message);
    }
    const chart = reader.fromArchive(archive, shownAs);
    checkVersion(chart, name, pin.version);
    archivesRead.set(pin.digest, chart, archive.length * 8 + 1_024);
    return chart;
  };

  const run = async (
    request: HelmRequest,
    chart: Chart,
    signal: AbortSignal | undefined,
  ): Promise<Result> => {
    onBuilt();
    const [outcome, second] = await bothOf(
      runner.template(request, signal),
      runner.template(withMovedClock(request), signal),
    );
    const first = outputOf(outcome, chart);
    // A chart that cannot do with another clock is run as it is: chance is found all the same.
    const again = second.ok ? second.output : outputOf(await runner.template(request, signal), chart);
    const documents = parseOutput(first, chart.folder, limits);
    if (Buffer.compare(first, again) !== 0) {
      const failure = compareRuns(documents, parseOutput(again, chart.folder, limits));
      if (failure !== undefined) return { failure };
    }
    const resources = resourcesOf(documents, limits);
    return { built: { kind: 'chart', folder: chart.folder, resources }, bytes: first.length };
  };

  return {
    build: async (request, view, signal) => {
      const { source, cluster } = request;
      const version = versions.get(view) ?? (await runner.version(signal));
      if (version === undefined) throw withoutHelm();
      versions.set(view, version);
      const chart = await chartOf(source, view, signal);
      const { helm, path } = source;
      const asked: HelmRequest = {
        chart: chart.files,
        valueFiles: await readValueFiles({ path, helm, cluster }, view, files),
        releaseName: helm.releaseName,
        namespace: helm.namespace,
        kubeVersion: cluster.kubernetesVersion,
        apiVersions: [...(cluster.kubernetesApiVersions ?? [])].sort(),
        includeCrds: helm.includeCrds,
      };
      const key = keyOf(asked, chart, version);
      const built = known.get(key);
      if (built !== undefined) return built;
      const failed = failures.get(key) ?? exhausted.get(view)?.get(chart.digest);
      if (failed !== undefined) throw failed;
      const result = await run(asked, chart, signal).catch((caught: unknown): Result => {
        const problem = problemOf(caught);
        if (problem === undefined) throw caught;
        const failure = caught as FairwayError;
        if (problem.code !== 'resource_exhausted') return { failure };
        // What took too long or too much may do better with the next commit, or another time.
        const ofView = exhausted.get(view) ?? new Map<string, FairwayError>();
        exhausted.set(view, ofView.set(chart.digest, failure));
        throw failure;
      });
      if ('failure' in result) {
        failures.set(key, result.failure);
        throw result.failure;
      }
      known.set(key, result.built, result.bytes * 4 + 1_024);
      return result.built;
    },
  };
}

/** Both have ended when it comes back: nothing of a run that was given up is left. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

/** Chart folders of the same content in two places differ in what messages say. */
function keyOf({ chart: _chart, valueFiles, ...asked }: HelmRequest, chart: Chart, version: string): string {
  const hash = createHash('sha256').update(JSON.stringify([version, chart.folder, chart.digest, asked]));
  for (const { name, bytes } of valueFiles) hash.update(`${name} ${bytes.length} `).update(bytes);
  return hash.digest('hex');
}

function withoutHelm(): FairwayError {
  return problemError(
    'unsupported',
    { field: 'spec.source.helm' },
    'the helm program is not there: install Helm 4 on the PATH of the hub, or name it by helm.binary in its configuration',
  );
}

const codes = {
  missing: 'unsupported',
  failed: 'invalid_manifest',
  timeout: 'resource_exhausted',
  memory: 'resource_exhausted',
  output: 'resource_exhausted',
} as const;

/** @throws a Problem for a run that gave nothing. */
function outputOf(outcome: HelmOutcome, chart: Chart): Uint8Array {
  if (outcome.ok) return outcome.output;
  throw problemError(codes[outcome.reason], { file: chart.folder }, outcome.message);
}
