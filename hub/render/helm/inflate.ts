/**
 * `helmCharts` of a kustomization, as kustomize inflates them (api internal/builtins/HelmChartInflationGenerator.go, 5.8, with --enable-helm) and by the same runs as
 * an Application's chart. What differs: nothing is pulled, a chart has to be in `chartHome` already; a chart that hangs on chance is refused.
 */
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import { printFieldPath } from '../../model/trace-path.ts';
import { helmGenerated } from '../kustomize/inflation.ts';
import { builtInSchema } from '../kustomize/schema.ts';
import { MergeError, strategicMerge } from '../kustomize/strategic-merge.ts';
import { withNulls } from '../kustomize/values.ts';
import type { RenderLimits } from '../limits.ts';
import { objectsOf } from '../objects-of.ts';
import { type Place, problemError } from '../render-error.ts';
import { createResource, type Resource } from '../resource.ts';
import { type Spot, spotBelow, type WrittenPath } from '../trace/lineage.ts';
import { joinPath, type Probes, type TreeView } from '../tree-view.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import { type ChartLayers, ownLayer, type ValueLayer, valueText, writtenIn } from './chart-layers.ts';
import type { ChartRuns } from './chart-runs.ts';
import type { ValueFile } from './helm-runner.ts';
import { templatesOf, tryResources } from './parse-output.ts';
import type { Chart, ChartReader } from './read-chart.ts';

/** An entry of `helmCharts` (api types/helmchartargs.go). */
export interface HelmChartArgs {
  readonly name?: string;
  readonly version?: string;
  readonly repo?: string;
  readonly releaseName?: string;
  readonly namespace?: string;
  readonly nameTemplate?: string;
  readonly valuesFile?: string;
  readonly additionalValuesFiles?: readonly string[];
  readonly valuesInline?: JsonObject;
  readonly valuesMerge?: string;
  readonly includeCRDs?: boolean;
  readonly skipHooks?: boolean;
  readonly skipTests?: boolean;
  readonly apiVersions?: readonly string[];
  readonly kubeVersion?: string;
}

export interface InflateRequest {
  readonly args: HelmChartArgs;
  /** Relative to the kustomization's folder. */
  readonly chartHome: string;
  readonly namespace: string;
  readonly folder: string;
  readonly place: Place & { readonly field?: string };
  readonly view: TreeView;
  readonly probes: Probes;
  /** A file in or below the kustomization's folder, noted in `probes`. @throws a Problem. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly signal: AbortSignal | undefined;
}

export interface ChartInflator {
  /** Objects in the order of installation. @throws a Problem. */
  inflate(request: InflateRequest): Promise<readonly Resource[]>;
  /** Of a chart that `inflate` has rendered: its values, layer by layer. @param spot of its entry. @throws as `inflate`. */
  layers(request: InflateRequest, spot: Spot): Promise<ChartLayers>;
}

const merges: readonly string[] = ['', 'override', 'merge', 'replace'];

export function createChartInflator(options: {
  readonly runs: ChartRuns;
  readonly reader: ChartReader;
  readonly limits: RenderLimits;
}): ChartInflator {
  const { runs, reader, limits } = options;
  return {
    inflate: async (request) => {
      checkArgs(request);
      const { place, view, signal } = request;
      const home = chartHomeOf(request);
      const chart = await findChart(request, home, reader);
      const asked = { ...askedOf(request), valueFiles: await valuesOf(request, home, limits) };
      const output = await runs.run(asked, chart, view, place, signal);
      return resourcesOf(output.bytes, chart, limits);
    },
    layers: async (request, spot) => {
      const home = chartHomeOf(request);
      const chart = await findChart(request, home, reader);
      const asked = askedOf(request);
      const given = await valuesOf(request, home, limits);
      const layers = await layersOf(request, spot, home, given);
      return {
        ...{ chart, source: 'repository', layers: [ownLayer(chart, 'repository'), ...layers] },
        run: async (valueFiles) => {
          const output = await runs.once({ ...asked, valueFiles, chart: chart.files }, request.signal);
          return output && tryResources(() => resourcesOf(output, chart, limits));
        },
      };
    },
  };
}

