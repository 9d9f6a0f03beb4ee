/** Parity: whether standby clusters run what their primary runs, as the fleet repository wants it compared and as hub/parity tells it. */
import type { UnownedField } from '../../shared/manifest/cluster-facts.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { Origin } from './fleet.ts';
import type { LabelSelector } from './label-selector.ts';

/** Which objects an expectation is about. Empty lists and texts match all; names are those before prefixes, suffixes and hashes. */
export interface ExpectationScope {
  readonly applications: readonly string[];
  readonly kinds: readonly string[];
  readonly namespaces: readonly string[];
  readonly names: readonly string[];
}

/**
 * What may differ, and how. `fields`: values at and below the paths. `rule`: the same, as long as a CEL text over both objects (`primary`, `standby`) holds. `only`:
 * the object is on that side alone. `scaledToZero`: the standby's replicas are 0, or its CronJob is suspended.
 */
export type ExpectationKind =
  | { readonly type: 'fields'; readonly paths: readonly string[] }
  | { readonly type: 'rule'; readonly paths: readonly string[]; readonly holds: string }
  | { readonly type: 'only'; readonly side: ParitySide }
  | { readonly type: 'scaledToZero' };

export interface Expectation {
  /** Of its own within the group. */
  readonly name: string;
  /** Who answers for it. */
  readonly owner: string;
  readonly reason: string;
  /** It counts until then; undefined: always. */
  readonly expiresAtMs: number | undefined;
  readonly scope: ExpectationScope;
  readonly kind: ExpectationKind;
}

export interface ParityFreshness {
  /** An agent that is away for longer leaves its cluster unknown. Default 2 minutes. */
  readonly reportWithinMs: number;
  /** A cluster that is behind for longer is not ready. Default 15 minutes. */
  readonly lagWithinMs: number;
  /** Backups that are older are told. Default 24 hours. */
  readonly backupWithinMs: number;
  /** Certificates that end sooner are told. Default 14 days. */
  readonly certificateMs: number;
}

export const defaultFreshness: ParityFreshness = {
  reportWithinMs: 120_000,
  lagWithinMs: 900_000,
  backupWithinMs: 86_400_000,
  certificateMs: 14 * 86_400_000,
};

/** How much of the time parity is to be whole. */
export interface ParityObjective {
  /** Of the window, above 0 and below 1. */
  readonly share: number;
  readonly windowMs: number;
}

/** 99.9 % of 30 days, which leaves 43 minutes. */
export const defaultObjective: ParityObjective = { share: 0.999, windowMs: 30 * 86_400_000 };

/** `spec.failover.fencing.after`, in milliseconds. */
export const fencingAfterMinMs = 10_000;
export const fencingAfterMaxMs = 86_400_000;

export interface FailoverSpec {
  readonly strategy: string;
  readonly commit: 'commit' | 'branch';
  /** After how long without a word from the hub the primary stops the group's workloads. Undefined: never. */
  readonly fencing?: { readonly afterMs: number } | undefined;
}

/** A ParityGroup of the fleet repository. */
export interface ParityGroup {
  readonly name: string;
  readonly primary: string;
  /** Named ones, and those of role `standby` in the region, where one is stated. */
  readonly standbys: { readonly clusters: readonly string[]; readonly region: string | undefined };
  /** Named ones, and those whose labels match; with neither, all. */
  readonly applications: { readonly names: readonly string[]; readonly selector: LabelSelector | undefined };
  readonly expectations: readonly Expectation[];
  /** Templates as of overlays: what a cluster's value is, is the same thing in the other's words. */
  readonly variables: Readonly<Record<string, string>>;
  readonly freshness: ParityFreshness;
  /** Undefined: defaultObjective. */
  readonly objective?: ParityObjective | undefined;
  readonly owner: string;
  readonly origin: Origin;
  /** How its failovers go. Undefined: the built-in strategy `failover`, by a commit on the branch that is followed. */
  readonly failover?: FailoverSpec | undefined;
  /** What is compared besides what Git applies. Undefined: nothing. */
  readonly compare?: { readonly unowned: readonly UnownedField[] } | undefined;
  /** Primary and standbys as Git has them, while the hub's own word goes before it. */
  readonly inGit?: Pick<ParityGroup, 'primary' | 'standbys'> | undefined;
}

export type ParitySide = 'primary' | 'standby';

export const differenceClasses = [
  /** An expectation says so. */
  'declared',
  /** Git wants it so, and nobody declared it. */
  'overlay',
  /** A cluster has not reached what Git wants; it will. */
  'lagging',
  /** Somebody or something in the cluster made it so. */
  'drift',
  /** Wanted in the primary, not in the standby. */
  'missing',
  /** Wanted in the standby, not in the primary. */
  'extra',
  'unhealthy',
  /** The clusters themselves differ: versions, classes, capacity, quotas, what nobody applies from Git. */
  'environment',
] as const;
export type DifferenceClass = (typeof differenceClasses)[number];

