/** What an agent is to keep in its cluster, and the ports between its stages: stream -> apply -> observe -> report -> stream. */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { AssignmentReason, Epoch, Target } from '../../shared/manifest/target.ts';

export interface DesiredApplication {
  readonly application: string;
  readonly target: Target;
  readonly generation: number;
  readonly epoch: Epoch;
  readonly releaseId: string;
  readonly reason: AssignmentReason;
  readonly revisionId: string;
}

export interface PauseEntry {
  /** Empty: the whole cluster. */
  readonly application: string;
  /** On this machine's clock; undefined: until resumed. */
  readonly untilMs: number | undefined;
  readonly reason: string;
}

/** The cached desired state: kept across restarts, authoritative while the hub is away. Written by stream, read by loops. */
export interface DesiredState {
  applications(): ReadonlyMap<string, DesiredApplication>;
  /** Canonical JSON of an object; undefined when it is not here (it is asked of the hub again). */
  object(digest: Digest): string | undefined;
  pauses(): readonly PauseEntry[];
  /** Nothing may be deleted now: the hub was restored from an older state. */
  deletionsHeld(): boolean;
  /** Deletions beyond an application's prune limit that somebody has confirmed by the hub: application to the digest of the Target that makes them. */
  prunesConfirmed(): ReadonlyMap<string, Digest>;
  /** A batch of assignments that belong together has only been received in part: delete nothing. */
  batchOpen(): boolean;
  /** Called after every change with the applications concerned (empty set: pauses or holds). */
  subscribe(listener: (applications: ReadonlySet<string>) => void): () => void;
  /** Manifests that are applied though no Target may name them any more: they are kept until the next call, to heal by. */
  retain(application: string, digests: ReadonlySet<Digest>): void;
  /** A removed application whose objects are gone (or orphaned) is forgotten. */
  forget(application: string, generation: number): Promise<void>;
}

/** Acknowledgement to the hub, by application: only the newest of each is sent. */
export interface AcknowledgementSink {
  acknowledge(ack: {
    readonly application: string;
    readonly generation: number;
    readonly targetDigest: Digest;
    readonly stage: 'received' | 'applied' | 'healthy' | 'refused' | 'failed';
    readonly message: string;
    readonly timeMs: number;
  }): void;
}
