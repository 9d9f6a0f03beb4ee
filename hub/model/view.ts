/** What people ask of the fleet, folded from assignments, observations, resolutions, pauses and registrations by hub/status. */
import type { Condition } from '../../shared/condition/condition.ts';
import type { HealthStatus, SyncStatus } from '../../shared/manifest/health.ts';
import type { Cluster } from './fleet.ts';

/** One application in one cluster. */
export interface PlacementView {
  readonly cluster: string;
  readonly application: string;
  readonly region: string;
  /** Revision whose Target is assigned. */
  readonly revisionId: string;
  readonly targetDigest: string;
  readonly generation: number;
  readonly assignedAtMs: number;
  /** The newest revision that was resolved asks for this same Target. */
  readonly upToDate: boolean;
  readonly stage: 'Assigned' | 'Received' | 'Applied' | 'Healthy' | 'Refused';
  readonly sync: SyncStatus | 'Unknown';
  readonly health: HealthStatus;
  /** One sentence for people: what it waits on, what failed, or "". */
  readonly message: string;
  readonly objects: number;
  readonly objectsSynced: number;
  /** An open drift is there. */
  readonly drifted: boolean;
  readonly paused: boolean;
  readonly connected: boolean;
  readonly removing: boolean;
}

export interface ClusterView {
  readonly name: string;
  readonly region: string;
  readonly role: 'primary' | 'standby' | 'none';
  /** The role is the hub's own word, not Git's. Undefined: it is Git's. */
  readonly roleOverride?: Cluster['override'];
  readonly labels: Readonly<Record<string, string>>;
  /** In the fleet repository. */
  readonly declared: boolean;
  readonly enrolled: boolean;
  readonly connected: boolean;
  readonly lastSeenAtMs: number | undefined;
  readonly agentVersion: string;
  /** What the agent reports, else what Git states. */
  readonly kubernetesVersion: string;
  /** Not wrong, but worth knowing: sentences for people. */
  readonly warnings: readonly string[];
  readonly paused: boolean;
  readonly pauseReason: string;
  readonly pausedUntilMs: number | undefined;
  readonly applications: number;
  readonly applicationsHealthy: number;
  readonly applicationsDrifted: number;
  /** Ready, Reconciling, Stalled. */
  readonly conditions: readonly Condition[];
}

export interface ApplicationView {
  readonly name: string;
  readonly path: string;
  readonly repository: string;
  readonly revisionId: string;
  readonly clusters: number;
  readonly clustersHealthy: number;
  readonly clustersUpToDate: number;
  readonly clustersDrifted: number;
  readonly conditions: readonly Condition[];
  /** Why clusters stay at what they had: render and policy problems. */
  readonly problems: readonly {
    readonly cluster: string;
    readonly file: string;
    readonly line: number;
    readonly field: string;
    readonly message: string;
  }[];
  readonly placements: readonly PlacementView[];
}
