import type { FencePromise } from '../../shared/manifest/fencing.ts';

/** The last contact of an agent about fencing. */
export interface FenceContact {
  /** When it came in, by the hub's clock; the agent counts from before it was sent. */
  readonly atMs: number;
  /** Of the process that said it: another one knows no more than what it says itself. */
  readonly instanceId: string;
  readonly promises: readonly FencePromise[];
}
