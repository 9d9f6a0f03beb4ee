import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { ChangeAction, Drift, Health, HealthStatus, SyncStatus } from '../../shared/manifest/health.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { PruneHeld } from '../../shared/manifest/report.ts';
import type { ManifestEntry } from '../../shared/manifest/target.ts';
import type { ParentContent } from '../apply/parent.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { AcknowledgementSink, DesiredState } from '../model/desired.ts';
import type { Fences } from '../model/fencing.ts';
import type { HookMemory } from '../model/hook-memory.ts';
import type { Marks } from '../model/marks.ts';
import type { AppliedRecord } from '../model/record.ts';
import type { ReportSink } from '../model/report.ts';
import type { TextPool } from '../model/text-pool.ts';
import type { ContestTracker } from '../observe/contest.ts';
import type { FactsReader } from '../observe/facts.ts';
import type { HealthJudge } from '../observe/health-judge.ts';
import type { Observer } from '../observe/observer.ts';
import type { Claims } from './claims.ts';
import type { SeenMarks } from './fence.ts';
import type { ProgressWatch } from './release/overdue.ts';
import type { Retry } from './release/retries.ts';
import type { WaveWait } from './release/wave-gate.ts';
import type { Resources } from './resources.ts';
import type { Scalers } from './scalers.ts';

/** What is known of one object of an application, beside its record. */
export interface ObjectState {
  readonly entry: ManifestEntry | undefined;
  readonly key: ObjectKey;
  readonly status: SyncStatus;
  readonly action: ChangeAction;
  readonly reason: string;
  readonly message: string;
  readonly drift: Drift | undefined;
  /** As of the last read or write; a watch that has seen as much takes its place. */
  readonly health: Health | undefined;
}

/** One application's memory. Its records outlive a restart where they can; all else is rebuilt by reading. */
export interface ApplicationState {
  readonly application: string;
  readonly applySetId: string;
  readonly records: Map<string, AppliedRecord>;
  readonly objects: Map<string, ObjectState>;
  /** Keys to be proved by reading. `check`: whatever the watch says. `again`: likewise, but what it finds is no news of the watch's (polled, or known already). */
  readonly suspects: Map<string, 'event' | 'check' | 'again'>;
  /** Keys to apply though their manifest has not changed. */
  readonly reapply: Set<string>;
  /** Objects that were refused, and when they are tried again. */
  readonly retries: Map<string, Retry>;
  /** As last written; undefined: not known to exist. */
  parent: ParentContent | undefined;
  /** The mark of the target that was last marked, but on the parent. */
  marked: string;
  /** Digest of the target that was last applied without failures. */
  appliedDigest: string | undefined;
  appliedAtMs: number | undefined;
  health: HealthStatus;
  failures: number;
  /** The failed state last told of as an event. */
  failureTold: string;
  acknowledged: string;
  /** Of the last step: what objects tell as their action is of the last sync, not of a look in between. */
  generation: number;
  /** When objects that cannot be watched are read again, on the monotonic clock. */
  pollAtMs: number | undefined;
  /** Objects that are not healthy, and since when. */
  readonly progress: Map<string, ProgressWatch>;
  /** Objects that this sync has deleted. */
  deletions: number;
  /** Deletions that wait for a word, and of which Target; undefined: none. */
  pruneHeld: (PruneHeld & { readonly targetDigest: Digest }) | undefined;
  /** Deleted to be made anew, and not gone yet. */
  readonly recreating: Set<string>;
  /** Which hooks have been run; undefined: the application has had none. */
  hooks: HookMemory | undefined;
  /** Ends when the memory of hooks is written as far as it was asked for. */
  hookSaves: Promise<void>;
  /** Attempts that are under way, by the hook's key. */
  readonly hookAttempts: Map<string, number>;
  /** Failed runs that were told of, by keyText of their hook. */
  readonly hookFailures: Map<string, string>;
  /** Somebody has asked for a sync: hooks that failed are run once more. */
  retryHooks: boolean;
  /** The wave that waited when it was last looked at. */
  wait: WaveWait | undefined;
  /** Keys whose turn has not come; what they wait for wakes the application. */
  heldUp: ReadonlySet<string>;
  /** Digests of what is applied have changed since the desired state was told which to retain. */
  retainStale: boolean;
  /** The target is applied, but the release was not over when that was told. */
  unannounced: boolean;
  /** A step has run since the start. */
  settled: boolean;
  /** What was last told of its fence. */
  fenceTold: string;
}

export interface AgentMetrics {
  syncs: number;
  driftFound: number;
  driftHealed: number;
  /** Drift that only the slow full check saw. */
  driftMissedByWatch: number;
  suspicions: number;
  pruned: number;
}

/** What the agent's loops are given of the rest of the world. */
export interface AgentPorts {
  readonly kube: KubeClient;
  readonly desired: DesiredState;
  readonly acks: AcknowledgementSink;
  readonly reports: ReportSink;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The agent's own namespace: inventory parents live there. */
  readonly namespace: string;
}

/** Everything a step needs. */
export interface AgentContext extends AgentPorts {
  readonly observer: Observer;
  readonly health: HealthJudge;
  readonly scalers: Scalers;
  readonly resources: Resources;
  readonly contest: ContestTracker;
  readonly claims: Claims;
  /** Undefined: parents alone bear marks. */
  readonly marks: Marks | undefined;
  readonly seenMarks: SeenMarks;
  /** Undefined: nothing is ever fenced. */
  readonly fences: Fences | undefined;
  readonly states: Map<string, ApplicationState>;
  /** For what many objects have in common. */
  readonly pool: TextPool;
  readonly factsOf: FactsReader;
  /** Keys digests of live Secret values. */
  readonly secretKey: Uint8Array;
  /** A manifest with its encrypted values opened (SOPS); one without as it is. @throws what is wrong with that object. */
  readonly reveal: (text: string) => Promise<string>;
  /** The records have changed: they are kept for the next run. */
  readonly recordsChanged: () => void;
  readonly metrics: AgentMetrics;
  readonly nextEventId: () => string;
  readonly wake: (application: string) => void;
  /** The application behind an ApplySet id. */
  readonly applicationOf: (applySetId: string) => string | undefined;
}

export function createApplicationState(application: string, applySetId: string): ApplicationState {
  return {
    application,
    applySetId,
    records: new Map(),
    objects: new Map(),
    suspects: new Map(),
    reapply: new Set(),
    retries: new Map(),
    parent: undefined,
    marked: '',
    appliedDigest: undefined,
    appliedAtMs: undefined,
    health: 'Unknown',
    failures: 0,
    failureTold: '',
    acknowledged: '',
    generation: 0,
    pollAtMs: undefined,
    progress: new Map(),
    deletions: 0,
    pruneHeld: undefined,
    recreating: new Set(),
    hooks: undefined,
    hookSaves: Promise.resolve(),
    hookAttempts: new Map(),
    hookFailures: new Map(),
    retryHooks: false,
    wait: undefined,
    heldUp: new Set(),
    retainStale: true,
    unannounced: false,
    settled: false,
    fenceTold: '',
  };
}
