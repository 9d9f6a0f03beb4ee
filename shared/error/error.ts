/**
 * One error type for hub and agent. A code comes from a closed set, so that nothing is ever classified by the
 * text of a message; the table below says what each code means over HTTP and gRPC, whether trying again can help, and
 * who has to act.
 */

/** Who has to act on an error: the author of a change in Git, the operator, the caller, nobody (it heals by itself) or Fairway. */
export type Actor = 'author' | 'operator' | 'caller' | 'nobody' | 'fairway';

interface CodeRow {
  readonly http: number;
  /** gRPC status number, https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
  readonly grpc: number;
  readonly retry: boolean;
  readonly actor: Actor;
}

/** From code to HTTP status, gRPC status, whether a retry of the same can succeed, and who must act. */
export const errorTable = {
  invalid_argument: { http: 400, grpc: 3, retry: false, actor: 'caller' },
  invalid_manifest: { http: 422, grpc: 3, retry: false, actor: 'author' },
  unsupported: { http: 422, grpc: 12, retry: false, actor: 'author' },
  unauthenticated: { http: 401, grpc: 16, retry: false, actor: 'caller' },
  permission_denied: { http: 403, grpc: 7, retry: false, actor: 'operator' },
  not_found: { http: 404, grpc: 5, retry: false, actor: 'caller' },
  already_exists: { http: 409, grpc: 6, retry: false, actor: 'caller' },
  conflict: { http: 409, grpc: 10, retry: true, actor: 'nobody' },
  failed_precondition: { http: 412, grpc: 9, retry: false, actor: 'operator' },
  gone: { http: 410, grpc: 11, retry: true, actor: 'nobody' },
  resource_exhausted: { http: 429, grpc: 8, retry: true, actor: 'nobody' },
  cancelled: { http: 499, grpc: 1, retry: false, actor: 'nobody' },
  deadline_exceeded: { http: 504, grpc: 4, retry: true, actor: 'nobody' },
  unavailable: { http: 503, grpc: 14, retry: true, actor: 'nobody' },
  data_loss: { http: 500, grpc: 15, retry: false, actor: 'operator' },
  internal: { http: 500, grpc: 13, retry: false, actor: 'fairway' },
} as const satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof errorTable;

export interface ErrorOptions {
  /** What the error is about: an object key, a repository, a cluster, `file:line`. */
  readonly subject?: string | undefined;
  readonly cause?: unknown;
  /** Overrides the table: whether the same call may succeed later. */
  readonly retry?: boolean | undefined;
  /** The least wait before another try, in milliseconds (a server's Retry-After). */
  readonly retryAfterMs?: number | undefined;
  /** Plain data for machines: field, file, line, expected. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** The only error thrown on purpose. The message is fit for a client; the cause is not. */
export class FairwayError extends Error {
  override readonly name = 'FairwayError';
  readonly code: ErrorCode;
  readonly subject: string | undefined;
  readonly retry: boolean;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.subject = options.subject;
    this.retry = options.retry ?? errorTable[code].retry;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

/** Node's system error codes that mean "the other side cannot be reached now". */
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNABORTED',
]);

/**
 * Normalises whatever was caught, once, at the boundary. A FairwayError passes through; an abort becomes `cancelled`; a system
 * error keeps its meaning; anything else is `internal` with a message that leaks nothing.
 */
export function toFairwayError(caught: unknown, subject?: string): FairwayError {
  if (caught instanceof FairwayError) return caught;
  if (caught instanceof Error) {
    const systemCode = (caught as NodeJS.ErrnoException).code;
    if (caught.name === 'AbortError')
      return new FairwayError('cancelled', 'cancelled', { cause: caught, subject });
    if (caught.name === 'TimeoutError' || systemCode === 'ETIMEDOUT')
      return new FairwayError('deadline_exceeded', 'timed out', { cause: caught, subject });
    if (typeof systemCode === 'string' && unreachable.has(systemCode))
      return new FairwayError('unavailable', `cannot be reached (${systemCode})`, { cause: caught, subject });
    if (systemCode === 'ENOSPC' || systemCode === 'EDQUOT')
      return new FairwayError('resource_exhausted', 'the disk is full', { cause: caught, subject });
  }
  return new FairwayError('internal', 'internal error', { cause: caught, subject });
}
