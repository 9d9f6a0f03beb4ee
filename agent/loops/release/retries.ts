/** When a refused object is tried again: what the API server has refused it will refuse again, so it is asked seldom, whatever else wakes the application. */
import type { FairwayError } from '../../../shared/error/error.ts';
import { planBackoffMs } from '../../../shared/loop/backoff.ts';
import { isPassing } from '../../kube/status-error.ts';
import type { AgentContext, ApplicationState } from '../context.ts';

export interface Retry {
  /** Of the manifest and of the target that was refused: another one is tried at once. */
  readonly attempt: string;
  readonly failures: number;
  /** On the monotonic clock. */
  readonly nextAtMs: number;
  readonly error: FairwayError;
}

const refusedBackoff = { baseMs: 2_000, maxMs: 600_000 };
const passingBackoff = { baseMs: 1_000, maxMs: 30_000 };
/** A key that is missing is soon there, and asking for it costs one read of a Secret. */
const keyBackoff = { baseMs: 2_000, maxMs: 60_000 };

/** The attempt of a refusal that was met in reading or undoing drift, not in applying: it holds up no apply. */
export const proofAttempt = 'proof';

/** Names a try: another generation or another manifest is another try. */
export function attemptOf(generation: number, objectDigest: string): string {
  return `${generation} ${objectDigest}`;
}

/** The refusal that still stands: not to be tried now. */
export function standingRefusal(
  context: AgentContext,
  state: ApplicationState,
  text: string,
  attempt: string,
): FairwayError | undefined {
  const retry = state.retries.get(text);
  return retry?.attempt === attempt && context.clock.monotonic() < retry.nextAtMs ? retry.error : undefined;
}

/** Puts a refusal down, so that the same is tried again ever more seldom. */
export function noteRefusal(
  context: AgentContext,
  state: ApplicationState,
  text: string,
  attempt: string,
  error: FairwayError,
): void {
  const before = state.retries.get(text);
  const failures = before?.attempt === attempt ? before.failures + 1 : 1;
  const lacksKey = error.details?.['sops'] === true && error.code === 'failed_precondition';
  const backoff = isPassing(error) ? passingBackoff : lacksKey ? keyBackoff : refusedBackoff;
  const waitMs = Math.max(error.retryAfterMs ?? 0, planBackoffMs(failures - 1, context.random, backoff));
  state.retries.set(text, { attempt, failures, nextAtMs: context.clock.monotonic() + waitMs, error });
}

/** Those refusals are tried again at the next step. @returns whether there were any. */
export function forgetRefusals(
  state: ApplicationState,
  which: (error: FairwayError) => boolean = () => true,
): boolean {
  const due = [...state.retries].filter(([, { error }]) => which(error));
  for (const [text] of due) state.retries.delete(text);
  return due.length > 0;
}

/**
 * Milliseconds until the first object is due to be applied again; undefined: none waits. Never under a second: what is due and was not tried in
 * this step waits for something else.
 */
export function nextRetryMs(context: AgentContext, state: ApplicationState): number | undefined {
  const waiting = [...state.retries.values()].filter(({ attempt }) => attempt !== proofAttempt);
  const times = waiting.map(({ nextAtMs }) => nextAtMs);
  return times.length === 0 ? undefined : Math.max(1_000, Math.min(...times) - context.clock.monotonic());
}
