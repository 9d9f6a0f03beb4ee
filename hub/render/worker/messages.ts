/** What the renderer's two sides post to each other: the hub's thread, which has Git, the store and helm, and the thread that renders. */
import type { PostedError } from '../../../shared/error/posted-error.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { ManifestSet } from '../../../shared/manifest/target.ts';
import type { ApplicationSource, Cluster } from '../../model/fleet.ts';
import type { Problem } from '../../model/problem.ts';
import type { RenderRecords } from '../../model/render-memory.ts';
import type { RenderedObject } from '../../model/rendered.ts';
import type { ObjectSelector } from '../../model/trace.ts';
import type { RenderLimits } from '../limits.ts';
import type { RenderStats, RenderWork } from '../render-work.ts';
import type { KustomizeFlags, MemoryUse } from '../renderer.ts';
import type { TraceResult } from '../trace/trace-result.ts';

export interface ThreadInput {
  readonly digestKey: Uint8Array;
  readonly limits: Partial<RenderLimits>;
  readonly kustomize: KustomizeFlags | undefined;
  /** Whether the hub's side has helm, and charts of repositories. */
  readonly helm: boolean;
  readonly charts: boolean;
  /** Names the code that renders, where there is a memory. */
  readonly engine: string | undefined;
}

/** A tree that stays on the hub's side. */
export interface TreeHandle {
  readonly id: number;
  readonly name: string;
  readonly commit: string;
  /** It reads other repositories. */
  readonly mounts: boolean;
}

export interface RenderOrder {
  readonly kind: 'render';
  readonly source: ApplicationSource;
  readonly clusters: readonly Cluster[];
  readonly tree: TreeHandle;
  readonly memory: MemoryUse;
}

export interface TraceOrder {
  readonly kind: 'trace';
  readonly source: ApplicationSource;
  readonly cluster: Cluster;
  readonly tree: TreeHandle;
  readonly selector: ObjectSelector;
}

export type ThreadOrder = RenderOrder | TraceOrder;

/** What a port of the hub's side is asked. */
export interface PortCall {
  readonly port: 'tree' | 'helm' | 'charts' | 'memory';
  readonly tree?: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type HubMessage =
  | { readonly type: 'order'; readonly id: number; readonly order: ThreadOrder }
  /** Sets, then objects, of an order that was rendered and not yet released. */
  | { readonly type: 'sets'; readonly id: number; readonly call: number; readonly digests: readonly Digest[] }
  | {
      readonly type: 'objects';
      readonly id: number;
      readonly call: number;
      readonly digests: readonly Digest[];
    }
  /** Nobody wants it any more, or all of it was fetched. */
  | { readonly type: 'release'; readonly id: number }
  /** Wants a sign of life. */
  | { readonly type: 'ping' }
  | { readonly type: 'answer'; readonly call: number; readonly value: unknown }
  | { readonly type: 'refused'; readonly call: number; readonly error: PostedError };

/** A result without its set. */
export type ResultHead =
  | { readonly ok: true; readonly set: Digest; readonly builtFrom: string; readonly stored: boolean }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface RenderedHeads {
  /** By cluster: which of `heads`. */
  readonly results: readonly number[];
  readonly heads: readonly ResultHead[];
  readonly records: RenderRecords;
  readonly work: RenderWork;
}

export type ThreadMessage =
  | {
      readonly type: 'done';
      readonly id: number;
      readonly value: RenderedHeads | TraceResult;
      readonly stats: RenderStats;
    }
  | { readonly type: 'failed'; readonly id: number; readonly error: PostedError; readonly stats: RenderStats }
  | { readonly type: 'sets'; readonly call: number; readonly sets: readonly ManifestSet[] }
  | { readonly type: 'objects'; readonly call: number; readonly objects: readonly RenderedObject[] }
  | { readonly type: 'pong' }
  | { readonly type: 'ask'; readonly call: number; readonly ask: PortCall }
  /** Nobody waits for the answer any more. */
  | { readonly type: 'drop'; readonly call: number };
