import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { PostedError } from './messages.ts';

export function packError(caught: unknown): PostedError {
  const aborted = caught instanceof DOMException && caught.name === 'AbortError';
  const { code, message, subject, retry, retryAfterMs, details, cause } = toFairwayError(caught);
  return {
    ...{ code: aborted ? undefined : code, message, subject, retry, retryAfterMs, details },
    cause: cause === undefined ? undefined : describe(cause),
  };
}

export function unpackError({ code, message, cause, ...options }: PostedError): Error {
  if (code === undefined) return new DOMException(message, 'AbortError');
  return new FairwayError(code, message, {
    ...options,
    cause: cause === undefined ? undefined : new Error(cause),
  });
}

function describe(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
