/** Failovers: one cluster takes over the role of another. Plain JSON, kept in the store from the first word to the last. */
import type { Cluster } from './fleet.ts';
import type { ParityVerdict } from './parity.ts';

export type ClusterRole = Cluster['role'];

/** `back` is a failover to the cluster that was the primary before; a `drill` lets the standby play the part and takes it back. */
export type FailoverKind = 'failover' | 'back' | 'drill';

/** How the switch of roles comes about: a commit on the branch that is followed, one on a branch of its own to be merged, or the hub's word until Git is back. */
export type FailoverMode = 'commit' | 'branch' | 'override';

/**
 * `Writing`: the commit is not in Git yet. `Proposed`: it is on a branch, and waits for somebody to merge it. `Switching`: Targets go out, the standby's first.
 * `TrafficReady`: every application is healthy in the new primary; the old one has not taken its new Targets yet. `Restoring`: the roles of before come back.
 * `Done` and `Ended` (revoked, expired, given up) are final.
 */
export const failoverPhases = [
  'Writing',
  'Proposed',
  'Switching',
  'TrafficReady',
  'Restoring',
  'Done',
  'Ended',
] as const;
export type FailoverPhase = (typeof failoverPhases)[number];

/** Whether the old primary is known to serve nothing any more. */
export type Fenced = 'yes' | 'no' | 'unknown';

/** The hub's own word on roles. It counts only with a signature that is right, until it ends or its time is over. */
export interface RoleOverride {
  readonly untilMs: number;
  /** HMAC-SHA256 by a key of this hub over what it says, hex. */
  readonly signature: string;
  /** People were warned this long before its end; undefined: not yet. */
  readonly warnedMs?: number | undefined;
  /** Why it counts no more; undefined: it counts. */
  readonly ended: 'committed' | 'expired' | 'revoked' | 'drilled' | 'superseded' | undefined;
}

/** The commit of the switch. */
export interface SwitchCommit {
  readonly attempts: number;
  /** Undefined: it is written, or it will not be tried again. */
  readonly nextAtMs: number | undefined;
  /** Why the last attempt failed; empty: it did not. */
  readonly error: string;
  /** Full id and full ref name, once it is written. */
  readonly written: { readonly commit: string; readonly ref: string } | undefined;
  /** A push was begun whose end is not known: it may be in Git. Kept before the first byte of it goes out. */
  readonly pushing?: true | undefined;
}

/** One application on its way into the new primary. */
export interface FailoverApplication {
  readonly application: string;
  /** Healthy at its new Target. */
  readonly readyAtMs: number | undefined;
  /** What it waits for; empty: nothing. */
  readonly waitsOn: string;
}

/** What was known when it began: kept with it, so that what came of it can be held against that. */
export interface FailoverPlanned {
  /** Of the standby, by parity. */
  readonly verdict: ParityVerdict;
  /** 0 to 100; undefined: it was never compared. */
  readonly score: number | undefined;
  /** What it was to change, as counts. Undefined: not asked, for only a drill waits to be planned; or see `problem`. */
  readonly changes: FailoverChanges | undefined;
  /** Why that could not be told; empty: it could, or nobody asked. */
  readonly problem: string;
}

/** How a standby stood, as parity said. */
export type FailoverReadiness = Pick<FailoverPlanned, 'verdict' | 'score'>;

export interface FailoverChanges {
  readonly applications: number;
  readonly clusters: number;
  /** Objects. */
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
}

export interface Failover {
  readonly id: string;
  readonly group: string;
  readonly kind: FailoverKind;
  readonly mode: FailoverMode;
  /** The primary before, and the cluster that takes over. */
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly actor: string;
  readonly startedAtMs: number;
  /** As known when it began. */
  readonly fenced: Fenced;
  /** Undefined: it is of a hub that did not keep it. */
  readonly planned?: FailoverPlanned | undefined;
  /** Of a drill: when the standby was one again. What it is open for from then on is `after` alone. Undefined: not yet, or it is of a hub that did not keep it. */
  readonly restoredAtMs?: number | undefined;
  /** Of a drill that is over: how the standby stood after it. Undefined: not yet, or it is of a hub that did not keep it. */
  readonly after?: FailoverReadiness | undefined;
  /** What somebody had to confirm. */
  readonly confirmed: readonly string[];
  /** The roles that it gives, by cluster. */
  readonly roles: Readonly<Record<string, ClusterRole>>;
  /** Head of the fleet repository when it began. */
  readonly baseCommit: string;
  /** A branch of its own; empty: the one that is followed. */
  readonly branch: string;
  /** A RolloutStrategy by name. */
  readonly strategy: string;
  /** Both sides get their new Targets at once: the old primary's agent was away, and must find nothing else when it returns. */
  readonly together: boolean;
  readonly commit: SwitchCommit | undefined;
  readonly override: RoleOverride | undefined;
  readonly phase: FailoverPhase;
  /** One sentence: what it waits for, or how it ended. */
  readonly message: string;
  readonly applications: readonly FailoverApplication[];
  /** All applications were healthy in the new primary. */
  readonly readyAtMs: number | undefined;
  /** From the start to `readyAtMs`. */
  readonly rtoMs: number | undefined;
  readonly endedAtMs: number | undefined;
  /** Somebody has revoked it while its push was under way: it ends once Git says that the commit is not there. */
  readonly revoking?: { readonly actor: string; readonly reason: string } | undefined;
  /** What the roles come to is assigned in all of its clusters. Undefined: not yet. */
  readonly assigned?: true | undefined;
  /** Grows with each change that is kept. */
  readonly version: number;
}

/** Nothing more will come of it. */
export function isFailoverOver({ phase }: Pick<Failover, 'phase'>): boolean {
  return phase === 'Done' || phase === 'Ended';
}
