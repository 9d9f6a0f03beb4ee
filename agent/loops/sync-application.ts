/** The step of the agent's loop for one application: desired -> suspects -> apply -> prune -> report. */
import { FairwayError } from '../../shared/error/error.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import type { StepResult } from '../../shared/loop/loop.ts';
import { groupOf } from '../../shared/manifest/object.ts';
import { effectiveKey } from '../apply/effective-object.ts';
import { formatGroupKind, formatParent, type ParentContent, saveParent } from '../apply/parent.ts';
import type { DesiredApplication, PauseEntry } from '../model/desired.ts';
import { formatHookMemory } from '../model/hook-memory.ts';
import type { AgentContext, ApplicationState } from './context.ts';
import { assertNewest, assertNotOutdated, formatMark } from './fence.ts';
import { watchProgress } from './overdue.ts';
import { activePause } from './pauses.ts';
import { proveSuspects } from './prove-suspects.ts';
import {
  executePlannedPrune,
  findUnwatched,
  forgetObject,
  planApplicationPrune,
  pruneBlocked,
  retain,
  watchInventory,
} from './prune-phase.ts';
import { beginHooks, type ReleaseSummary, runRelease } from './release.ts';
import { removeApplication } from './remove-application.ts';
import { reportPhase } from './report-phase.ts';
import { nextRetryMs } from './retries.ts';
import { suspectRestored } from './saved-records.ts';
import type { Holdup } from './wave-gate.ts';

const retryBackoff = { baseMs: 1_000, maxMs: 300_000 };

/** What an application that is not applied yet waits for; empty: nothing. */
function unmetDependency(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
): string {
  if (state.appliedDigest === desired.target.digest) return '';
  for (const name of desired.target.dependsOn) {
    const other = context.desired.applications().get(name);
    if (!other || other.target.removed) return `${name}: not assigned to this cluster`;
    const known = context.states.get(name);
    if (known?.appliedDigest !== other.target.digest) return `${name}: not applied yet`;
    if (known.health !== 'Current') return `${name}: ${known.health}`;
  }
  return '';
}

/** The kinds a set needs, as the parent names them, and their namespaces. */
function contentOf(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
): ParentContent {
  const { entries } = desired.target.set;
  const namespaces = entries.map((entry) => {
    const resource = context.resources.find(entry.apiVersion, entry.key.kind);
    return effectiveKey(entry, resource, desired.target.sync.namespace).namespace;
  });
  const groupKinds = entries.map(({ apiVersion, key }) => formatGroupKind(groupOf(apiVersion), key.kind));
  return {
    application: desired.application,
    groupKinds: [...new Set(groupKinds)].sort(),
    namespaces: [...new Set(namespaces)].filter((name) => name !== '').sort(),
    // A target that is applied already, given again, is no reason to write.
    mark:
      (state.appliedDigest === desired.target.digest ? state.parent?.mark : undefined) ?? formatMark(desired),
    hooks: state.hooks && formatHookMemory(state.hooks),
  };
}

async function writeParent(
  context: AgentContext,
  state: ApplicationState,
  content: ParentContent,
  signal: AbortSignal,
): Promise<void> {
  const text = (parent: ParentContent) => JSON.stringify(formatParent(parent, context.namespace));
  if (!state.parent || text(state.parent) !== text(content))
    await saveParent(context.kube, content, context.namespace, signal);
  // The annotation leaves out the agent's own namespace, which is to be watched like the others.
  state.parent = content;
}

