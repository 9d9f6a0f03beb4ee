/**
 * The step of an application that is fenced, in place of all others: what runs pods is stopped, again and again as long as the fence lasts, and nothing is applied. And the
 * one that takes it up again once the hub has let it go.
 */
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import type { StepResult } from '../../shared/loop/loop.ts';
import { parseExactJson } from '../../shared/manifest/exact-json.ts';
import { describeKey, type KubeObject, keyText, type ObjectKey } from '../../shared/manifest/object.ts';
import type { ManifestEntry } from '../../shared/manifest/target.ts';
import { effectiveKey } from '../apply/effective-object.ts';
import { findLive } from '../apply/find-live.ts';
import { forEachBounded } from '../apply/parallel.ts';
import { isOurs } from '../apply/plan-prune.ts';
import { graceOf, planResume, planStop, runsPods, stopRank } from '../apply/plan-stop.ts';
import type { KubeClient, LiveObject, ResourceRef } from '../kube/kube-client.ts';
import type { DesiredApplication, DesiredState } from '../model/desired.ts';
import type { FencedApplication, StopReport } from '../model/fencing.ts';
import type { AgentContext, ApplicationState } from './context.ts';
import { assertNotOutdated } from './fence.ts';
import { watchInventory } from './prune/prune-phase.ts';
import { writerOf } from './release/writer.ts';
import { reportPhase } from './report-phase.ts';

const parallelMax = 8;
/** While something is still to end, and afterwards. */
const lookSoonMs = 2_000;
const lookAgainMs = 30_000;
const tellWithinMs = 60_000;

interface Workload {
  readonly key: ObjectKey;
  /** Of the Target; undefined: it is in there no more. */
  readonly entry: ManifestEntry | undefined;
}

/** What may run pods: of the Target, of the inventory, and of what was applied before. */
function workloadsOf(
  context: AgentContext,
  { target }: DesiredApplication,
  state: ApplicationState,
): readonly Workload[] {
  const found = new Map<string, Workload>();
  for (const { key } of context.observer.members(state.applySetId).filter(isOurs))
    found.set(keyText(key), { key, entry: undefined });
  for (const { key } of state.objects.values()) found.set(keyText(key), { key, entry: undefined });
  for (const entry of target.set.entries) {
    const resource = context.resources.find(entry.apiVersion, entry.key.kind);
    const key = effectiveKey(entry, resource, target.sync.namespace);
    // A hook's run has a name of its own, by which the inventory knows it.
    if (entry.hook === undefined) found.set(keyText(key), { key, entry });
  }
  return [...found.values()]
    .filter(({ key }) => runsPods(key.group, key.kind))
    .sort((a, b) => stopRank(a.key.group, a.key.kind) - stopRank(b.key.group, b.key.kind));
}

/** In order of rank, those of a rank together: autoscalers before what they scale. */
async function forEachWorkload(
  context: AgentContext,
  workloads: readonly Workload[],
  signal: AbortSignal,
  visit: (workload: Workload, ref: ResourceRef, live: LiveObject) => Promise<void>,
): Promise<void> {
  for (const rank of [0, 1])
    await forEachBounded(
      workloads.filter(({ key }) => stopRank(key.group, key.kind) === rank),
      parallelMax,
      async (workload) => {
        const { group, kind, namespace, name } = workload.key;
        const resource = context.resources.findKind(group, kind);
        if (!resource) return;
        const ref = { resource, namespace, name };
        const live = await findLive(context.kube, ref, signal);
        if (live) await visit(workload, ref, live);
      },
    );
}

/** Runs of a CronJob that are under way end; the next one comes at its time. */
async function endRuns(
  { resources }: AgentContext,
  writer: KubeClient,
  namespace: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const resource = resources.findKind('batch', 'Job');
  for (const name of resource ? names : []) {
    try {
      if (resource) await writer.delete({ resource, namespace, name }, { signal });
    } catch (caught) {
      if (toFairwayError(caught).code !== 'not_found') throw caught;
    }
  }
}

interface Stopped extends StopReport {
  readonly failures: readonly FairwayError[];
  readonly workloads: number;
}