function askedOf({ args, namespace }: InflateRequest) {
  return {
    // What helm calls a release without a name.
    releaseName: args.releaseName || 'release-name',
    ...(args.nameTemplate ? { nameTemplate: args.nameTemplate } : {}),
    namespace: namespace || 'default',
    kubeVersion: args.kubeVersion ?? '',
    apiVersions: args.apiVersions ?? [],
    includeCrds: args.includeCRDs ?? false,
    skipTests: args.skipTests ?? false,
    skipHooks: args.skipHooks ?? false,
  };
}

/** What an entry says over the chart's own values, in the order in which it counts. */
async function layersOf(
  { args, folder, readFile }: InflateRequest,
  spot: Spot,
  home: string,
  given: readonly ValueFile[],
): Promise<readonly ValueLayer[]> {
  const { valuesInline = {}, valuesMerge = 'override', valuesFile = '', additionalValuesFiles = [] } = args;
  const [first] = given;
  const start = first === undefined ? [] : [first];
  const name = valuesFile || `${home}/${args.name ?? ''}/values.yaml`;
  const file = async (path: string, field: WrittenPath, upTo: readonly ValueFile[]): Promise<ValueLayer> => {
    const place = (line: number) => writtenIn('repository', joinPath(folder, path) ?? path, line);
    const texts = [valueText(await readFile(path), place)];
    const text = printFieldPath(field);
    return { ...{ name: text, configuredAt: spotBelow(spot, ...field), texts, given: upTo, at: place(1) } };
  };
  const inlineAt = spotBelow(spot, 'valuesInline');
  const inline = (upTo: readonly ValueFile[]): ValueLayer => ({
    ...{ name: 'valuesInline', configuredAt: inlineAt, given: upTo, at: inlineAt },
    texts: [{ prefix: [], values: valuesInline, at: (path) => spotBelow(inlineAt, ...path) }],
  });
  const own = async (upTo: readonly ValueFile[]) =>
    valuesFile === '' ? [] : [await file(valuesFile, ['valuesFile'], upTo)];
  const alone = async () => [{ name, bytes: await readFile(name) }];
  const inlineAlone = {
    name: 'valuesInline',
    bytes: new TextEncoder().encode(canonicalJson(valuesInline as Json)),
  };
  const layers =
    Object.keys(valuesInline).length === 0
      ? await own(start)
      : valuesMerge === 'replace'
        ? [inline(start)]
        : valuesMerge === 'merge'
          ? [
              inline([inlineAlone]),
              await file(name, [valuesFile === '' ? 'valuesMerge' : 'valuesFile'], start),
            ]
          : [...(await own(await alone())), inline(start)];
  const added = additionalValuesFiles.map((path, index) =>
    file(
      path,
      ['additionalValuesFiles', index],
      [...start, ...given.slice(start.length, start.length + index + 1)],
    ),
  );
  return [...layers, ...(await Promise.all(added))];
}

function checkArgs({ args, place }: InflateRequest): void {
  const refuse = (message: string) => problemError('invalid_manifest', place, message);
  const { name = '', releaseName = '', nameTemplate = '', valuesMerge = '' } = args;
  if (name === '') throw refuse('expected the name of a chart');
  for (const text of [name, releaseName, args.kubeVersion ?? '', ...(args.apiVersions ?? [])])
    if (text.startsWith('-') || text.includes(',') || text.includes('..'))
      throw refuse(`${JSON.stringify(text)} is no name or version`);
  if (nameTemplate !== '' && releaseName !== '')
    throw refuse('helm takes a releaseName or a nameTemplate, not both');
  // Functions of a template are called by their names only.
  if (nameTemplate.includes('getHostByName'))
    throw refuse('nameTemplate: there is no network while rendering: leave getHostByName out');
  if (!merges.includes(valuesMerge)) throw refuse('expected valuesMerge to be merge, override or replace');
}

