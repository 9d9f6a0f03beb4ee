/** What the store's two sides post to each other: the hub's thread and the worker that holds the database. */
import type { PostedError } from '../../shared/error/posted-error.ts';
import type { StoreTopic } from './store.ts';

export interface WorkerInput {
  readonly path: string;
  readonly dataKey: Uint8Array;
  /** 32 hex digits. */
  readonly seed: string;
  readonly nowMs: number;
  /** Nobody else may hold the file. */
  readonly exclusive?: boolean | undefined;
}

export type WorkerRequest =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly method: string;
      readonly args: readonly unknown[];
      readonly nowMs: number;
    }
  | { readonly type: 'backup'; readonly id: number; readonly path: string }
  | { readonly type: 'close' };

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PostedError };

export type Change = readonly [topic: StoreTopic, key: string];

export type WorkerReply =
  | { readonly type: 'ready' }
  | { readonly type: 'refused'; readonly error: PostedError }
  /** Of one committed batch. */
  | { readonly type: 'answers'; readonly answers: readonly Answer[]; readonly changes: readonly Change[] };
