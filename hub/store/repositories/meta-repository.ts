import type { Epoch } from '../../../shared/manifest/target.ts';

/** What the hub knows of itself: its epoch, its sealed secrets, small values by name. */
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