function chartHomeOf({ args, chartHome }: InflateRequest): string {
  const home = chartHome || 'charts';
  const { name = '', version = '', repo = '' } = args;
  return version !== '' && repo !== '' ? `${home}/${name}-${version}` : home;
}

async function findChart(request: InflateRequest, home: string, reader: ChartReader): Promise<Chart> {
  const { args, folder, place, view, probes, signal } = request;
  const path = `${home}/${args.name ?? ''}`;
  const joined = path.startsWith('/') ? undefined : joinPath(folder, path);
  if (joined === undefined)
    throw problemError('invalid_manifest', place, `${path} leads out of the repository`);
  const found = await view.find(joined, probes);
  if (found?.entry.type === 'directory') return reader.fromTree(view, found, probes, signal);
  throw problemError(
    'not_found',
    place,
    (args.repo ?? '') === ''
      ? `there is no chart in ${joined}`
      : `there is no chart in ${joined}, and none is pulled while rendering: commit what "kustomize build --enable-helm" puts there, or use an Application with source.helm`,
  );
}

/** The chart's own values or the file instead of them, with the inline ones put over or under them; then the additional files. */
async function valuesOf(
  request: InflateRequest,
  home: string,
  limits: RenderLimits,
): Promise<readonly ValueFile[]> {
  const { args, readFile } = request;
  const { valuesInline = {}, valuesMerge = 'override' } = args;
  const name = args.valuesFile || `${home}/${args.name ?? ''}/values.yaml`;
  const files: ValueFile[] = [];
  if (Object.keys(valuesInline).length === 0) files.push({ name, bytes: await readFile(name) });
  else {
    const merged =
      valuesMerge === 'replace' ? valuesInline : mergeValues(request, name, await readFile(name), limits);
    const text = canonicalJson(withNulls(merged as Json));
    files.push({ name: `${name} with valuesInline`, bytes: new TextEncoder().encode(text) });
  }
  for (const path of args.additionalValuesFiles ?? [])
    files.push({ name: path, bytes: await readFile(path) });
  return files;
}

function mergeValues(
  { args, place }: InflateRequest,
  name: string,
  bytes: Uint8Array,
  limits: RenderLimits,
): JsonObject {
  const parsed = parseYaml(bytes, limits);
  if (!parsed.ok) throw problemError(parsed.failure.code, place, `${name}: ${parsed.failure.message}`);
  const own = (parsed.documents[0]?.value ?? {}) as Json;
  if (typeof own !== 'object' || own === null || Array.isArray(own))
    throw problemError('invalid_manifest', place, `${name}: expected a mapping`);
  const inline = args.valuesInline ?? {};
  try {
    const [under, over] = args.valuesMerge === 'merge' ? [inline, own] : [own, inline];
    return strategicMerge(under as JsonObject, over as JsonObject, builtInSchema) ?? {};
  } catch (caught) {
    if (!(caught instanceof MergeError)) throw caught;
    throw problemError(
      'invalid_manifest',
      place,
      `${name} and valuesInline cannot be merged: ${caught.message}`,
    );
  }
}

function resourcesOf(output: Uint8Array, chart: Chart, limits: RenderLimits): readonly Resource[] {
  const parsed = parseYaml(output, limits);
  if (!parsed.ok)
    throw problemError(
      parsed.failure.code,
      { file: chart.folder },
      `once rendered: ${parsed.failure.message}`,
    );
  const templateAt = templatesOf(output, chart.folder);
  return objectsOf(parsed.documents, chart.folder).map(({ object, place }) => {
    const annotations = { ...(object.metadata.annotations ?? {}), [helmGenerated]: 'true' };
    const marked = { ...object, metadata: { ...object.metadata, annotations } };
    return createResource(marked, { file: templateAt(place.line) || chart.folder, line: 0 });
  });
}
