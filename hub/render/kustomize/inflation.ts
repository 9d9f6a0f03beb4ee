/** `helmCharts`, and `helmChartInflationGenerator` as it was called before: each becomes a chart to inflate, in the namespace that kustomize gives it (api internal/target/kusttarget_configplugin.go). */

import type { HelmChartArgs } from '../helm/inflate.ts';
import type { Place } from '../render-error.ts';
import { problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { Accumulation, Base } from './accumulate.ts';
import type { Kustomization } from './kustomization.ts';

/** kustomize sets no namespace on what comes from a chart; it knows it by this annotation, which goes at the end. */
export const helmGenerated = 'internal.config.kubernetes.io/helm-generated';

/** A base has a chart without a namespace, which is then that of the overlay that the build began with: it has to be built knowing it. */
export class NeedsNamespace extends Error {}

interface WrittenChart {
  readonly args: HelmChartArgs;
  readonly field: string;
  readonly index: number;
}

/** Those of the deprecated field come last (api/types FixKustomizationPostUnmarshalling). */
function chartsOf({ helmCharts = [], helmChartInflationGenerator = [] }: Kustomization): WrittenChart[] {
  return [
    ...helmCharts.map((args, index) => ({ args, field: 'helmCharts', index })),
    ...helmChartInflationGenerator.map((old, index) => ({
      args: withoutAbsent({
        name: old.chartName,
        version: old.chartVersion,
        repo: old.chartRepoUrl,
        valuesFile: old.values,
        valuesInline: old.valuesLocal,
        valuesMerge: old.valuesMerge,
        releaseName: old.releaseName,
      }),
      field: 'helmChartInflationGenerator',
      index,
    })),
  ];
}

function withoutAbsent<T extends object>(values: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}

/** Of the deprecated field's the last that is stated, unless there are `helmGlobals`. */
function chartHomeOf({ helmGlobals, helmChartInflationGenerator = [] }: Kustomization): string {
  if (helmGlobals !== undefined) return helmGlobals.chartHome ?? '';
  return helmChartInflationGenerator.findLast(({ chartHome = '' }) => chartHome !== '')?.chartHome ?? '';
}

/** @throws a Problem; NeedsNamespace. */
export async function inflateCharts<B extends Base>(
  from: Accumulation<B>,
  placeOf: (field: string, index: number) => Place,
): Promise<readonly Resource[]> {
  const { namespace = '' } = from.kustomization;
  const { charts, view, probes, signal } = from.context;
  const chartHome = chartHomeOf(from.kustomization);
  const resources: Resource[] = [];
  for (const { args, field, index } of chartsOf(from.kustomization)) {
    const place = placeOf(field, index);
    if (charts === undefined)
      throw problemError(
        'unsupported',
        place,
        'charts are not rendered here; fairway render does so with --enable-helm, as kustomize',
      );
    const inherited = args.namespace || namespace || from.helmNamespace;
    if (inherited === undefined) throw new NeedsNamespace('the namespace of a chart is not known yet');
    const request = {
      args,
      chartHome,
      namespace: inherited,
      folder: from.folder,
      place,
      view,
      probes,
      readFile: (path: string) => from.readSource(path, place),
      signal,
    };
    const inflated = await charts.inflate(request);
    const trace = from.trace?.entry(field, index);
    const layers = trace && (await charts.layers(request, trace.spot));
    if (trace === undefined || layers === undefined) resources.push(...inflated);
    else for (const resource of inflated) resources.push(trace.inflated(resource, layers, inflated));
  }
  return resources;
}
