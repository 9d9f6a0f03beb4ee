/**
 * The store's contract. A method is a transaction: it is durable when its promise resolves, and callers never hold one open. Two dialects
 * (sqlite now, postgres later) answer to one contract suite. Rows given out are plain immutable data.
 */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { Epoch, ManifestSet, Target } from '../../shared/manifest/target.ts';
import type { FleetEvent, NewEvent } from '../model/event.ts';
import type { Failover } from '../model/failover.ts';
import type { FenceContact } from '../model/fencing.ts';
import type { ApplicationObservation, ObjectObservation, ReportBatch } from '../model/observation.ts';
import type { ParityMoment, ParityState } from '../model/parity.ts';
import type { Problem } from '../model/problem.ts';
import type {
  AccessToken,
  EnrolmentToken,
  ForgottenCluster,
  IssuedCertificate,
  RegisteredCluster,
} from '../model/registry.ts';
import type {
  AcknowledgementStage,
  Acknowledgements,
  Assignment,
  AssignmentDecision,
  Confirmation,
  Pause,
  Release,
} from '../model/release.ts';
import type { RenderMemory, RenderRecords } from '../model/render-memory.ts';
import type { RenderedObject } from '../model/rendered.ts';
import type { Revision, RevisionRendering, SourceKey } from '../model/revision.ts';
import type {
  ClusterRecord,
  HistoryWrite,
  KeptTimelineEntry,
  RolloutRecord,
} from '../model/rollout-history.ts';
import type { SourceStatus } from '../model/source-status.ts';

/** One page of a list. `next` is an opaque cursor; undefined on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

export interface PageRequest {
  /** At most 500. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What changed, said after the commit, so that loops may wake. `key` is a cluster, an application, a source key, or empty. */
export type StoreTopic =
  | 'sources'
  | 'revisions'
  | 'fleet'
  /** By cluster and application, as change-key.ts says, or by cluster: so are acknowledgements and observations. */
  | 'assignments'
  /** How far a cluster has come with them: nothing that its agent does not know. */
  | 'acknowledgements'
  | 'pauses'
  | 'rollouts'
  | 'observations'
  /** Which objects: cluster, application and keyText with a new line between; a cluster alone: too many to name. */
  | 'objects'
  | 'parity'
  | 'failovers'
  | 'events'
  | 'registry'
  | 'confirmations';
export type StoreListener = (topic: StoreTopic, key: string) => void;

export interface Store {
  readonly meta: MetaRepository;
  readonly sources: SourceRepository;
  readonly fleet: FleetRepository;
  readonly content: ContentRepository;
  readonly renders: RenderRepository;
  readonly releases: ReleaseRepository;
  readonly history: HistoryRepository;
  readonly registry: RegistryRepository;
  readonly access: AccessRepository;
  readonly observations: ObservationRepository;
  readonly events: EventRepository;
  readonly parity: ParityRepository;
  readonly failovers: FailoverRepository;
  /** Called after commits, in this process at least; returns the unsubscribe. */
  subscribe(listener: StoreListener): () => void;
  /** A consistent copy while everything runs. @throws already_exists when the file is there. */
  backup(path: string): Promise<void>;
  /** Deletes what retention and reachability allow; a bounded amount a call. Tells how much. */
  collectGarbage(request: GarbageRequest): Promise<GarbageReport>;
  close(): Promise<void>;
}

export interface GarbageRequest {
  readonly nowMs: number;
  /** Events older than this go. */
  readonly eventsKeptMs: number;
  /** And of the younger ones the oldest, when there are more than this. Default 1,000,000: some gigabyte. */
  readonly eventsKept?: number | undefined;
  /** Releases (and, unreachable then, targets, sets and blobs) older than this go, but never one that is assigned, or the newest `releasesKept` of an application. */
  readonly releasesKeptMs: number;
  readonly releasesKept: number;
  /** Rollouts that ended longer ago than this go, with their timelines. Default 90 days. */
  readonly rolloutsKeptMs?: number | undefined;
  /** And of the younger ones all but so many of each application. Default 100. */
  readonly rolloutsKept?: number | undefined;
}

