/** That a hook has failed, as an event of its own: an alert on a migration should not have to read the messages of syncs. */
import type { HookReason } from '../../../shared/manifest/hook-reasons.ts';
import { describeKey, type ObjectKey } from '../../../shared/manifest/object.ts';
import type { HookPhase } from '../../../shared/manifest/target.ts';
import { type HookRun, hookRunId } from '../../model/hook-memory.ts';
import type { AgentContext, ApplicationState } from '../context.ts';
import type { Hook, HookStep } from './hook-step.ts';

/** What an agent that starts finds to have failed before is told again: its end may not have reached the hub. The event's id makes that harmless. */
const toldAgainMs = 86_400_000;

interface HookFailure {
  /** Names the run: of release, manifest and attempt. */
  readonly run: string;
  readonly key: ObjectKey;
  readonly phase: HookPhase;
  readonly attempt: number;
  readonly reason: HookReason;
  readonly message: string;
  readonly endedAtMs: number;
}

function tell(context: AgentContext, { application }: ApplicationState, failure: HookFailure): void {
  const { run, key, phase, attempt, reason, message } = failure;
  context.reports.event({
    // Not the next number: two lives of an agent tell of the same failure once.
    id: `hook-${application}-${run}`,
    type: 'hook.failed',
    application,
    key,
    message: `${phase} hook ${describeKey(key)} failed: ${message}`,
    timeMs: failure.endedAtMs,
    drift: undefined,
    hook: { phase, attempt, reason },
  });
}

/** Tells of a failed run of this release, once in a life of the agent. */
export function tellHookFailure(step: HookStep, { key, text }: Hook, ended: HookRun): void {
  const { context, state, memory } = step;
  const run = hookRunId(memory.release, ended.digest, ended.attempt);
  if (state.hookFailures.get(text) === run) return;
  state.hookFailures.set(text, run);
  if (context.clock.now() - ended.endedAtMs > toldAgainMs) return;
  const { phase, attempt, reason, message, endedAtMs } = ended;
  tell(context, state, { run, key, phase, attempt, reason, message, endedAtMs });
}

/** Tells of a run of an earlier release that failed while a newer one waited for it. */
export function tellEarlierFailure(
  { context, state }: HookStep,
  failure: Omit<HookFailure, 'endedAtMs' | 'reason'> & { readonly late: boolean },
): void {
  const reason = failure.late ? 'HookTimeout' : 'HookFailed';
  tell(context, state, { ...failure, reason, endedAtMs: context.clock.now() });
}
