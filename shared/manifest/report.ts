/** What an agent says of its cluster: the same rows that the hub keeps, there with the cluster's name. */
import type { Digest } from './canonical.ts';
import type { ChangeAction, Drift, HealthStatus, SyncStatus } from './health.ts';
import type { ObjectKey } from './object.ts';

export interface ApplicationReport {
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
  /** More left the set than may be deleted unasked: it waits for a word about this Target. */
  readonly pruneHeld?: PruneHeld | undefined;
  /** What is not done waits for a hook at work, which has ended or is given up by then. Agent's clock. */
  readonly hookUntilMs?: number | undefined;
}

export interface PruneHeld {
  /** Would be deleted. */
  readonly objects: number;
  /** Of so many that the application has. */
  readonly total: number;
  /** Agent's clock. */
  readonly sinceMs: number;
}

export interface ObjectReport {
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
