/**
 * Charts, by the real `helm template` (HelmRunner): what is asked is worked out here, what comes back becomes resources like any others. Equal input is one
 * run, remembered by content. An input that is new is run twice, the second time with another clock, and refused where the two differ: a
 * chart whose output hangs on chance would roll out anew whenever it is rendered. Nothing outside the chart is read: checkChart has the ways there.
 */
import { FairwayError } from '../../../shared/error/error.ts';
import type { ApplicationSource, Cluster, HelmSource } from '../../model/fleet.ts';
import { printFieldPath } from '../../model/trace-path.ts';
import type { FileLoader } from '../file-loader.ts';
import type { RenderLimits } from '../limits.ts';
import { Lru } from '../lru.ts';
import { problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import { joinOwn, type Probes, type TreeView } from '../tree-view.ts';
import { type ChartLayers, ownLayer, type ValueLayer, valueText, writtenIn } from './chart-layers.ts';
import type { ChartOutput, ChartRuns } from './chart-runs.ts';
import { checkVersion } from './check-chart.ts';
import type { ChartArchives, ValueFile } from './helm-runner.ts';
import { parseOutput, resourcesOf, tryResources } from './parse-output.ts';
import type { Chart, ChartReader } from './read-chart.ts';
import { readValueFiles } from './value-files.ts';

export interface HelmRendererOptions {
  readonly runs: ChartRuns;
  readonly reader: ChartReader;
  /** Undefined: only charts in Git. */
  readonly archives: ChartArchives | undefined;
  readonly limits: RenderLimits;
}

export interface HelmRenderRequest {
  readonly source: ApplicationSource & { readonly helm: HelmSource };
  readonly cluster: Cluster;
}

/** The commit that is rendered. */
export interface ChartContext {
  readonly view: TreeView;
  readonly files: FileLoader;
  /** Notes all that is looked at. */
  readonly probes: Probes;
}

export interface RenderedChart {
  readonly kind: 'chart';
  /** Of the chart, in Git or as its repository names it. */
  readonly folder: string;
  readonly resources: readonly Resource[];
}

export interface HelmRenderer {
  /** The same object for the same input. @throws a Problem; AbortError; what the reader throws for a broken repository. */
  build(request: HelmRenderRequest, context: ChartContext, signal?: AbortSignal): Promise<RenderedChart>;
  /** Of a chart that `build` has rendered: its values, layer by layer. @throws as `build`. */
  layers(request: HelmRenderRequest, context: ChartContext, signal?: AbortSignal): Promise<ChartLayers>;
}

/** Archives whose files are remembered, in bytes. */
const rememberedBytesMax = 64 * 1024 * 1024;

export function createHelmRenderer({ runs, reader, archives, limits }: HelmRendererOptions): HelmRenderer {
  const known = new WeakMap<ChartOutput, RenderedChart>();
  const archivesRead = new Lru<Chart>(rememberedBytesMax);

  const chartOf = async (
    source: HelmRenderRequest['source'],
    context: ChartContext,
    signal: AbortSignal | undefined,
  ): Promise<Chart> => {
    const { helm } = source;
    return helm.pin === undefined
      ? chartInGit(source, context, signal)
      : chartByPin(helm.chart, helm.pin, signal);
  };

  const chartInGit = async (
    { path, helm }: HelmRenderRequest['source'],
    { view, probes }: ChartContext,
    signal: AbortSignal | undefined,
  ): Promise<Chart> => {
    const field = 'spec.source.helm.chart';
    const folder = joinOwn(path, helm.chart);
    if (folder === undefined)
      throw problemError('invalid_manifest', { field }, `${helm.chart} leads out of the repository`);
    const found = await view.find(folder, probes);
    if (found?.entry.type !== 'directory')
      throw problemError('not_found', { field }, `there is no folder ${folder || '.'} in ${view.name}`);
    return reader.fromTree(view, found, probes, signal);
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

  const askedOf = async ({ source: { helm, path }, cluster }: HelmRenderRequest, context: ChartContext) => ({
    valueFiles: await readValueFiles({ path, helm, cluster }, context),
    releaseName: helm.releaseName,
    namespace: helm.namespace,
    kubeVersion: cluster.kubernetesVersion,
    apiVersions: [...(cluster.kubernetesApiVersions ?? [])].sort(),
    includeCrds: helm.includeCrds,
    skipTests: true,
    skipHooks: false,
  });

  return {
    layers: async (request, context, signal) => {
      const chart = await chartOf(request.source, context, signal);
      const asked = await askedOf(request, context);
      const source = request.source.helm.pin === undefined ? 'repository' : 'chart';
      return {
        ...{ chart, source },
        layers: [ownLayer(chart, source), ...layersOf(request.source, asked.valueFiles)],
        run: async (valueFiles) => {
          const output = await runs.once({ ...asked, valueFiles, chart: chart.files }, signal);
          return output && tryResources(() => resourcesOf(parseOutput(output, chart.folder, limits), limits));
        },
      };
    },
    build: async (request, context, signal) => {
      const { source } = request;
      const chart = await chartOf(source, context, signal);
      const asked = await askedOf(request, context);
      const output = await runs.run(asked, chart, context.view, { field: 'spec.source.helm' }, signal);
      let made = known.get(output);
      if (made === undefined) {
        made = { kind: 'chart', folder: chart.folder, resources: resourcesOf(output.documents, limits) };
        known.set(output, made);
      }
      return made;
    },
  };
}

/** What is said over the chart's own values. The Application's inline ones come last. */
function layersOf({ helm }: HelmRenderRequest['source'], files: readonly ValueFile[]): readonly ValueLayer[] {
  const at = (field: string, line = 0) => writtenIn('application', '', line, `spec.source.helm.${field}`);
  return files.map(({ name, bytes, template }, index): ValueLayer => {
    const given = files.slice(0, index + 1);
    if (template === undefined)
      return {
        ...{ name: 'values', configuredAt: at('values'), at: at('values'), given },
        texts: [
          {
            ...{ prefix: [], values: helm.values },
            at: (path) => at(printFieldPath(['values', ...path])),
          },
        ],
      };
    const field = `valueFiles[${template}]`;
    const place = (line: number) => writtenIn('repository', name, line);
    return {
      ...{ name: field, configuredAt: at(field), given, at: place(1) },
      texts: [valueText(bytes, place)],
    };
  });
}
