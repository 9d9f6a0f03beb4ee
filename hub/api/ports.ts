/** What the API needs of the rest of the hub. main.ts gives it; tests give fakes. */
import type { Registry as MetricsRegistry } from 'prom-client';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { ManifestSet, Target } from '../../shared/manifest/target.ts';
import type { Explanation } from '../explain/explanation.ts';
import type { ClusterRole, Failover, FailoverKind, FailoverMode, Fenced } from '../model/failover.ts';
import type {
  ParityDifference,
  ParityGroup,
  ParityMoment,
  ParityReason,
  ParityState,
  ParityVerdict,
} from '../model/parity.ts';
import type { AdoptionFinding } from '../model/query.ts';
import type { ForgottenCluster } from '../model/registry.ts';
import type { ClusterRecord, KeptTimelineEntry, RolloutRecord } from '../model/rollout-history.ts';
import type { ObjectSelector } from '../model/trace.ts';
import type { ApplicationView, ClusterView, PlacementView } from '../model/view.ts';
import type { ObjectiveReport } from '../parity/assess-objective.ts';
import type { ApplicationReport, DiffReport, DiffSide, ProblemReport } from '../preview/report.ts';
import type { RolloutAction } from '../rollout/apply-action.ts';
import type { RolloutReport } from '../rollout/report/describe-rollout.ts';
import type { AheadApplication, AheadWave } from '../rollout/report/plan-ahead.ts';
import type { Page, PageRequest } from '../store/repositories/page.ts';
import type { AssignmentFilter } from '../store/repositories/release-repository.ts';
import type { Store } from '../store/store.ts';
import type { InstallOptions } from './install/install-options.ts';

export interface ApiPorts {
  readonly store: Store;
  readonly views: ViewPort;
  readonly agents: AgentPort;
  readonly registry: RegistryPort;
  readonly sources: SourcePort;
  readonly install: InstallPort;
  readonly preview: PreviewPort;
  readonly explainer: ExplainPort;
  readonly rollouts: RolloutPort;
  readonly parity: ParityPort;
  readonly failovers: FailoverPort;
  readonly history: RolloutHistoryPort;
  readonly planner: RolloutPlanPort;
  /** JSON Schemas of the fleet repository's kinds, by kind. */
  schemas(): Readonly<Record<string, unknown>>;
  /** Writes a consistent copy of the store to a file of its own and resolves to its path; the API streams it and deletes it. */
  backup(): Promise<string>;
  readonly metrics: MetricsRegistry;
  /** Every check that must pass before the hub takes requests. Must not take long. */
  ready(): Promise<readonly ReadinessCheck[]>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Of the hub. */
  readonly version: string;
}

export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Why not; shown to anyone, so never internal. */
  readonly message: string;
}

/** The folded state, as hub/status gives it. */
export interface ViewPort {
  clusters(): Promise<readonly ClusterView[]>;
  cluster(name: string): Promise<ClusterView | undefined>;
  applications(): Promise<readonly ApplicationView[]>;
  application(name: string): Promise<ApplicationView | undefined>;
  /** Sorted by cluster, application. */
  placements(filter: AssignmentFilter): Promise<readonly PlacementView[]>;
}

/** What is asked of an agent over the Query stream. */
export type AgentQuestion =
  | { readonly kind: 'object'; readonly key: ObjectKey; readonly apiVersion: string }
  | {
      readonly kind: 'logs';
      readonly namespace: string;
      readonly pod: string;
      /** Empty: the only one. */
      readonly container: string;
      readonly tailLines: number;
      readonly previous: boolean;
    }
  | { readonly kind: 'diagnostics' }
  | {
      readonly kind: 'adoption';
      readonly application: string;
      readonly target: Target;
      readonly blobs: readonly { readonly digest: string; readonly content: string }[];
    };

export type AgentAnswer =
  | { readonly kind: 'object'; readonly found: boolean; readonly content: Uint8Array }
  | { readonly kind: 'logs'; readonly content: Uint8Array; readonly truncated: boolean }
  | { readonly kind: 'diagnostics'; readonly content: Uint8Array }
  | {
      readonly kind: 'adoption';
      readonly findings: readonly AdoptionFinding[];
      readonly truncated: boolean;
    };

export interface AgentSession {
  readonly cluster: string;
  readonly connectedAtMs: number;
}

