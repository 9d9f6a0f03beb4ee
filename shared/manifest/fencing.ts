/** Fencing of primaries: what the hub wants an agent to promise, and what the agent has promised. */

/** For one ParityGroup, in the cluster that is its primary. */
export interface FenceRule {
  readonly group: string;
  /** Without a word from the hub for so long, the agent stops what the applications run. */
  readonly afterMs: number;
  readonly applications: readonly string[];
}

/** The hub's word on fencing, whole. */
export interface FenceOrder {
  readonly rules: readonly FenceRule[];
  /** Applications of a failover whose new Target is not assigned yet: the old one is not sent, and what is fenced stays so. */
  readonly withheld: readonly string[];
}

/** An agent's own word on one group. It counts for what it says alone: what the fleet asks for may not have reached it. */
export interface FencePromise extends FenceRule {
  /** Of the applications: stopped, and not taken up again before the hub has answered a contact without them. */
  readonly fenced: readonly string[];
  /** What cannot be stopped, or has not ended yet. */
  readonly left: readonly string[];
  /** How long pods may take to end, from when it was said. */
  readonly stopWithinMs: number;
}
