/**
 * The traced mode of the renderer: one application is built for one cluster in a session of its own, in which every object keeps its lineage, and the lineage of the
 * object that is asked for becomes a trace. What was parsed, and charts that were run, are taken from the renderer's memory; what was built is not, since it
 * has no lineage.
 */
import type { ObjectSelector, ObjectTrace } from '../../model/trace.ts';
import { finalize, isLocal } from '../kustomize/finalize.ts';
import { findKustomization } from '../kustomize/find-kustomization.ts';
import { builtInSchema } from '../kustomize/schema.ts';
import type { RenderLimits } from '../limits.ts';
import { problemError, problemOrFaultOf } from '../render-error.ts';
import type { RenderSession } from '../render-session.ts';
import type { RenderRequest } from '../renderer.ts';
import type { Resource } from '../resource.ts';
import { findPlace, type Rooted, rootOf } from '../rooted.ts';
import { createSubstituter, type Substituted } from '../substitute/substitute.ts';
import { variablesOf } from '../substitute/variables.ts';
import { FinalTrace } from './final-trace.ts';
import { TraceMaker } from './make-trace.ts';
import { notFound, selectObject } from './select-object.ts';
import { SpotLines } from './spot-lines.ts';
import type { TraceResult } from './trace-result.ts';

/** @param session one that is traced, used for nothing else. @throws what the reader throws for a broken repository, and AbortError. */
export async function traceObject(
  request: RenderRequest,
  selector: ObjectSelector,
  session: RenderSession,
  limits: RenderLimits,
  signal: AbortSignal | undefined,
): Promise<TraceResult> {
  try {
    const rooted = await rootOf(await findPlace(request, session), request, session, signal);
    const filled = await finish(rooted, request, session, signal);
    if (!filled.ok) return filled;
    signal?.throwIfAborted();
    const resource = selectObject(selector, filled.resources);
    const lines = new SpotLines(session.view, limits.fileBytesMax);
    if (resource === undefined) throw await whyNot(selector, filled.resources, rooted, session, lines);
    return { ok: true, traces: [await traceOf(resource, lines, rooted)] };
  } catch (caught) {
    const problem = problemOrFaultOf(caught);
    if (problem === undefined) throw caught;
    return { ok: false, problems: [problem] };
  }
}

/** What there is instead, or what took the object away. */
async function whyNot(
  selector: ObjectSelector,
  resources: readonly Resource[],
  rooted: Rooted,
  { view, traced }: RenderSession,
  lines: SpotLines,
): Promise<Error> {
  const local = rooted.resources.filter(({ object }) => isLocal(object));
  const asked = `${selector.kind} ${selector.name}`;
  const left = rooted.kind === 'kustomize' ? selectObject(selector, local) : undefined;
  if (left !== undefined)
    return problemError(
      'not_found',
      left.place,
      `${asked} is not rendered: its annotation config.kubernetes.io/local-config keeps it to the kustomization`,
    );
  for (const { resource, agent, at } of traced?.removals ?? []) {
    if (selectObject(selector, [resource]) === undefined) continue;
    const { file, line } = await lines.written(at, 'value');
    const message = `${asked} is not rendered: ${agent.action} of ${agent.layer || '.'} removes it`;
    return problemError('not_found', { file, line }, message);
  }
  return notFound(selector, resources, view.name);
}

async function traceOf(resource: Resource, lines: SpotLines, rooted: Rooted): Promise<ObjectTrace> {
  const { lineage } = resource;
  if (lineage === undefined) throw new Error('an object of a traced build has no lineage');
  // A document under `openapi` stands instead of the built-in schema, whose keys still tell people which item is meant.
  const chosen = rooted.kind === 'kustomize' ? rooted.schema.table : builtInSchema;
  const table = chosen === builtInSchema ? chosen : chosen.over(builtInSchema);
  return new TraceMaker(lines, table).trace(resource, lineage);
}

/** Everything that rendering does once a folder is built or a chart was run. */
async function finish(
  rooted: Rooted,
  { source, cluster }: RenderRequest,
  { view, files, helm }: RenderSession,
  signal: AbortSignal | undefined,
): Promise<Substituted> {
  const found =
    rooted.kind === 'kustomize' ? await findKustomization(rooted.folder, view, new Map()) : undefined;
  const trace = new FinalTrace(rooted.folder, found?.path);
  const layers =
    rooted.kind === 'chart' && source.helm && helm
      ? await helm.layers(
          { source: { ...source, helm: source.helm }, cluster },
          { view, files, probes: new Map() },
          signal,
        )
      : undefined;
  const final =
    rooted.kind === 'kustomize'
      ? finalize(rooted, trace)
      : layers
        ? trace.inflated(rooted.resources, layers)
        : rooted.resources;
  const { substitute } = source;
  if (substitute === undefined) return { ok: true, resources: final };
  const variables = variablesOf(cluster, substitute.variables);
  const filled = createSubstituter().substitute(final, { variables, optional: substitute.optional });
  return filled.ok ? { ok: true, resources: trace.filled(filled.resources, cluster, substitute) } : filled;
}