export interface GarbageReport {
  readonly events: number;
  readonly releases: number;
  readonly targets: number;
  readonly sets: number;
  readonly blobs: number;
  /** Rollouts that have ended. */
  readonly rollouts: number;
  /** Rows of what rendering remembers. */
  readonly renders: number;
}

export interface MetaRepository {
  /** The hub's epoch; made on first use (counter 1). */
  epoch(): Promise<Epoch>;
  /**
   * An agent has shown a later epoch or generation: moves the epoch's counter past `seen` with a new id, lifts the cluster's
   * generation above `generation`, and opens a `restored-hub` confirmation if none is open.
   */
  advanceEpoch(seen: Epoch, cluster: string, generation: number, nowMs: number): Promise<Epoch>;
  /** Small sealed values: the CA's key, the digest key. Undefined when never set. */
  secret(name: string): Promise<Uint8Array | undefined>;
  /** Keeps the value unless one is there; resolves to the one that counts. */
  ensureSecret(name: string, value: Uint8Array): Promise<Uint8Array>;
  value(name: string): Promise<string | undefined>;
  setValue(name: string, value: string): Promise<void>;
}

export interface SourceRepository {
  list(): Promise<readonly SourceStatus[]>;
  get(key: SourceKey): Promise<SourceStatus | undefined>;
  save(status: SourceStatus): Promise<void>;
  remove(key: SourceKey): Promise<void>;
  /** Keeps a revision (a known id changes nothing) and its events. */
  saveRevision(revision: Revision, events: readonly NewEvent[]): Promise<void>;
  /** Says what rendering a revision took, instead of what was said before. An unknown id changes nothing. */
  saveRendering(id: string, rendering: RevisionRendering): Promise<void>;
  revision(id: string): Promise<Revision | undefined>;
  latestRevision(): Promise<Revision | undefined>;
  /** Newest first. */
  revisions(page: PageRequest): Promise<Page<Revision>>;
  /** Remembers a webhook delivery; false when it was seen already. Old ones are forgotten after a day, 10,000 at most. */
  rememberDelivery(id: string, nowMs: number): Promise<boolean>;
}

/** One fleet resource as last read well, with the problem of its newest text if that is broken. */
export interface FleetResource {
  readonly kind: 'Cluster' | 'Application' | 'Repository' | 'RolloutStrategy' | 'ParityGroup' | 'Project';
  readonly name: string;
  /** The parsed model (Cluster, Application, Repository, NamedStrategy, ParityGroup) as JSON. */
  readonly value: unknown;
}

/** Where an application stands with regard to the newest revision. */
export interface Resolution {
  readonly application: string;
  /** The revision last looked at. */
  readonly revisionId: string;
  readonly resolvedAtMs: number;
  /** By cluster; empty cluster: the whole application. Not empty: those clusters stay at what they had. */
  readonly problems: readonly { readonly cluster: string; readonly problem: Problem }[];
  /** Cluster to the Target it should have by that revision. */
  readonly targets: Readonly<Record<string, Digest>>;
}

export interface FleetRepository {
  /** All last good definitions and the problems of the newest revision read. */
  load(): Promise<{
    readonly revisionId: string | undefined;
    readonly resources: readonly FleetResource[];
    readonly problems: readonly Problem[];
  }>;
  /** Whether there is any resource of the kind: whole fleets take their time to be read. */
  hasKind(kind: FleetResource['kind']): Promise<boolean>;
  resolution(application: string): Promise<Resolution | undefined>;
  resolutions(): Promise<readonly Resolution[]>;
}

