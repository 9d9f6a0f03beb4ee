import {
  type Condition,
  dropCondition,
  findCondition,
  mergeCondition,
} from '../../shared/condition/condition.ts';
import type { FairwayError } from '../../shared/error/error.ts';
import { createEvent, type NewEvent } from '../model/event.ts';
import type { SourceKey } from '../model/revision.ts';
import type { SourceStatus } from '../model/source-status.ts';
import { reasonOf } from './source-error.ts';

/** One try to fetch a followed ref, and how it ended. */
export interface SourceAttempt {
  readonly key: SourceKey;
  /** Without credentials. */
  readonly url: string;
  readonly ref: string;
  readonly nowMs: number;
  readonly outcome:
    | { readonly head: string; readonly moved: boolean; readonly rewritten: boolean }
    | { readonly error: FairwayError };
}

export interface SourcePlan {
  readonly status: SourceStatus;
  readonly events: readonly NewEvent[];
}

/** CamelCase reasons for codes whose error names none. */
function failureReason(error: FairwayError): string {
  return (
    reasonOf(error) ??
    error.code
      .split('_')
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join('')
  );
}

function eventOf(
  type: NewEvent['type'],
  attempt: SourceAttempt,
  message: string,
  data: NewEvent['data'],
): NewEvent {
  const { key, url, ref, nowMs } = attempt;
  return createEvent({
    type,
    actor: 'hub',
    timeMs: nowMs,
    message,
    data: { source: key, url, ref, ...data },
  });
}

function planFailure(
  previous: SourceStatus | undefined,
  attempt: SourceAttempt,
  error: FairwayError,
): SourcePlan {
  const { key, url, ref, nowMs } = attempt;
  const before = previous?.conditions ?? [];
  const reason = failureReason(error);
  const { message } = error;
  const ready = mergeCondition(before, { type: 'Ready', status: 'False', reason, message }, nowMs);
  // What trying again can mend is still on its way; the rest waits for somebody.
  const waiting: Condition['type'] = error.retry ? 'Reconciling' : 'Stalled';
  const other: Condition['type'] = error.retry ? 'Stalled' : 'Reconciling';
  const conditions = mergeCondition(
    dropCondition(ready, other),
    { type: waiting, status: 'True', reason, message },
    nowMs,
  );
  const known = findCondition(before, 'Ready');
  const told = known?.status === 'False' && known.reason === reason;
  const head = previous?.head;
  const consequence = head === undefined ? 'nothing was fetched yet' : `${head.slice(0, 7)} stays in force`;
  return {
    status: { key, url, ref, head, headSeenAtMs: previous?.headSeenAtMs, lastAttemptAtMs: nowMs, conditions },
    events: told
      ? []
      : [
          eventOf('source.failed', attempt, `${url} cannot be followed: ${message}; ${consequence}`, {
            reason,
            code: error.code,
            head,
          }),
        ],
  };
}

/**
 * What a try to fetch means for a source's status, and what is worth an event. Pure.
 *
 * - A failure changes conditions only: the last good head stays in force. `Ready` keeps the time since when it is false, also when the reason
 *   changes; `source.failed` is said once a reason, `source.recovered` once.
 * - A rewritten branch is followed, since the ref is the truth about what should run and whoever may push may do so. It is never silent: the condition's
 *   reason is HistoryRewritten until the head moves on, and `source.rewritten` tells both heads.
 * - A cancelled try (the hub stops) says nothing about the source.
 */
export function planSourceStatus(previous: SourceStatus | undefined, attempt: SourceAttempt): SourcePlan {
  const { key, url, ref, nowMs, outcome } = attempt;
  if ('error' in outcome) {
    if (outcome.error.code !== 'cancelled') return planFailure(previous, attempt, outcome.error);
    const unknown = {
      key,
      url,
      ref,
      head: undefined,
      headSeenAtMs: undefined,
      lastAttemptAtMs: nowMs,
      conditions: [],
    };
    return { status: previous ?? unknown, events: [] };
  }
  const { head } = outcome;
  const before = previous?.conditions ?? [];
  const known = findCondition(before, 'Ready');
  const rewritten = outcome.rewritten && previous?.head !== undefined && previous.head !== head;
  const same = previous?.head === head;
  const stillRewritten = same && known?.status === 'True' && known.reason === 'HistoryRewritten';
  const ready: Omit<Condition, 'lastTransitionTimeMs'> = stillRewritten
    ? { ...known, type: 'Ready' }
    : {
        type: 'Ready',
        status: 'True',
        reason: rewritten ? 'HistoryRewritten' : 'Fetched',
        message: rewritten
          ? `${previous?.head?.slice(0, 7)} is no ancestor of ${head.slice(0, 7)}: the history was rewritten and is followed`
          : `at ${head.slice(0, 7)}`,
      };
  const settled = dropCondition(dropCondition(before, 'Stalled'), 'Reconciling');
  const events: NewEvent[] = [];
  if (known?.status === 'False')
    events.push(
      eventOf('source.recovered', attempt, `${url} can be followed again after ${known.reason}`, {
        reason: known.reason,
        head,
        failedForMs: nowMs - known.lastTransitionTimeMs,
      }),
    );
  if (rewritten)
    events.push(
      eventOf('source.rewritten', attempt, `${url}: ${ready.message}`, { head, previousHead: previous.head }),
    );
  return {
    status: {
      key,
      url,
      ref,
      head,
      headSeenAtMs: same ? previous.headSeenAtMs : nowMs,
      lastAttemptAtMs: nowMs,
      conditions: mergeCondition(
        settled,
        { type: ready.type, status: ready.status, reason: ready.reason, message: ready.message },
        nowMs,
      ),
    },
    events,
  };
}
