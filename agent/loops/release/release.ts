/** A Target as a release: hooks before it, the set wave by wave, hooks after it; where that fails, hooks for it. Each step goes as far as it can. */
import { isPassing } from '../../kube/status-error.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import { beginRelease, hookRunId, parseHookMemory } from '../../model/hook-memory.ts';
import type { AgentContext, ApplicationState } from '../context.ts';
import { holdPhase, isPhaseOver, runHooks } from '../hooks/hook-phase.ts';
import { type HookStep, lastRun, observedRuns, openHookStep } from '../hooks/hook-step.ts';
import { sweepHooks } from '../hooks/hook-sweep.ts';
import { type ApplySummary, applyPhase } from './apply-phase.ts';
import { proofAttempt } from './retries.ts';
import { checkWaves, type Holdup } from './wave-gate.ts';

export interface ReleaseSummary {
  /** Of what is to be there: objects, and hooks that keep their name. */
  readonly desired: ReadonlySet<string>;
  /** Of objects alone; what of them is not done keeps anything from being deleted. */
  readonly applied: ReadonlySet<string>;
  /** Of everything that is told of. */
  readonly told: ReadonlySet<string>;
  readonly holdup: Holdup | undefined;
  /** All objects are applied, though the release is not over. */
  readonly isApplied: boolean;
}

/** Refusals of one object until the sync counts as failed for its hooks: the first may pass by itself. */
const refusalsMin = 3;
const hooksAhead: Holdup = { message: 'waits for pre-sync hooks', failed: false, againMs: undefined };

/** The memory of hooks for this target; it is written with the mark of the target, before anything else is. */
export function beginHooks(desired: DesiredApplication, state: ApplicationState): void {
  const { target, releaseId } = desired;
  state.hooks ??= parseHookMemory(state.parent?.hooks);
  if (!state.hooks && !target.set.entries.some(({ hook }) => hook !== undefined)) return;
  const settled = state.appliedDigest === target.digest;
  // Two applications made of one template may have the same hooks.
  const release = `${desired.application}/${releaseId}`;
  state.hooks = beginRelease(state.hooks, { release, target: target.digest, settled });
}

/** A migration of an earlier release that is still at work holds a new version back, also one without hooks. */
function findAtWork({ atWork, desired, state }: HookStep): Holdup | undefined {
  const [first] = atWork;
  if (!first || state.appliedDigest === desired.target.digest) return undefined;
  const message = `waits for ${first.name} of an earlier release, which has not ended yet`;
  return { message, failed: false, againMs: first.leftMs, hookUntilMs: first.untilMs };
}

async function applyAfterHooks(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  step: HookStep,
  signal: AbortSignal,
): Promise<ApplySummary> {
  const known = isPhaseOver(step, 'pre-sync')
    ? ((await runHooks(step, 'pre-sync')) ?? findAtWork(step))
    : hooksAhead;
  // What the hooks need is applied, and what is applied already is healed, before they run.
  const summary = await applyPhase(context, desired, state, known, signal);
  if (known !== hooksAhead) return summary;
  const holdup = await runHooks(step, 'pre-sync');
  return holdup ? { ...summary, holdup } : applyPhase(context, desired, state, undefined, signal);
}

function isAllApplied(state: ApplicationState, { keys, holdup }: ApplySummary): boolean {
  if (holdup) return false;
  return [...keys].every((text) => {
    const status = state.objects.get(text)?.status;
    return status !== 'Failed' && status !== 'Pending';
  });
}

/** Hooks after the sync wait for all of it to be applied and healthy. */
async function runAfter(
  step: HookStep,
  { plan }: ApplySummary,
  isApplied: boolean,
): Promise<Holdup | undefined> {
  const { context, desired, state, signal } = step;
  if (isPhaseOver(step, 'post-sync')) return runHooks(step, 'post-sync');
  const unhealthy = isApplied && (await checkWaves(context, desired, state, plan.objects, signal));
  if (isApplied && !unhealthy) return runHooks(step, 'post-sync');
  holdPhase(step, 'post-sync');
  return unhealthy || undefined;
}

/** A hook or a wave has failed, or an object of a release that is not applied yet was refused for good. */
function hasFailed({ desired, state, hooks }: HookStep, holdup: Holdup | undefined): boolean {
  if (holdup?.failed) return true;
  if (state.appliedDigest === desired.target.digest) return false;
  const own = new Set(hooks.map(({ text }) => text));
  return [...state.retries].some(
    ([text, { attempt, failures, error }]) =>
      failures >= refusalsMin && attempt !== proofAttempt && !own.has(text) && !isPassing(error),
  );
}

/** Whether hooks of a failure were begun in this release: then they are brought to their end, whatever became of it. */
function hasBegun(step: HookStep): boolean {
  const ids = new Set(observedRuns(step.context, step.state).map(({ mark }) => mark.run));
  return step.hooks.some(
    (hook) =>
      hook.phase === 'sync-fail' &&
      (lastRun(step, hook) !== undefined ||
        step.state.hookAttempts.has(hook.text) ||
        ids.has(hookRunId(step.memory.release, hook.entry.objectDigest, 1))),
  );
}

async function runFailed(step: HookStep, holdup: Holdup | undefined): Promise<number | undefined> {
  const isFailure = hasFailed(step, holdup);
  // Somebody's sync tries again what failed, not what told of it.
  if (!isFailure) step.state.retryHooks = false;
  if (isFailure || hasBegun(step)) return (await runHooks(step, 'sync-fail'))?.againMs;
  holdPhase(step, 'sync-fail');
  return undefined;
}

function sooner(holdup: Holdup | undefined, againMs: number | undefined): Holdup | undefined {
  if (!holdup || againMs === undefined) return holdup;
  return { ...holdup, againMs: Math.min(againMs, holdup.againMs ?? againMs) };
}

/** @param before what the release waits for as a whole (an application it depends on). */
export async function runRelease(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  before: Holdup | undefined,
  signal: AbortSignal,
): Promise<ReleaseSummary> {
  const step = openHookStep(context, desired, state, signal);
  if (step) step.atWork = await sweepHooks(step);
  const waits = before !== undefined || !step;
  const summary = waits
    ? await applyPhase(context, desired, state, before, signal)
    : await applyAfterHooks(context, desired, state, step, signal);
  const isApplied = isAllApplied(state, summary);
  let { holdup } = summary;
  if (step && before)
    for (const phase of ['pre-sync', 'post-sync', 'sync-fail'] as const) holdPhase(step, phase);
  else if (step) {
    const after = await runAfter(step, summary, isApplied);
    holdup = sooner(holdup ?? after, await runFailed(step, holdup ?? after));
  }
  state.retryHooks = false;
  if (holdup === undefined) state.wait = undefined;
  const hooks = step?.hooks ?? [];
  const named = hooks.filter(({ manner }) => manner !== 'run').map(({ text }) => text);
  return {
    desired: new Set([...summary.keys, ...named]),
    applied: summary.keys,
    told: new Set([...summary.keys, ...hooks.map(({ text }) => text)]),
    holdup,
    isApplied,
  };
}
