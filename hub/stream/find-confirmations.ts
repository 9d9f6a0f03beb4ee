import { pruneConfirmationId } from '../model/prune-confirmation.ts';
import type { Assignment, Confirmation } from '../model/release.ts';

/** The open confirmation of a restored hub: it deletes nothing and takes nobody back until an operator has confirmed. */
export function findRestored(confirmations: readonly Confirmation[]): Confirmation | undefined {
  return confirmations.find(
    ({ kind, confirmedAtMs }) => kind === 'restored-hub' && confirmedAtMs === undefined,
  );
}

/** Assignments whose deletions somebody has confirmed. */
export function findPrunes(
  confirmations: readonly Confirmation[],
  assignments: readonly Assignment[],
): readonly Assignment[] {
  const said = new Set(
    confirmations
      .filter(({ kind, confirmedAtMs }) => kind === 'prune' && confirmedAtMs !== undefined)
      .map(({ id }) => id),
  );
  return said.size === 0 ? [] : assignments.filter((one) => said.has(pruneConfirmationId(one)));
}
