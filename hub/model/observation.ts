/** What agents report, as the hub keeps it. */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { ChangeAction, Drift, HealthStatus, SyncStatus } from '../../shared/manifest/health.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';

export interface ApplicationObservation {
  readonly cluster: string;
  readonly application: string;
  readonly generation: number;
  readonly targetDigest: Digest;
  readonly syncStatus: SyncStatus;
  readonly healthStatus: HealthStatus;
  readonly message: string;
  readonly objects: number;
  readonly objectsSynced: number;
  readonly appliedAtMs: number | undefined;
  /** Agent's clock. */
  readonly timeMs: number;
  readonly waitsFor: string;
  readonly changes: Readonly<Partial<Record<ChangeAction, number>>>;
}

export interface ObjectObservation {
  readonly cluster: string;
  readonly application: string;
  readonly key: ObjectKey;
  readonly objectDigest: Digest;
  /** Digest of the live values at owned fields; empty when not read. */
  readonly liveDigest: Digest;
  readonly syncStatus: SyncStatus;
  readonly healthStatus: HealthStatus;
  readonly reason: string;
  readonly message: string;
  readonly drift: Drift | undefined;
  readonly lastAction: ChangeAction;
  readonly generation: number;
  readonly timeMs: number;
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
}

/** One batch of an agent's Report stream. */
export interface ReportBatch {
  readonly cluster: string;
  readonly applications: readonly ApplicationObservation[];
  readonly objects: readonly ObjectObservation[];
  readonly gone: readonly { readonly application: string; readonly key: ObjectKey }[];
  readonly events: readonly AgentEvent[];
}
