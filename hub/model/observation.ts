/** What agents report, as the hub keeps it. */
import type { Drift } from '../../shared/manifest/health.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { ApplicationReport, ObjectReport } from '../../shared/manifest/report.ts';

export interface ApplicationObservation extends ApplicationReport {
  readonly cluster: string;
}

export interface ObjectObservation extends ObjectReport {
  readonly cluster: string;
}

export interface AgentEvent {
  /** Given by the agent; a repeat with the same id changes nothing. */
  readonly id: string;
  readonly type: string;
  readonly application: string;
  readonly key: ObjectKey | undefined;
  readonly message: string;
  readonly timeMs: number;
  readonly drift: Drift | undefined;
  /** Of a failed hook; words of a later version are kept as they are. */
  readonly hook?: { readonly phase: string; readonly attempt: number; readonly reason: string } | undefined;
}

/** One batch of an agent's Report stream. */
export interface ReportBatch {
  readonly cluster: string;
  readonly applications: readonly ApplicationObservation[];
  readonly objects: readonly ObjectObservation[];
  readonly gone: readonly { readonly application: string; readonly key: ObjectKey }[];
  readonly events: readonly AgentEvent[];
}
