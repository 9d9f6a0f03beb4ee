/** The step of the agent's loop for one application: desired -> suspects -> apply -> prune -> report. */
import { FairwayError } from '../../shared/error/error.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import type { StepResult } from '../../shared/loop/loop.ts';
import type { DesiredApplication, PauseEntry } from '../model/desired.ts';
import type { AgentContext, ApplicationState } from './context.ts';
import { pollUnwatched } from './drift/poll-unwatched.ts';
import { proveSuspects } from './drift/prove-suspects.ts';
import { selfHealOf } from './drift/self-heal.ts';
import { fencedStep } from './fenced-step.ts';
import { activePause } from './pauses.ts';
import { prepareInventory } from './prune/inventory.ts';
import { findUnwatched } from './prune/prune-phase.ts';
import { type PruneReport, pruneSet } from './prune/prune-set.ts';
import { removeApplication } from './prune/remove-application.ts';
import { unmetDependency } from './release/dependencies.ts';
import { watchProgress } from './release/overdue.ts';
import { runRelease } from './release/release.ts';
import { nextRetryMs } from './release/retries.ts';
import type { Holdup } from './release/wave-gate.ts';
import { reportPhase } from './report-phase.ts';
import { suspectRestored } from './saved-records.ts';

const retryBackoff = { baseMs: 1_000, maxMs: 300_000 };

/** What people should know though all is applied. */
function describeHold(
  context: AgentContext,
  state: ApplicationState,
  { blocked, note }: PruneReport,
): { readonly note?: string; readonly message?: string } {
  if (blocked !== undefined) return { message: `nothing is deleted: ${blocked}` };
  if (note !== undefined) return { note };
  const unwatched = findUnwatched(context, state);
  if (!unwatched) return {};
  const { kind, reason } = unwatched;
  return {
    note: `${kind} cannot be watched, so its objects are read every minute, and nothing is deleted: ${reason}`,
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

function queueStandingDrift(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
): void {
  for (const [text, { status, entry }] of state.objects) {
    if (status !== 'Drifted' || !entry) continue;
    const mode = selfHealOf(context.desired, entry.objectDigest, desired.target.sync.selfHeal);
    if (mode === 'enforce') state.suspects.set(text, 'again');
  }
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
  const assigned = context.desired.applications().get(application);
  const fence = context.fences?.of(application);
  if (!assigned) {
    context.fences?.resumed(application);
    context.states.delete(application);
    await context.health.learn(application, []);
    return undefined;
  }
  const state = stateOf(application);
  if (fence) {
    const held = await fencedStep(context, assigned, state, fence, signal);
    if (held) return held;
  }
  const pause = activePause(context.desired.pauses(), application, context.clock.now());
  if (pause) return pausedStep(context, assigned, state, pause);
  const { unreachable } = context.observer;
  if (unreachable !== undefined) throw new FairwayError('unavailable', unreachable);
  await context.resources.load(signal);
  if (assigned.target.removed) return removeApplication(context, assigned, state, signal);
  await context.scalers.ready();
  const desired = context.scalers.extend(assigned);
  for (const { group, kind } of await context.health.learn(application, desired.target.health))
    context.observer.renew(group, kind);
  const waitsFor = unmetDependency(context, desired, state);
  const before = waitsFor === '' ? undefined : { message: `waits for ${waitsFor}`, ...openEnd };
  if (before && state.records.size === 0) {
    reportPhase(context, desired, state, { waitsFor, message: before.message, done: false });
    return undefined;
  }
  await prepareInventory(context, desired, state, signal);
  suspectRestored(context, state);
  queueStandingDrift(context, desired, state);
  pollUnwatched(context, state);
  const contestedMs = await proveSuspects(context, desired, state, mayWait(desired, before), signal);
  const release = await runRelease(context, desired, state, before, signal);
  const { holdup, isApplied } = release;
  const pruned = await pruneSet(context, desired, state, release, signal);
  retainApplied(context, state);
  state.settled = true;
  context.metrics.syncs += 1;
  const told = holdup
    ? { done: false, ...holdup, isApplied, waitsFor }
    : { done: true, ...describeHold(context, state, pruned) };
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
    pollUnwatched(context, state),
    dueMs,
    nextRetryMs(context, state),
    contestedMs || undefined,
    holdup?.againMs,
    pruned.againMs,
  ].filter((wait) => wait !== undefined);
  return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
}
