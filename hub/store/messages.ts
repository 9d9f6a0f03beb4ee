/** What the store's two sides post to each other: the hub's thread and the worker that holds the database. */
import type { ErrorCode } from '../../shared/error/error.ts';
import { FairwayError } from '../../shared/error/error.ts';
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

/** A FairwayError as plain data: a class does not survive the way between threads. */
export interface PostedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly subject: string | undefined;
  readonly retry: boolean;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** For the log: name, code and message of the cause. */
  readonly cause: string | undefined;
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PostedError };

export type Change = readonly [topic: StoreTopic, key: string];

export type WorkerReply =
  | { readonly type: 'ready' }
  | { readonly type: 'refused'; readonly error: PostedError }
  /** Of one committed batch. */
  | { readonly type: 'answers'; readonly answers: readonly Answer[]; readonly changes: readonly Change[] };

function describeCause(cause: unknown): string | undefined {
  if (cause === undefined) return undefined;
  if (!(cause instanceof Error)) return String(cause);
  const code = (cause as { code?: unknown }).code;
  return code === undefined ? `${cause.name}: ${cause.message}` : `${String(code)}: ${cause.message}`;
}

export function packError(error: FairwayError): PostedError {
  const { code, message, subject, retry, retryAfterMs, details } = error;
  return { code, message, subject, retry, retryAfterMs, details, cause: describeCause(error.cause) };
}

export function unpackError(posted: PostedError): FairwayError {
  const { code, message, cause, ...options } = posted;
  return new FairwayError(code, message, {
    ...options,
    cause: cause === undefined ? undefined : new Error(cause),
  });
}
