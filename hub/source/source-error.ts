import { type ErrorCode, type ErrorOptions, FairwayError } from '../../shared/error/error.ts';

/** Why a source cannot be read, for machines: `details.reason` of every error of this folder, and the reason of a source's condition. */
export type SourceReason =
  | 'AuthenticationFailed'
  | 'PermissionDenied'
  | 'RefNotFound'
  | 'EmptyRepository'
  | 'RepositoryNotFound'
  | 'CommitNotFound'
  | 'PathNotFound'
  | 'Unreachable'
  | 'CertificateRefused'
  | 'TimedOut'
  | 'Cancelled'
  | 'TooLarge'
  | 'RateLimited'
  | 'RemoteError'
  | 'BadAnswer'
  | 'MirrorDamaged'
  | 'UrlRefused'
  | 'EgressRefused'
  | 'RedirectRefused'
  | 'Unsupported'
  | 'BadPath'
  | 'BadTree'
  | 'PushRejected'
  | 'MergeConflict'
  | 'Rewritten'
  | 'BranchTaken';

/** An error of a source. The message must never hold a credential; `subject` is the URL without one. */
export function sourceError(
  code: ErrorCode,
  reason: SourceReason,
  message: string,
  options: ErrorOptions = {},
): FairwayError {
  return new FairwayError(code, message, { ...options, details: { ...options.details, reason } });
}

/** The reason an error carries, or undefined when it comes from elsewhere. */
export function reasonOf(error: FairwayError): string | undefined {
  const reason = error.details?.['reason'];
  return typeof reason === 'string' ? reason : undefined;
}
