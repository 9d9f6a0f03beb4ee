/**
 * The store's contract. A method is a transaction: it is durable when its promise resolves, and callers never hold one open. Two dialects
 * (sqlite now, postgres later) answer to one contract suite. Rows given out are plain immutable data. What each
 * repository answers is in `repositories/`.
 */
import type { AccessRepository } from './repositories/access-repository.ts';
import type { ContentRepository } from './repositories/content-repository.ts';
import type { EventRepository } from './repositories/event-repository.ts';
import type { FailoverRepository } from './repositories/failover-repository.ts';
import type { FleetRepository } from './repositories/fleet-repository.ts';
import type { HistoryRepository } from './repositories/history-repository.ts';
import type { MetaRepository } from './repositories/meta-repository.ts';
import type { ObservationRepository } from './repositories/observation-repository.ts';
import type { ParityRepository } from './repositories/parity-repository.ts';
import type { RegistryRepository } from './repositories/registry-repository.ts';
import type { ReleaseRepository } from './repositories/release-repository.ts';
import type { RenderRepository } from './repositories/render-repository.ts';
import type { SourceRepository } from './repositories/source-repository.ts';

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
