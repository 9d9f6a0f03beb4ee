import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { NewEvent } from '../../model/event.ts';
import type { Problem } from '../../model/problem.ts';
import type {
  AcknowledgementStage,
  Acknowledgements,
  Assignment,
  AssignmentDecision,
  Confirmation,
  Pause,
  Release,
} from '../../model/release.ts';
import type { HistoryWrite } from '../../model/rollout-history.ts';
import type { FleetResource, Resolution } from './fleet-repository.ts';
import type { Page, PageRequest } from './page.ts';

/** What a rollout may still need, which no assignment names: never collected as garbage. */
export interface RolloutPins {
  readonly releaseId: string;
  /** That clusters would go back to. */
  readonly targets: readonly Digest[];
}

/** Everything that one look at a revision decides, kept in one transaction. */
export interface Plan {
  readonly revisionId: string;
  readonly fleet: { readonly resources: readonly FleetResource[]; readonly problems: readonly Problem[] };
  readonly resolutions: readonly Resolution[];
  readonly releases: readonly Release[];
  readonly decisions: readonly AssignmentDecision[];
  /** Replaces the open ones of kinds application, cluster and placement. */
  readonly confirmations: readonly Omit<Confirmation, 'confirmedAtMs' | 'confirmedBy'>[];
  /** Rollout state by application: the reducer's, as JSON. */
  readonly rollouts: Readonly<Record<string, unknown>>;
  /** The versions that some of them take the place of: where one is another by now, nothing is kept. */
  readonly rolloutsBefore?: Readonly<Record<string, number>> | undefined;
  /** By application, in place of those before; of one that is not named: as before. */
  readonly pins?: Readonly<Record<string, RolloutPins>> | undefined;
  /** Of the rollouts that begin or are superseded. */
  readonly history?: readonly HistoryWrite[] | undefined;
  readonly events: readonly NewEvent[];
  readonly nowMs: number;
}

/** A rollout's state, as JSON, and its version. */
export interface StoredRollout {
  /** Another whenever the state is, by one more with each pass; never given again to the application. */
  readonly version: number;
  readonly state: unknown;
}

/** One pass of a rollout, as what it changes. */
export interface RolloutPassRow {
  readonly application: string;
  /** Of the state that it began from. */
  readonly version: number;
  /** The next state but for its `clusters`; undefined: that is as it was. */
  readonly state: unknown;
  /** Of the state's `clusters` those that are another now; null: not in it any more. Undefined: none. */
  readonly clusters?: Readonly<Record<string, unknown>> | undefined;
  /** Undefined: as before. */
  readonly pins?: RolloutPins | undefined;
  readonly decisions: readonly AssignmentDecision[];
  readonly history?: readonly HistoryWrite[] | undefined;
  readonly events: readonly NewEvent[];
  readonly nowMs: number;
}

export interface AssignmentFilter {
  readonly cluster?: string | undefined;
  readonly application?: string | undefined;
  /** Any of these, at most 500. */
  readonly clusters?: readonly string[] | undefined;
}

export interface AssignmentState extends Assignment {
  /** The Target with which it was last healthy there; undefined: none. Never collected as garbage. */
  readonly healthyTargetDigest: Digest | undefined;
  readonly acknowledgements: Acknowledgements;
}

/** Releases, who is assigned which of them, rollouts, pauses and confirmations. */
export interface ReleaseRepository {
  /**
   * Keeps a plan. Each decision whose Target or release differs from the assignment in force gets the cluster's next generation; an equal
   * one changes nothing. Targets and sets must have been saved before. Resolves to the changed assignments.
   * @throws conflict when a rollout is of another version than `rolloutsBefore` says; then nothing has changed.
   */
  savePlan(plan: Plan): Promise<readonly Assignment[]>;
  release(id: string): Promise<Release | undefined>;
  releases(application: string, page: PageRequest): Promise<Page<Release>>;
  rollout(application: string): Promise<StoredRollout | undefined>;
  /** Of its state as it is now: whoever knows that version need not read it again. */
  rolloutVersion(application: string): Promise<number | undefined>;
  /** Of all applications that have one, by application. */
  rollouts(): Promise<ReadonlyMap<string, StoredRollout>>;
  /**
   * Keeps the next state of a rollout with all that it decided, in one transaction, as `savePlan` does; its version is one more then. Nothing is kept, and the
   * result is undefined, when the state is of another version by now: somebody else was faster.
   */
  saveRollout(pass: RolloutPassRow): Promise<readonly Assignment[] | undefined>;
  /** As `saveRollout`, of several at once: all of them or none. Assignments get their generations in the order of the passes and their decisions. */
  saveRollouts(passes: readonly RolloutPassRow[]): Promise<readonly Assignment[] | undefined>;
  /** Sorted by cluster, application. */
  assignments(filter: AssignmentFilter): Promise<readonly AssignmentState[]>;
  /** Records a stage for that generation only; an older generation's is ignored. `time` keeps its first value. A removal that is applied deletes the assignment and its observations. */
  acknowledge(request: {
    readonly cluster: string;
    readonly application: string;
    readonly generation: number;
    readonly stage: AcknowledgementStage;
    readonly message: string;
    readonly timeMs: number;
  }): Promise<void>;
  pauses(cluster?: string): Promise<readonly Pause[]>;
  savePause(pause: Pause, event: NewEvent): Promise<void>;
  /** @returns false when there was none. */
  removePause(cluster: string, application: string, event: NewEvent): Promise<boolean>;
  /** Removes pauses that are over, with an `audit.resume` event each; resolves to them. */
  expirePauses(nowMs: number): Promise<readonly Pause[]>;
  confirmations(): Promise<readonly Confirmation[]>;
  /**
   * @param held what waits though no row says so (a `prune`, which only agents tell of): it becomes one.
   * @throws not_found. Idempotent.
   */
  confirm(
    id: string,
    actor: string,
    event: NewEvent,
    held?: Omit<Confirmation, 'confirmedAtMs' | 'confirmedBy'>,
  ): Promise<Confirmation>;
}