/** Before the first write the parent names all that may come to be: an agent that dies midway leaves nothing unlisted. */
async function prepare(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<void> {
  await assertNotOutdated(context, desired, state, signal);
  beginHooks(desired, state);
  const wanted = contentOf(context, desired, state);
  const merge = (a: readonly string[] = [], b: readonly string[]) => [...new Set([...a, ...b])].sort();
  const union = {
    application: desired.application,
    groupKinds: merge(state.parent?.groupKinds, wanted.groupKinds),
    namespaces: merge(state.parent?.namespaces, wanted.namespaces),
    mark: wanted.mark,
    hooks: wanted.hooks,
  };
  await writeParent(context, state, union, signal);
  await watchInventory(context, state, signal);
}

/** Deletes what left the set, when that is safe. Returns why it is not. */
async function prunePhase(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  release: ReleaseSummary,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { desired: keys, told, applied } = release;
  // Definitions that were just made are served only now.
  await watchInventory(context, state, signal);
  const unfinished = [...applied].some((text) => {
    const status = state.objects.get(text)?.status;
    return status === 'Failed' || status === 'Pending';
  });
  const plan = planApplicationPrune(context, state, keys, desired.target.sync.prune, told);
  const blocked = pruneBlocked(context, state) ?? (unfinished ? 'not everything is applied yet' : undefined);
  const kept = new Set(plan.retained.map(({ object }) => object));
  if (blocked === undefined) {
    if (plan.deletes.length > 0) await assertNewest(context, desired, state, signal);
    await executePlannedPrune(context, desired, state, plan.deletes, 'delete', signal);
    for (const { object, reason } of plan.retained) retain(context, state, object, reason);
  }
  const members = new Set(
    context.observer
      .members(state.applySetId)
      .map(({ key }) => `${key.group}/${key.kind}/${key.namespace}/${key.name}`),
  );
  for (const [text, object] of [...state.objects]) {
    const stays = object.status === 'Retained' || object.status === 'Failed';
    if (!told.has(text) && !(stays && members.has(text))) forgetObject(context, state, text);
  }
  for (const text of state.records.keys()) if (!state.objects.has(text)) state.records.delete(text);
  const done = blocked === undefined && kept.size === 0 && plan.leaving.length === 0;
  if (done && plan.deletes.length === 0)
    await writeParent(context, state, contentOf(context, desired, state), signal);
  return plan.deletes.length > 0 ? blocked : undefined;
}

/** What people should know though all is applied. */
function describeHold(
  context: AgentContext,
  state: ApplicationState,
  held: string | undefined,
): { readonly note?: string; readonly message?: string } {
  if (held !== undefined) return { message: `nothing is deleted: ${held}` };
  const unwatched = findUnwatched(context, state);
  if (!unwatched) return {};
  const { kind, reason } = unwatched;
  return {
    note: `${kind} cannot be watched, so its objects are only looked at now and then, and nothing is deleted: ${reason}`,
  };
}

function pausedStep(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  pause: PauseEntry,
): StepResult {
  const message = `paused${pause.reason === '' ? '' : `: ${pause.reason}`}`;
  reportPhase(context, desired, state, { message, done: state.appliedDigest === desired.target.digest });
  const leftMs = pause.untilMs === undefined ? undefined : pause.untilMs - context.clock.now();
  return { requeueAfterMs: leftMs === undefined ? undefined : Math.max(1, leftMs) };
}

function queueStandingDrift(desired: DesiredApplication, state: ApplicationState): void {
  if (desired.target.sync.selfHeal !== 'enforce') return;
  for (const [text, object] of state.objects)
    if (object.status === 'Drifted') state.suspects.set(text, 'check');
}

/** What is waited for wakes the application itself, and may take as long as it likes. */
const openEnd = { failed: false, againMs: undefined };

/** What is applied is healed by its own manifest, also once a new Target names another: that is kept until the new one is applied. */
function retainApplied(context: AgentContext, state: ApplicationState): void {
  if (!state.retainStale) return;
  state.retainStale = false;
  const digests = new Set([...state.records.values()].map(({ objectDigest }) => objectDigest));
  context.desired.retain(state.application, digests);
}

/** Whether some of the set may have to wait for its turn, so that the version before stays for a while. */
function mayWait({ target }: DesiredApplication, before: Holdup | undefined): boolean {
  const [first] = target.set.entries;
  return (
    before !== undefined ||
    target.set.entries.some(({ wave, hook }) => hook !== undefined || wave !== first?.wave)
  );
}

/** One move toward the desired state of the application. Costs no request when nothing differs. */
export async function syncApplication(
  context: AgentContext,
  application: string,
  signal: AbortSignal,
  stateOf: (application: string) => ApplicationState,
): Promise<StepResult | undefined> {
  const desired = context.desired.applications().get(application);
  if (!desired) {
    context.states.delete(application);
    await context.health.learn(application, []);
    return undefined;
  }
  const state = stateOf(application);
  const pause = activePause(context.desired.pauses(), application, context.clock.now());
  if (pause) return pausedStep(context, desired, state, pause);
  const { unreachable } = context.observer;
  if (unreachable !== undefined) throw new FairwayError('unavailable', unreachable);
  await context.resources.load(signal);
  if (desired.target.removed) return removeApplication(context, desired, state, signal);
  for (const { group, kind } of await context.health.learn(application, desired.target.health))
    context.observer.renew(group, kind);
  const waitsFor = unmetDependency(context, desired, state);
  const before = waitsFor === '' ? undefined : { message: `waits for ${waitsFor}`, ...openEnd };
  if (before && state.records.size === 0) {
    reportPhase(context, desired, state, { waitsFor, message: before.message, done: false });
    return undefined;
  }
  await prepare(context, desired, state, signal);
  suspectRestored(context, state);
  queueStandingDrift(desired, state);
  const contestedMs = await proveSuspects(context, desired, state, mayWait(desired, before), signal);
  const release = await runRelease(context, desired, state, before, signal);
  const { holdup, isApplied } = release;
  const held = await prunePhase(context, desired, state, release, signal);
  retainApplied(context, state);
  state.settled = true;
  context.metrics.syncs += 1;
  const told = holdup
    ? { done: false, message: holdup.message, failed: holdup.failed, isApplied, waitsFor }
    : { done: true, ...describeHold(context, state, held) };
  const dueMs = await watchProgress(context, desired, state, signal);
  const status = reportPhase(context, desired, state, told);
  if (state.suspects.size > 0 && contestedMs === 0) context.wake(application);
  state.failures = status === 'Failed' || status === 'Pending' ? state.failures + 1 : 0;
  // Refused objects have times of their own; what else is not done (a deletion, content on its way) is looked at again by this one.
  const others = [...state.objects].some(
    ([text, object]) =>
      (object.status === 'Failed' || object.status === 'Pending') &&
      !state.retries.has(text) &&
      !state.heldUp.has(text) &&
      object.entry?.hook === undefined,
  );
  const retryMs = others ? planBackoffMs(state.failures - 1, context.random, retryBackoff) : undefined;
  const waits = [
    retryMs,
    dueMs,
    nextRetryMs(context, state),
    contestedMs || undefined,
    holdup?.againMs,
  ].filter((wait) => wait !== undefined);
  return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
}
