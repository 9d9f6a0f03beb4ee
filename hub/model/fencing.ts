/** Fencing of primaries: what the hub wants agents to promise, and what they have promised. */

/** For one ParityGroup, in the cluster that is its primary. */
export interface FenceRule {
  readonly group: string;
  /** Without a word from the hub for so long, the agent stops what the applications run. */
  readonly afterMs: number;
  readonly applications: readonly string[];
}

/** What an agent is told of fencing, whole. */
export interface FenceOrder {
  readonly rules: readonly FenceRule[];
  /** Applications of a failover whose new Target is not assigned yet: the old one is not sent, and what is fenced stays so. */
  readonly withheld: readonly string[];
}

/** An agent's own word. It counts for what it says alone: what the fleet asks for may not have reached it. */
export interface FencePromise extends FenceRule {
  /** Of them: stopped, and not taken up again before the hub has answered. */
  readonly fenced: readonly string[];
  /** What cannot be stopped, or has not ended yet. */
  readonly left: readonly string[];
  /** How long pods may take to end, from when it was said. */
  readonly stopWithinMs: number;
}

/** The last contact of an agent about fencing. */
export interface FenceContact {
  /** When it came in, by the hub's clock; the agent counts from before it was sent. */
  readonly atMs: number;
  /** Of the process that said it: another one knows no more than what it says itself. */
  readonly instanceId: string;
  readonly promises: readonly FencePromise[];
}
