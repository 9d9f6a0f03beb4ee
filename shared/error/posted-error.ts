/** Errors on their way between threads: a class does not survive it, plain data does. */
import { type ErrorCode, FairwayError, toFairwayError } from './error.ts';

export interface PostedError {
  /** Undefined: an abort. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly subject: string | undefined;
  readonly retry: boolean;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** For the log. */
  readonly cause: string | undefined;
}

/** @param caught whatever was thrown; what is no FairwayError is normalised. */
export function packError(caught: unknown): PostedError {
  const aborted = caught instanceof DOMException && caught.name === 'AbortError';
  const { code, message, subject, retry, retryAfterMs, details, cause } = toFairwayError(caught);
  return {
    ...{ code: aborted ? undefined : code, message, subject, retry, retryAfterMs, details },
    cause: cause === undefined ? undefined : describeCause(cause),
  };
}

/** A FairwayError again, or the abort that it was. */
export function unpackError({ code, message, cause, ...options }: PostedError): Error {
  if (code === undefined) return new DOMException(message, 'AbortError');
  return new FairwayError(code, message, {
    ...options,
    cause: cause === undefined ? undefined : new Error(cause),
  });
}

function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  const text = cause.stack ?? `${cause.name}: ${cause.message}`;
  return code === undefined ? text : `${code}: ${text}`;
}
