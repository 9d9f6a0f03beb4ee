/**
 * Fencing: the primary of a disaster-recovery group that has not heard from the hub for as long as the group says stops what it runs, and takes nothing up again
 * before the hub has answered it. Stream keeps the promise and its time; loops stop and resume workloads.
 */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { FencePromise } from '../../shared/manifest/fencing.ts';

export interface FenceContact {
  readonly sequence: number;
  readonly promises: readonly FencePromise[];
}

/** One application that is fenced, or that was and whose workloads are to be taken up again. */
export interface FencedApplication {
  readonly application: string;
  readonly group: string;
  /** On this machine's clock. */
  readonly sinceMs: number;
  /** Its Target when it was fenced; empty: there was none. */
  readonly targetDigest: Digest;
  /** The hub has let it go: what was stopped is to be resumed, as the Target of now says. */
  readonly resuming: boolean;
}

/** What a look at the workloads of a fenced application has found. */
export interface StopReport {
  readonly left: readonly string[];
  /** How long the pods of what was stopped may take. */
  readonly graceMs: number;
}

/** What the loops see of it. */
export interface Fences {
  /** Undefined: neither fenced nor to be resumed. */
  of(application: string): FencedApplication | undefined;
  /** All that was found is stopped, but for `left`. */
  stopped(application: string, report: StopReport): void;
  /** What was stopped is as it was, or as its Target says. */
  resumed(application: string): void;
  /** Called with applications that are fenced, or released, from now on. */
  subscribe(listener: (applications: ReadonlySet<string>) => void): () => void;
}
