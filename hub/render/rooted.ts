/** What is rendered for a cluster: which folder or chart, and that once it is built. */
import type { Built } from './builder.ts';
import { chartInputs } from './chart-inputs.ts';
import { chooseFolder, type FolderRequest, peekFolder } from './choose-folder.ts';
import { createFootprint } from './graph/footprint.ts';
import type { RenderedChart } from './helm/helm-renderer.ts';
import { problemError } from './render-error.ts';
import { chartSource, type RenderSession } from './render-session.ts';

export type Rooted = Built | RenderedChart;

/** The same for all clusters that share a render. */
export type Place =
  | { readonly kind: 'folder'; readonly folder: string }
  /** Undefined inputs: rendering will say what is wrong with them. */
  | { readonly kind: 'chart'; readonly inputs: string | undefined };

/** As far as it is known without the reader. */
export function peekPlace(request: FolderRequest, { view }: RenderSession): Place | undefined {
  const { source, cluster } = request;
  if (source.helm !== undefined) return { kind: 'chart', inputs: chartInputs(source, cluster) };
  const folder = peekFolder(request, view);
  return folder === undefined ? undefined : { kind: 'folder', folder };
}

/** @throws a Problem where there is no such folder. */
export async function findPlace(request: FolderRequest, session: RenderSession): Promise<Place> {
  return peekPlace(request, session) ?? { kind: 'folder', folder: await chooseFolder(request, session.view) };
}

/** What was built before, for this commit or one that is the same here. */
export function recallRoot(place: Place, session: RenderSession): Rooted | undefined {
  if (place.kind === 'folder') return session.builds.recall(place.folder);
  return place.inputs === undefined ? undefined : session.charts.get(place.inputs)?.chart;
}

/** @throws a Problem. */
export async function rootOf(
  place: Place,
  request: FolderRequest,
  session: RenderSession,
  signal: AbortSignal | undefined,
): Promise<Rooted> {
  const known = recallRoot(place, session);
  if (known !== undefined) return known;
  return place.kind === 'folder'
    ? session.builds.build(place.folder, signal)
    : buildChart(place.inputs, request, session, signal);
}

async function buildChart(
  inputs: string | undefined,
  { source, cluster }: FolderRequest,
  { view, files, helm, charts }: RenderSession,
  signal: AbortSignal | undefined,
): Promise<RenderedChart> {
  if (helm === undefined || source.helm === undefined)
    throw problemError('unsupported', { field: 'spec.source.helm' }, 'charts are not rendered here');
  const probes = new Map<string, string>();
  const request = { source: { ...source, helm: source.helm }, cluster };
  const chart = await helm.build(request, { view, files, probes }, signal);
  if (inputs !== undefined) charts.set(inputs, { chart, made: chartSource(createFootprint('', '', probes)) });
  return chart;
}
