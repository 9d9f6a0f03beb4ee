/**
 * `helmCharts`, and `helmChartInflationGenerator` as it was called before: each becomes a chart to inflate, in the namespace that kustomize gives it (api
 * internal/target/kusttarget_configplugin.go). And the same generator as an object of its own.
 */
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import type { HelmChartArgs } from '../helm/inflate.ts';
import type { Place } from '../render-error.ts';
import { problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { EntryTrace } from '../trace/entry-trace.ts';
import type { Accumulation } from './accumulate.ts';
import type { Base } from './accumulate-context.ts';
import { helmChartShape, type Shape } from './fields.ts';
import { asGoText } from './go-text.ts';
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
  const chartHome = chartHomeOf(from.kustomization);
  const resources: Resource[] = [];
  for (const { args, field, index } of chartsOf(from.kustomization)) {
    const place = placeOf(field, index);
    const inherited = args.namespace || namespace || from.helmNamespace;
    const entry = { args, chartHome, namespace: inherited, place };
    resources.push(...(await inflate(from, entry, from.trace?.entry(field, index))));
  }
  return resources;
}

/** A HelmChartInflationGenerator under `generators`: it has a home of its own, and no namespace but the one that it states. @throws a Problem. */
export async function inflateDescribed<B extends Base>(
  from: Accumulation<B>,
  config: Readonly<Record<string, Json>>,
  place: Place,
  trace: EntryTrace | undefined,
): Promise<readonly Resource[]> {
  const { chartHome = '', ...args } = config as HelmChartArgs & { readonly chartHome?: string };
  return await inflate(from, { args, chartHome, namespace: args.namespace ?? '', place }, trace);
}

interface Entry {
  readonly args: HelmChartArgs;
  readonly chartHome: string;
  /** Undefined: not known yet. */
  readonly namespace: string | undefined;
  readonly place: Place;
}

async function inflate<B extends Base>(
  from: Accumulation<B>,
  { args, chartHome, namespace, place }: Entry,
  trace: EntryTrace | undefined,
): Promise<readonly Resource[]> {
  const { charts, view, probes, signal } = from.context;
  if (charts === undefined)
    throw problemError(
      'unsupported',
      place,
      'charts are not rendered here; fairway render does so with --enable-helm, as kustomize',
    );
  if (namespace === undefined) throw new NeedsNamespace('the namespace of a chart is not known yet');
  const readFile = (path: string) => from.readSource(path, place);
  const { valuesInline, ...rest } = args;
  const request = {
    args: valuesInline === undefined ? args : { ...rest, valuesInline: inlineAsRead(valuesInline) },
    ...{ chartHome, namespace, place, readFile },
    ...{ folder: from.folder, view, probes, signal },
  };
  const inflated = await charts.inflate(request);
  if (trace === undefined) return inflated;
  const layers = await charts.layers(request, trace.spot);
  return inflated.map((resource) => trace.inflated(resource, layers, inflated));
}

/**
 * In kustomize a number or flag under a key of `valuesInline` that is called as a text field of the entry itself becomes a text, as it would in that field (sigs.k8s.io/yaml
 * convertToJSONableObject takes the values for the struct that they are embedded in).
 */
function inlineAsRead(values: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const shape = shapeNamed(key);
      if (shape === 'text') return [key, asText(value)];
      const isList = typeof shape === 'object' && 'list' in shape && Array.isArray(value);
      return [key, isList ? (value as readonly Json[]).map(asText) : value];
    }),
  ) as JsonObject;
}

function shapeNamed(key: string): Shape | undefined {
  const shapes: Readonly<Record<string, Shape>> = helmChartShape;
  if (Object.hasOwn(shapes, key)) return shapes[key];
  return Object.entries(shapes).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
}

function asText<T extends Json | undefined>(value: T): T | string {
  return value === null || value === undefined || typeof value === 'object' ? value : asGoText(value);
}
