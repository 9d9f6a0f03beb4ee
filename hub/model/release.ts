/** Releases and assignments. */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { AssignmentReason } from '../../shared/manifest/target.ts';

/** An application at a Revision: for each placed cluster the Target it would get. */
export interface Release {
  readonly id: string;
  readonly application: string;
  readonly revisionId: string;
  readonly createdAtMs: number;
  /** Cluster to Target digest. Clusters that the application leaves have a removal Target. */
  readonly targets: Readonly<Record<string, Digest>>;
}

/** A decision of the rollout stage: the store gives it a generation in the transaction that keeps it. */
export interface AssignmentDecision {
  readonly cluster: string;
  readonly application: string;
  readonly targetDigest: Digest;
  readonly releaseId: string;
  readonly revisionId: string;
  readonly reason: AssignmentReason;
  /** Target takes the application out of the cluster. */
  readonly removed: boolean;
}

/** What one cluster shall run of one application. At most one for each (cluster, application). */
export interface Assignment extends AssignmentDecision {
  /** Grows by cluster over everything assigned to it. */
  readonly generation: number;
  readonly assignedAtMs: number;
}

/** Acknowledgements of one assignment's generation, each undefined until it came. */
export interface Acknowledgements {
  readonly receivedAtMs: number | undefined;
  readonly appliedAtMs: number | undefined;
  readonly healthyAtMs: number | undefined;
  readonly refused: string | undefined;
}

export type AcknowledgementStage = 'received' | 'applied' | 'healthy' | 'refused' | 'failed';

/** Assignments that would disappear, held until an operator confirms. */
export interface Confirmation {
  readonly id: string;
  readonly kind: 'application' | 'cluster' | 'placement' | 'restored-hub' | 'prune';
  /** Name of the application or cluster; `fleet` for a restored hub, `eu-1/shop` for objects of an application in one cluster. */
  readonly subject: string;
  /** How many assignments would be removed; of a `prune`: how many objects. */
  readonly assignments: number;
  readonly revisionId: string;
  readonly message: string;
  readonly createdAtMs: number;
  readonly confirmedAtMs: number | undefined;
  readonly confirmedBy: string | undefined;
}

/** Healing and syncing stop for a cluster, or one application of it. */
export interface Pause {
  readonly cluster: string;
  /** Empty: the whole cluster. */
  readonly application: string;
  readonly reason: string;
  readonly actor: string;
  readonly createdAtMs: number;
  /** It ends by itself then; undefined only for `Cluster.paused` in Git. */
  readonly untilMs: number | undefined;
}