export type ParitySeverity = 'info' | 'warning' | 'critical';

/** Where Git gives a field its value. */
export interface FieldSource {
  /** Folder of the layer, such as `overlays/eu`. */
  readonly layer: string;
  readonly file: string;
  readonly line: number;
  /** `Ada Park <ada@example.com>`; empty: not known. */
  readonly author: string;
  readonly commit: string;
}

export interface ParityDifference {
  /** The same difference has the same id as long as it lasts. */
  readonly id: string;
  readonly standby: string;
  readonly application: string;
  readonly originId: string;
  /** Undefined where the object is not on that side. */
  readonly primaryKey: ObjectKey | undefined;
  readonly standbyKey: ObjectKey | undefined;
  readonly apiVersion: string;
  /** `/spec/containers/[name=web]/image`; empty: the object as a whole. */
  readonly path: string;
  readonly class: DifferenceClass;
  /** Which side is not as it should be; `both` where Git wants it so. */
  readonly side: ParitySide | 'both';
  /** JSON text, cut at 512 characters; fingerprints for values that are secret; undefined: none. */
  readonly primaryValue: string | undefined;
  readonly standbyValue: string | undefined;
  /** One sentence. */
  readonly message: string;
  /** Name of the expectation that covers it; empty: none does. */
  readonly expectation: string;
  /** Expectations that are about it, and whose rules do not hold. Default none. */
  readonly broken?: readonly string[];
  /** Who answers for it: the expectation's owner, the field manager, the author of a line; empty: not known. */
  readonly owner: string;
  /** What to do; empty: nothing. */
  readonly action: string;
  readonly severity: ParitySeverity;
  /** Something could not be looked at as a whole: nobody can say that the standby is ready. Default false. */
  readonly leavesUnknown?: boolean;
  /** Since when, as far as it is known. */
  readonly sinceMs: number | undefined;
  readonly primarySource: FieldSource | undefined;
  readonly standbySource: FieldSource | undefined;
}

export type ParityVerdict = 'Ready' | 'Degraded' | 'NotReady' | 'Unknown';

/** What a reason may be about. `declared` differences are none. README has a row for each other. */
export const parityReasonTypes = [
  ...differenceClasses,
  'agent-away',
  'agent-old',
  'not-told',
  'not-compared',
  'problem',
  'stale',
  'expiring',
  'expired',
  'objective',
] as const;
export type ParityReasonType = (typeof parityReasonTypes)[number];

/** Why the verdict is what it is. */
export interface ParityReason {
  readonly type: ParityReasonType;
  readonly standby: string;
  readonly severity: ParitySeverity;
  readonly owner: string;
  readonly message: string;
  readonly action: string;
  /** Differences that it stands for. */
  readonly count: number;
}

/** How one standby stands to the primary. */
export interface ParityPairReport {
  readonly standby: string;
  readonly verdict: ParityVerdict;
  /** 0 to 100 (hub/parity/assess-readiness.ts says how). */
  readonly score: number;
  /** No difference but declared ones. */
  readonly whole: boolean;
  /** It is whole, or has been: what it lags behind is a release, and not all there is. Undefined: it is of a hub that did not keep it, and the group's `lastWholeAtMs` says it. */
  readonly everWhole?: boolean;
  readonly objects: number;
  readonly counts: Readonly<Record<DifferenceClass, number>>;
  /** How long until it has caught up, as far as its past tells; undefined: not behind, or it cannot be told. */
  readonly catchUpMs: number | undefined;
}

export interface ParityReport {
  readonly group: string;
  readonly primary: string;
  readonly owner: string;
  readonly verdict: ParityVerdict;
  readonly score: number;
  readonly whole: boolean;
  readonly pairs: readonly ParityPairReport[];
  readonly reasons: readonly ParityReason[];
  readonly staleExpectations: readonly string[];
  readonly expiredExpectations: readonly string[];
}

/** What is kept of a group between processes. */
export interface ParityState {
  readonly group: string;
  readonly report: ParityReport;
  /** Since when the verdict is this. */
  readonly verdictSinceMs: number;
  /** Since when it is whole, or has not been. */
  readonly wholeSinceMs: number;
  /** When it was whole last; undefined: never yet. Now, while it is whole. */
  readonly lastWholeAtMs: number | undefined;
  /** When each open difference was first seen, by id. */
  readonly firstSeen: Readonly<Record<string, number>>;
  /** What was told of the objective last. Undefined: nothing yet. */
  readonly objective?: ObjectiveState | undefined;
}

/** `missed`: all that may be missed of the window is spent; `burning`: it is spent too fast. */
export type ObjectiveState = 'held' | 'burning' | 'missed';

/** A point of a group's time line: something people would want to know has changed. */
export interface ParityMoment {
  readonly group: string;
  readonly sequence: number;
  readonly atMs: number;
  readonly verdict: ParityVerdict;
  readonly whole: boolean;
  readonly score: number;
  readonly counts: Readonly<Record<DifferenceClass, number>>;
  readonly message: string;
}
