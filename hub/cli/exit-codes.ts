import type { ErrorCode } from '../../shared/error/error.ts';

/** Exit codes of `fairway`, stable, so that scripts may tell failures apart. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  notPermitted: 4,
  unreachable: 5,
  invalidManifest: 6,
  conflict: 7,
  timedOut: 8,
  interrupted: 130,
} as const;

export const exitCodeHelp = `Exit codes:
  0    done
  1    failed
  2    the command line, or what it asked for, is not valid
  3    not found
  4    not permitted: no token, a wrong one, or one of too small a scope
  5    the hub or an agent cannot be reached, or has too much to do; try again
  6    a manifest or a fleet file is not valid
  7    it conflicts with what is there, or something has to be done first
  8    it took too long
  130  interrupted`;

const byCode: Record<ErrorCode, number> = {
  invalid_argument: exitCodes.usage,
  invalid_manifest: exitCodes.invalidManifest,
  unsupported: exitCodes.invalidManifest,
  unauthenticated: exitCodes.notPermitted,
  permission_denied: exitCodes.notPermitted,
  not_found: exitCodes.notFound,
  already_exists: exitCodes.conflict,
  conflict: exitCodes.conflict,
  failed_precondition: exitCodes.conflict,
  gone: exitCodes.conflict,
  resource_exhausted: exitCodes.unreachable,
  cancelled: exitCodes.interrupted,
  deadline_exceeded: exitCodes.timedOut,
  unavailable: exitCodes.unreachable,
  data_loss: exitCodes.failed,
  internal: exitCodes.failed,
};

/** Of the process, by what went wrong. */
export function exitCodeOf(code: ErrorCode): number {
  return byCode[code];
}