async function stopAll(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<Stopped> {
  const writer = writerOf(context.kube, desired.target.sync, context.namespace);
  const workloads = workloadsOf(context, desired, state);
  const left: string[] = [];
  const failures: FairwayError[] = [];
  let graceMs = 0;
  let count = 0;
  await forEachWorkload(context, workloads, signal, async ({ key }, ref, live) => {
    const plan = planStop(live);
    if (!plan) return;
    count += 1;
    graceMs = Math.max(graceMs, plan.graceMs);
    if (plan.waits !== '') left.push(`${describeKey(key)}: ${plan.waits}`);
    try {
      if (plan.patch) await writer.patch(ref, plan.patch, 'merge', signal);
      await endRuns(context, writer, key.namespace, plan.runs, signal);
    } catch (caught) {
      const error = toFairwayError(caught);
      failures.push(error);
      left.push(`${describeKey(key)}: ${error.message}`);
    }
  });
  return { left: left.sort(), graceMs, failures, workloads: count };
}

function tellFence(
  context: AgentContext,
  state: ApplicationState,
  type: 'fence.closed' | 'fence.opened',
  message: string,
): void {
  if (state.fenceTold === type) return;
  state.fenceTold = type;
  context.reports.event({
    ...{ id: context.nextEventId(), type, application: state.application, key: undefined, message },
    ...{ timeMs: context.clock.now(), drift: undefined },
  });
}

async function hold(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  fence: FencedApplication,
  signal: AbortSignal,
): Promise<StepResult> {
  const { left, graceMs, failures, workloads } = await stopAll(context, desired, state, signal);
  context.fences?.stopped(state.application, { left, graceMs });
  const since = new Date(fence.sinceMs).toISOString();
  const rest =
    left.length === 0
      ? ''
      : `; not yet: ${left[0]}${left.length > 1 ? ` (and ${left.length - 1} more)` : ''}`;
  const message = `fenced since ${since}: no word from the hub for as long as group ${fence.group} allows; ${workloads} workloads are stopped${rest}`;
  // What cannot be stopped is no reason to tell nothing.
  const isDue = context.clock.now() >= fence.sinceMs + tellWithinMs;
  if (left.length === 0 || isDue) tellFence(context, state, 'fence.closed', message);
  reportPhase(context, desired, state, { message, done: false });
  const [failure] = failures;
  if (failure) throw failure;
  return { requeueAfterMs: left.length === 0 ? lookAgainMs : lookSoonMs };
}

async function manifestOf(
  context: AgentContext,
  entry: ManifestEntry | undefined,
): Promise<KubeObject | undefined> {
  const text = entry && context.desired.object(entry.objectDigest);
  return text === undefined ? undefined : (parseExactJson(await context.reveal(text)) as KubeObject);
}

/** Each as it was, where the Target is the same; else as the new one says, so that nothing of the old role comes up for a moment. */
async function resumeAll(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  fence: FencedApplication,
  signal: AbortSignal,
): Promise<number> {
  const writer = writerOf(context.kube, desired.target.sync, context.namespace);
  const same = desired.target.digest === fence.targetDigest;
  let count = 0;
  await forEachWorkload(
    context,
    workloadsOf(context, desired, state),
    signal,
    async ({ key, entry }, ref, live) => {
      const patch = planResume(live, await manifestOf(context, entry), same);
      if (!patch) return;
      await writer.patch(ref, patch, 'merge', signal);
      // What the fence has written was the application's field: it is taken back into its own entry.
      if (entry) state.reapply.add(keyText(key));
      count += 1;
    },
  );
  return count;
}

/** Undefined: the fence is open, and the ordinary step goes on. */
export async function fencedStep(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  fence: FencedApplication,
  signal: AbortSignal,
): Promise<StepResult | undefined> {
  const { unreachable } = context.observer;
  if (unreachable !== undefined) throw new FairwayError('unavailable', unreachable);
  await context.resources.load(signal);
  await watchInventory(context, state, signal);
  await assertNotOutdated(context, desired, state, signal);
  if (!fence.resuming) return hold(context, desired, state, fence, signal);
  const count = await resumeAll(context, desired, state, fence, signal);
  // It may have been fenced again meanwhile.
  if (context.fences?.of(state.application)?.resuming !== true) return { requeueAfterMs: 1 };
  context.fences.resumed(state.application);
  tellFence(
    context,
    state,
    'fence.opened',
    `the hub is back: ${count} workloads are taken up as the Target of now says`,
  );
  return undefined;
}

/** What can be said of the workloads of a Target before they are stopped: how long their pods may take, and what could not be stopped. */
export function foreseeStop(
  desired: Pick<DesiredState, 'applications' | 'object'>,
  application: string,
): StopReport {
  const entries = desired.applications().get(application)?.target.set.entries ?? [];
  const left: string[] = [];
  let graceMs = 0;
  for (const { key, objectDigest } of entries) {
    if (!runsPods(key.group, key.kind)) continue;
    const text = desired.object(objectDigest);
    if (key.kind === 'Pod') left.push(`${describeKey(key)}: a Pod of its own cannot be stopped`);
    else if (text !== undefined) graceMs = Math.max(graceMs, graceOf(JSON.parse(text) as KubeObject));
  }
  return { left, graceMs };
}
