/** `helmCharts`: each becomes a chart to inflate, in the namespace that kustomize gives it (api internal/target/kusttarget_configplugin.go). */
import type { Place } from '../render-error.ts';
import { problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { Accumulation, Base } from './accumulate.ts';

/** kustomize sets no namespace on what comes from a chart; it knows it by this annotation, which goes at the end. */
export const helmGenerated = 'internal.config.kubernetes.io/helm-generated';

/** A base has a chart without a namespace, which is then that of the overlay that the build began with: it has to be built knowing it. */
export class NeedsNamespace extends Error {}

/** @throws a Problem; NeedsNamespace. */
export async function inflateCharts<B extends Base>(
  from: Accumulation<B>,
  placeOf: (index: number) => Place,
): Promise<readonly Resource[]> {
  const { helmCharts = [], helmGlobals, namespace = '' } = from.kustomization;
  const { charts, view, probes, signal } = from.context;
  const resources: Resource[] = [];
  for (const [index, args] of helmCharts.entries()) {
    const place = placeOf(index);
    if (charts === undefined)
      throw problemError(
        'unsupported',
        place,
        'charts are not rendered here; fairway render does so with --enable-helm, as kustomize',
      );
    const inherited = args.namespace || namespace || from.helmNamespace;
    if (inherited === undefined) throw new NeedsNamespace('the namespace of a chart is not known yet');
    const inflated = await charts.inflate({
      args,
      chartHome: helmGlobals?.chartHome ?? '',
      namespace: inherited,
      folder: from.folder,
      place,
      view,
      probes,
      readFile: (path) => from.readSource(path, place),
      signal,
    });
    const trace = from.trace?.entry('helmCharts', index);
    for (const resource of inflated) resources.push(trace?.inflated(resource) ?? resource);
  }
  return resources;
}