/** The connected agents, as hub/stream holds them. */
export interface AgentPort {
  /** Asks an agent to look at everything again; empty application: all. False when it is not connected. */
  sync(cluster: string, application: string): boolean;
  /** @throws unavailable when the agent is not connected; deadline_exceeded. */
  query(
    cluster: string,
    question: AgentQuestion,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<AgentAnswer>;
  /** Ends the cluster's session, if there is one. */
  disconnect(cluster: string, reason: string): void;
  sessions(): readonly AgentSession[];
}

/** Enrolment and certificates; keeps the audit events of what it does. */
export interface RegistryPort {
  /** A single-use enrolment token. `token` is what an agent presents; it is shown once and only hashed in the store. */
  createToken(request: {
    readonly cluster: string;
    readonly ttlMs: number;
    readonly actor: string;
  }): Promise<{ readonly id: string; readonly token: string; readonly expiresAtMs: number }>;
  /** False when there is no such unused token. */
  revokeToken(id: string, actor: string): Promise<boolean>;
  /** Revokes every valid certificate and unused token of a cluster; how many certificates. */
  revoke(cluster: string, reason: string, actor: string): Promise<number>;
  /** Ends all that the hub has of a cluster that is gone. @throws failed_precondition while it is declared or connected; not_found. */
  forget(cluster: string, reason: string, actor: string): Promise<ForgottenCluster>;
}

export interface WebhookRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface SourcePort {
  /** Looks at these repositories' remotes now; none given: all. How many sources were woken. */
  poke(urls?: readonly string[]): number;
  /**
   * Verifies and reads a Git host's webhook. @returns the repositories' URLs it tells of; none when the delivery was seen before.
   * @throws unauthenticated for a bad signature, invalid_argument for what cannot be read.
   */
  webhook(request: WebhookRequest): Promise<readonly string[]>;
}

/** What a change would do. */
export interface PreviewPort {
  /** @throws not_found for a revision that is nowhere, resource_exhausted while others compare, cancelled. */
  diff(
    request: {
      /** `running`, or a branch, tag or commit of the root repository. */
      readonly from: string;
      readonly to: string;
      readonly application: string | undefined;
      readonly cluster: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<DiffReport>;
  /** What a cluster would have of an application at a revision. @throws as diff; invalid_manifest for what cannot be rendered. */
  manifests(
    request: { readonly revision: string; readonly application: string; readonly cluster: string },
    signal: AbortSignal,
  ): Promise<{
    readonly commit: string;
    readonly set: ManifestSet;
    readonly contents: ReadonlyMap<Digest, string>;
  }>;
}

/** Why a rendered object is as it is. */
export interface ExplainPort {
  /** @throws not_found for what is nowhere, invalid_argument, invalid_manifest, resource_exhausted while others ask, cancelled. */
  explain(
    question: {
      readonly application: string;
      readonly cluster: string;
      readonly object: ObjectSelector;
      /** Empty: the whole object. */
      readonly field: string;
      /** A branch, tag or commit of the root repository; undefined: the one that was resolved last. */
      readonly revision: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<Explanation>;
}

/** The rollouts of applications; keeps the audit events of what is done to them. */
export interface RolloutPort {
  /** Sorted by application. */
  reports(): Promise<readonly RolloutReport[]>;
  report(application: string): Promise<RolloutReport | undefined>;
  /** @param releaseId of the rollout that it was said of. Default whichever there is. @throws not_found, failed_precondition or permission_denied with why; conflict. */
  act(
    application: string,
    action: RolloutAction,
    said: { readonly actor: string; readonly reason: string; readonly atMs: number },
    releaseId?: string,
  ): Promise<RolloutReport>;
}

/** A wave as it would be. */
export interface PlannedWave extends AheadWave {
  /** What changes in its clusters; undefined: nothing that can be seen, such as an order of hooks. */
  readonly changes: ApplicationReport | undefined;
}

export interface PlannedApplication extends Omit<AheadApplication, 'waves'> {
  readonly waves: readonly PlannedWave[];
}

export interface RolloutPlan {
  readonly revision: DiffSide;
  readonly plannedAtMs: number;
  readonly applications: readonly PlannedApplication[];
  /** Of the revision, or of what runs. */
  readonly problems: readonly ProblemReport[];
  /** Changes and problems beyond the bounds. */
  readonly omitted: number;
}

/** What a revision would do, before anything happens. */
export interface RolloutPlanPort {
  /** @throws not_found for a revision or an application that is nowhere, resource_exhausted while others compare, cancelled. */
  plan(
    request: { readonly revision: string; readonly application: string | undefined },
    signal: AbortSignal,
  ): Promise<RolloutPlan>;
}

/** What rollouts did. */
export interface RolloutHistoryPort {
  /** Newest first. */
  list(application: string, page: PageRequest): Promise<Page<RolloutRecord>>;
  /** @throws not_found */
  record(id: string): Promise<RolloutRecord>;
  /** In the order of the waves. @throws not_found */
  clusters(id: string): Promise<readonly ClusterRecord[]>;
  /** Oldest first. @throws not_found */
  timeline(id: string, page: PageRequest): Promise<Page<KeptTimelineEntry>>;
}

/** Whether standby clusters are what their primaries are. */
export interface ParityPort {
  /** Sorted by name; those that were compared once. */
  groups(): readonly ParityView[];
  group(name: string): ParityView | undefined;
  differences(name: string): readonly ParityDifference[];
  /** Newest first. */
  timeline(name: string, page: PageRequest): Promise<Page<ParityMoment>>;
  /** Two clusters as they are now, without a group. @throws not_found for one that is not in the fleet, invalid_argument for one with itself. */
  compare(
    primary: string,
    standby: string,
    application: string | undefined,
    signal: AbortSignal,
  ): Promise<{
    readonly differences: readonly ParityDifference[];
    readonly objects: number;
    readonly whole: boolean;
  }>;
}

/** One cluster takes over from another. */
export interface FailoverPort {
  /** What would change. @throws not_found, invalid_argument, failed_precondition with why, resource_exhausted, cancelled. */
  plan(asked: FailoverAsked, signal: AbortSignal): Promise<FailoverPlan>;
  /**
   * @param signal ends the planning of a drill; default: nothing does.
   * @throws as plan; failed_precondition with what is to be confirmed; conflict while another is under way.
   */
  start(asked: FailoverStart, signal?: AbortSignal): Promise<Failover>;
  /** Ends what is not in Git yet; roles come back as Git has them. @throws not_found, failed_precondition, conflict. */
  revoke(group: string, said: { readonly reason: string; readonly actor: string }): Promise<Failover>;
  /** Lets the hub's own word last so long from now. @throws not_found, invalid_argument where it does already, failed_precondition without one, conflict. */
  extend(
    group: string,
    said: { readonly reason: string; readonly actor: string; readonly overrideMs: number },
  ): Promise<Failover>;
  /** Those under way, in the order they began; one of a group at most. An override that is not signed by this hub is none. */
  open(): Promise<readonly Failover[]>;
  get(id: string): Promise<Failover | undefined>;
  /** Newest first. @param kind of these alone; default: of all. */
  list(group: string | undefined, page: PageRequest, kind?: FailoverKind): Promise<Page<Failover>>;
}

export interface FailoverAsked {
  readonly group: string;
  readonly kind: FailoverKind;
  /** Undefined: the only standby; of a `back`: the primary of before. */
  readonly to: string | undefined;
}

export interface FailoverStart extends FailoverAsked {
  readonly reason: string;
  readonly actor: string;
  /** What the plan says has to be confirmed is. */
  readonly confirm: boolean;
  /** By the hub's own word for so long, until the switch is in Git; of a drill: how long it may take. Undefined: by Git. */
  readonly overrideMs: number | undefined;
  /** Not the group's own way. */
  readonly commit: 'commit' | 'branch' | undefined;
}

export interface FailoverPlan {
  readonly group: string;
  readonly kind: FailoverKind;
  readonly mode: FailoverMode;
  readonly strategy: string;
  readonly from: string;
  readonly to: string;
  readonly fenced: Fenced;
  /** How that is known, in one sentence. */
  readonly fencedReason: string;
  readonly roles: readonly {
    readonly cluster: string;
    readonly from: ClusterRole;
    readonly to: ClusterRole;
  }[];
  /** Files of the fleet repository that would be edited. */
  readonly files: readonly string[];
  readonly changes: DiffReport;
  readonly readiness: {
    readonly verdict: ParityVerdict;
    readonly score: number | undefined;
    readonly reasons: readonly ParityReason[];
  };
  /** Sentences, each of which a start has to confirm. */
  readonly confirm: readonly string[];
  /** By the failovers and drills that were measured. */
  readonly estimateMs: number | undefined;
}

export interface ParityView {
  readonly group: ParityGroup;
  readonly state: ParityState;
  /** Undefined: not known yet. */
  readonly objective: ObjectiveReport | undefined;
  /** When the look that says so began. Default: this process has not looked yet, and it is what was kept. */
  readonly lookedAtMs?: number | undefined;
}

export interface InstallPort {
  /** The manifests for `kubectl apply -f -`. @throws invalid_argument, or failed_precondition when an address is not configured. */
  manifests(options: InstallOptions): string;
}
