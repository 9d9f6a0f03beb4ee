/** Runs that are none of this step's business any more: ended ones that an agent left half put away, and those of earlier releases. */

import { describeDuration } from '../../../shared/manifest/describe-drift.ts';
import { describeKey } from '../../../shared/manifest/object.ts';
import { findLive } from '../../apply/find-live.ts';
import { type HookVerdict, judgeHook } from '../../apply/hook-outcome.ts';
import { type HookMark, hookRunId, rememberDone } from '../../model/hook-memory.ts';
import { hookFinalizer } from '../../model/inventory.ts';
import type { ObservedObject } from '../../model/record.ts';
import type { AgentContext, ApplicationState } from '../context.ts';
import { refOf } from '../resources.ts';
import { tellEarlierFailure } from './hook-events.ts';
import {
  deleteRun,
  type Hook,
  type HookStep,
  lastRun,
  observedRuns,
  putAway,
  type RunAtWork,
  saveMemory,
  takeFinalizerOff,
} from './hook-step.ts';

/** Runs of one hook that are kept where its delete policy does not take the ones before away. */
const keptRunsMax = 5;

/** Ids of the runs that belong to this release: those that were, and the next of each hook. */
function ownRuns(step: HookStep): ReadonlySet<string> {
  const { memory, hooks } = step;
  const next = hooks.flatMap((hook) => {
    const attempt = (lastRun(step, hook)?.attempt ?? 0) + 1;
    return Array.from({ length: attempt }, (_, before) =>
      hookRunId(memory.release, hook.entry.objectDigest, before + 1),
    );
  });
  return new Set(next);
}

async function sweepRemembered(
  step: HookStep,
  object: ObservedObject,
  mark: HookMark,
  outcome: 'succeeded' | 'failed' | 'given up',
): Promise<void> {
  const ref = refOf(step.context.resources, object);
  const policy = outcome === 'succeeded' ? 'hook-succeeded' : 'hook-failed';
  const held = object.finalizers.includes(hookFinalizer);
  const going = outcome === 'given up' || mark.policies.includes(policy);
  if (!ref || !(held || (going && object.deletedAtMs === undefined))) return;
  const live = await findLive(step.writer, ref, step.signal);
  if (live) await putAway(step.writer, ref, live, mark, outcome, step.signal);
}

function tellEarlier(step: HookStep, { key }: ObservedObject, mark: HookMark, verdict: HookVerdict): void {
  const late = verdict.state === 'running';
  const said = [verdict.reason, verdict.message].filter((text) => text !== '').join(': ');
  const why = late ? `it had not ended after ${describeDuration(mark.limitMs)}` : said;
  const message = `run of an earlier release: ${why}`;
  const { run, phase, attempt } = mark;
  tellEarlierFailure(step, { run, key, phase, attempt, message, late });
}

/** An earlier release's run: still at work, or put away now. */
async function sweepEarlier(
  step: HookStep,
  object: ObservedObject,
  mark: HookMark,
): Promise<(RunAtWork & { readonly isBlocking: boolean }) | undefined> {
  const { context, state: application, writer, signal } = step;
  const ref = refOf(context.resources, object);
  if (!ref || !object.finalizers.includes(hookFinalizer)) return undefined;
  const live = await findLive(writer, ref, signal);
  if (!live) return undefined;
  const verdict = judgeHook(live, (one) => context.health.judge(one, application.application));
  const { state } = verdict;
  const untilMs = mark.startedAtMs + mark.limitMs;
  const leftMs = untilMs - context.clock.now();
  if (state === 'running' && leftMs > 0)
    return { name: describeKey(object.key), leftMs, untilMs, isBlocking: mark.phase !== 'sync-fail' };
  // A rollback to that release is not to run it again.
  if (state === 'succeeded' && mark.phase === 'pre-sync' && mark.digest !== '')
    await saveMemory(step, (memory) => rememberDone(memory, mark.digest));
  if (state !== 'succeeded') tellEarlier(step, object, mark, verdict);
  await putAway(writer, ref, live, mark, state === 'running' ? 'given up' : state, signal);
  return undefined;
}

/** @returns runs of earlier releases that are still at work: no other is begun beside them. */
export async function sweepHooks(step: HookStep): Promise<readonly RunAtWork[]> {
  const own = ownRuns(step);
  const atWork: RunAtWork[] = [];
  for (const { object, mark } of observedRuns(step.context, step.state)) {
    const past = step.memory.runs.find(
      ({ digest, attempt }) => hookRunId(step.memory.release, digest, attempt) === mark.run,
    );
    if (past) {
      const outcome = past.reason === 'HookTimeout' ? 'given up' : past.outcome;
      await sweepRemembered(step, object, mark, outcome);
    } else if (!own.has(mark.run)) {
      const earlier = await sweepEarlier(step, object, mark);
      if (earlier?.isBlocking) atWork.push(earlier);
    }
  }
  return atWork;
}

/** Before a run is made: the ones before go where the policy says so, and the oldest of too many do anyway. */
export async function deleteEarlierRuns(
  { context, state, writer, signal }: HookStep,
  hook: Hook,
  run: string,
  beforeCreation: boolean,
): Promise<void> {
  const earlier = observedRuns(context, state)
    .filter(
      ({ mark, object }) => mark.hook === hook.text && mark.run !== run && object.deletedAtMs === undefined,
    )
    .sort((a, b) => b.mark.startedAtMs - a.mark.startedAtMs);
  for (const { object } of earlier.slice(beforeCreation ? 0 : keptRunsMax - 1)) {
    const ref = refOf(context.resources, object);
    if (ref) await deleteRun(writer, ref, object.facts.uid, signal);
  }
}

/** The application leaves the cluster: its runs are not waited for. */
export async function releaseHookFinalizers(
  context: AgentContext,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<void> {
  for (const { object } of observedRuns(context, state)) {
    const ref = refOf(context.resources, object);
    if (!ref || !object.finalizers.includes(hookFinalizer)) continue;
    await takeFinalizerOff(context.kube, ref, await findLive(context.kube, ref, signal), signal);
  }
}
