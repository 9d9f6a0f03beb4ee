import { type ErrorCode, FairwayError } from '../../shared/error/error.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export interface KubeStatus {
  readonly kind: 'Status';
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly {
      readonly reason?: string;
      readonly message?: string;
      readonly field?: string;
    }[];
  };
}

const byHttpStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  405: 'unsupported',
  406: 'unsupported',
  409: 'conflict',
  410: 'gone',
  412: 'failed_precondition',
  413: 'invalid_manifest',
  415: 'unsupported',
  422: 'invalid_manifest',
  429: 'resource_exhausted',
  504: 'deadline_exceeded',
};

function parseStatus(body: string): KubeStatus | undefined {
  try {
    const parsed = JSON.parse(body) as { kind?: unknown };
    return parsed !== null && typeof parsed === 'object' && parsed.kind === 'Status'
      ? (parsed as KubeStatus)
      : undefined;
  } catch {
    // Not JSON: a proxy's page. The HTTP status alone says what happened.
    return undefined;
  }
}

function codeOf(httpStatus: number, status: KubeStatus | undefined): ErrorCode {
  if (httpStatus === 409 && status?.reason === 'AlreadyExists') return 'already_exists';
  // A namespace that is being deleted refuses creation with 403; that passes once it is gone.
  if (httpStatus === 403 && status?.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating'))
    return 'conflict';
  // No API server redirects: something in between does, and it may stop doing so.
  const isElsewhere = httpStatus < 400 || httpStatus >= 500;
  return byHttpStatus[httpStatus] ?? (isElsewhere ? 'unavailable' : 'invalid_argument');
}

/** However long a server, or something before it, asks us to stay away: it is asked again then. */
const retryAfterMaxMs = 30_000;

/** The header as far as it tells seconds, else the Status. */
function secondsOf(retryAfter: string | undefined, status: KubeStatus | undefined): number {
  const seconds = Number(retryAfter ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : Number(status?.details?.retryAfterSeconds ?? Number.NaN);
}

/** The error an API server's answer stands for: classified by HTTP status, `reason` and causes, never by its text. */
export function toKubeError(
  httpStatus: number,
  body: string,
  retryAfter: string | undefined,
  subject: string,
): FairwayError {
  const status = parseStatus(body);
  const seconds = secondsOf(retryAfter, status);
  return new FairwayError(
    codeOf(httpStatus, status),
    status?.message ?? `the API server answered ${httpStatus}`,
    {
      subject,
      retryAfterMs:
        Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, retryAfterMaxMs) : undefined,
      details: { httpStatus, ...(status && { status }) },
    },
  );
}

/** The Status behind an error of the client, if there was one. */
export function statusOf(error: FairwayError): KubeStatus | undefined {
  return error.details?.['status'] as KubeStatus | undefined;
}

/** The API server, or the way to it, is in trouble; what was asked may be right. A 500 is its word on the request itself. */
export function isPassing(error: FairwayError): boolean {
  const { unreachable, httpStatus } = error.details ?? {};
  return unreachable === true || [429, 502, 503, 504].includes(Number(httpStatus));
}