export interface ContentRepository {
  /** Objects and sets, by digest; known ones are skipped. Content is compressed, and sealed for secrets. */
  saveSets(sets: readonly ManifestSet[], objects: readonly RenderedObject[]): Promise<void>;
  saveTargets(targets: readonly Target[]): Promise<void>;
  target(digest: Digest): Promise<Target | undefined>;
  targets(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, Target>>;
  /** Canonical JSON of each known digest, at most 1,000 asked at once. */
  objects(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, RenderedObject>>;
  /** Which of the digests are in no Target assigned to the cluster now. */
  unreachable(cluster: string, digests: readonly Digest[]): Promise<readonly Digest[]>;
}

/** What rendering read, and the sets that came of it. At most 500 keys are asked at once. */
export interface RenderRepository extends RenderMemory {
  /**
   * Keeps what was rendered from what. A root whose node is another than before loses its earlier results; a result whose set is not in the store is left
   * out. What another engine has made goes with the next garbage.
   */
  save(records: RenderRecords): Promise<void>;
}

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

/** What rollouts did, by the ids of their releases. Written by `savePlan`, `saveRollout` and `saveRollouts`, in the transaction that changes the rollout. */
export interface HistoryRepository {
  /** Newest first; the one under way is among them. */
  list(application: string, page: PageRequest): Promise<Page<RolloutRecord>>;
  record(id: string): Promise<RolloutRecord | undefined>;
  /** Undefined: it goes on, and its state tells them; or there is no such rollout. */
  clusters(id: string): Promise<readonly ClusterRecord[] | undefined>;
  /** Oldest first. At most 5,000 of a rollout are kept; where numbers are missing, there were more. */
  timeline(id: string, page: PageRequest): Promise<Page<KeptTimelineEntry>>;
}

export interface RegistryRepository {
  /** Sorted by name. @param names of these, at most 500. Default all. */
  clusters(names?: readonly string[]): Promise<readonly RegisteredCluster[]>;
  cluster(name: string): Promise<RegisteredCluster | undefined>;
  /** A cluster that was not known is registered when it connects. */
  seen(request: {
    readonly cluster: string;
    readonly connected: boolean;
    readonly agentVersion?: string | undefined;
    readonly kubernetesVersion?: string | undefined;
    readonly nowMs: number;
  }): Promise<void>;
  /** What its agent has said of fencing; undefined: nothing that counts any more. Nothing happens for a cluster that is not known. */
  saveFenceContact(cluster: string, contact: FenceContact | undefined): Promise<void>;
  saveToken(token: EnrolmentToken, event: NewEvent): Promise<void>;
  token(id: string): Promise<EnrolmentToken | undefined>;
  tokens(): Promise<readonly EnrolmentToken[]>;
  revokeToken(id: string, event: NewEvent): Promise<boolean>;
  /**
   * Takes the token for a key and keeps the certificate in one step. The same key may come again, 100 times at most: an agent that has not got its answer.
   * False (and nothing kept) when the token was used for another key, was revoked or is over. Registers the cluster.
   * @param keyDigest as EnrolmentToken.usedKeyDigest
   */
  redeemToken(
    id: string,
    keyDigest: Digest,
    certificate: IssuedCertificate,
    nowMs: number,
    events: readonly NewEvent[],
  ): Promise<boolean>;
  saveCertificate(certificate: IssuedCertificate, event: NewEvent): Promise<void>;
  certificate(fingerprint: string): Promise<IssuedCertificate | undefined>;
  certificates(cluster: string): Promise<readonly IssuedCertificate[]>;
  /** Revokes every certificate of a cluster that is still valid, and closes its used tokens to those who come again; how many certificates. */
  revokeCertificates(cluster: string, reason: string, nowMs: number, event: NewEvent): Promise<number>;
  /**
   * A cluster that is gone for good, in one step: revokes its certificates and tokens, deletes its assignments (removals under way are over), observations,
   * pauses and registration, and the confirmation that holds its removal; keeps events of it (`audit.cluster.forgotten` and the revocations). Its generation,
   * its certificates' records and its events stay.
   * @throws failed_precondition while it is declared in the last fleet that was read or its agent is connected; not_found.
   */
  forget(request: {
    readonly cluster: string;
    readonly reason: string;
    readonly actor: string;
    readonly nowMs: number;
  }): Promise<ForgottenCluster>;
}

export interface AccessRepository {
  saveToken(token: AccessToken, event: NewEvent): Promise<void>;
  tokenByHash(secretHash: string): Promise<AccessToken | undefined>;
  tokens(): Promise<readonly AccessToken[]>;
  /** At most once a minute a token, so that reads stay reads. */
  touchToken(id: string, nowMs: number): Promise<void>;
  revokeToken(id: string, nowMs: number, event: NewEvent): Promise<boolean>;
}

export interface ObjectFilter extends AssignmentFilter {
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly syncStatus?: string | undefined;
  readonly healthStatus?: string | undefined;
  /** keyText. */
  readonly object?: string | undefined;
  /** True: hooks alone, by their reason (shared/manifest/hook-reasons.ts). */
  readonly hooks?: boolean | undefined;
}

export interface ObservationRepository {
  /** Keeps a whole batch, its events too. Older than what is kept (generation, then time): ignored, row by row. Rows of applications not assigned to the cluster are ignored. */
  saveBatch(batch: ReportBatch, events: readonly NewEvent[]): Promise<void>;
  applications(filter: AssignmentFilter): Promise<readonly ApplicationObservation[]>;
  /** Sorted by cluster, application, key. */
  objects(filter: ObjectFilter, page: PageRequest): Promise<Page<ObjectObservation>>;
}

/** What parity groups came to. */
export interface ParityRepository {
  /** Sorted by group. */
  states(): Promise<readonly ParityState[]>;
  /** Keeps a group's state, a moment of its time line and events in one step. Of a group 10,000 moments are kept, for 400 days. */
  save(
    state: ParityState,
    moment: Omit<ParityMoment, 'sequence'> | undefined,
    events: readonly NewEvent[],
  ): Promise<void>;
  /** With its time line. */
  remove(group: string): Promise<void>;
  /** Newest first. */
  timeline(group: string, page: PageRequest): Promise<Page<ParityMoment>>;
}

/** Failovers from their first word to the last. */
export interface FailoverRepository {
  /** Those that are not over, in the order they began. */
  open(): Promise<readonly Failover[]>;
  get(id: string): Promise<Failover | undefined>;
  /**
   * Keeps a failover with its events in one step. @param before the version that is replaced; undefined: it is new.
   * False: it is another already, or there is an open one of the group; then nothing was kept. Of a group 1,000 are kept.
   */
  save(failover: Failover, before: number | undefined, events: readonly NewEvent[]): Promise<boolean>;
  /** Newest first; of one group, or of all. @param kind of these alone; default: of all. */
  list(group: string | undefined, page: PageRequest, kind?: Failover['kind']): Promise<Page<Failover>>;
}

export interface EventFilter {
  /** Exact types, or a first part: `drift`, `audit`. */
  readonly types?: readonly string[] | undefined;
  readonly cluster?: string | undefined;
  readonly application?: string | undefined;
  readonly sinceMs?: number | undefined;
}

/** An event still to be told to the outside. */
export interface OutboxItem {
  readonly event: FleetEvent;
  readonly attempts: number;
}

export interface EventRepository {
  append(events: readonly NewEvent[]): Promise<void>;
  /** Newest first. */
  list(filter: EventFilter, page: PageRequest): Promise<Page<FleetEvent>>;
  /** Oldest first, after a sequence: for streams. */
  after(sequence: number, filter: EventFilter, limit: number): Promise<readonly FleetEvent[]>;
  lastSequence(): Promise<number>;
  /** The oldest sequence still kept; a stream that resumes before it has missed some. */
  firstSequence(): Promise<number>;
  /** Events of these types enter the outbox as they are appended, from now on. Bounded at 10,000: the oldest go first, counted in `events.dropped`. */
  setOutboxTypes(types: readonly string[]): Promise<void>;
  outbox(nowMs: number, limit: number): Promise<readonly OutboxItem[]>;
  /** Delivered or given up: forgotten. */
  settleOutbox(sequence: number): Promise<void>;
  deferOutbox(sequence: number, nextAttemptAtMs: number): Promise<void>;
}
