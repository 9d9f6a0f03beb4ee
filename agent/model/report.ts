/** What the agent says of what it saw; coalesced by key until sent (agent/report), converted to wire in agent/stream. */
import type { Drift } from '../../shared/manifest/health.ts';
import type { HookFailureReport } from '../../shared/manifest/hook-reasons.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { ApplicationReport, ObjectReport } from '../../shared/manifest/report.ts';

export interface AgentEvent {
  /** Unique for ever: instance id and a counter. */
  readonly id: string;
  readonly type:
    | 'drift.found'
    | 'drift.healed'
    | 'sync.failed'
    | 'sync.succeeded'
    | 'object.pruned'
    | 'hook.failed'
    | 'removal.held'
    | 'fence.closed'
    | 'fence.opened';
  readonly application: string;
  readonly key: ObjectKey | undefined;
  readonly message: string;
  readonly timeMs: number;
  readonly drift: Drift | undefined;
  /** Of a failed hook. */
  readonly hook?: HookFailureReport | undefined;
}

/** Where stages put what they see. Latest wins by application and by (application, key); events queue, bounded. */
export interface ReportSink {
  application(report: ApplicationReport): void;
  object(report: ObjectReport): void;
  gone(application: string, key: ObjectKey): void;
  event(event: AgentEvent): void;
}

/** One batch as drained for sending. */
export interface ReportBatch {
  readonly applications: readonly ApplicationReport[];
  readonly objects: readonly ObjectReport[];
  readonly gone: readonly { readonly application: string; readonly key: ObjectKey }[];
  readonly events: readonly AgentEvent[];
}

/** The sender's side of the report queue (agent/report/queue.ts implements both sides). */
export interface ReportSource {
  /** At most about `limit` rows; undefined when there is nothing to say. */
  take(limit: number): ReportBatch | undefined;
  /** Not stored by the hub: everything in it that was not said anew goes back. */
  giveBack(batch: ReportBatch): void;
  /** Everything known is queued anew (a new session: the hub may have lost it). */
  requeueAll(): void;
  /** Called when there is something to take. */
  onReady(listener: () => void): void;
}
