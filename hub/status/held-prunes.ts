/**
 * Deletions within an application that its agent holds back, since they are more than a stated share of its objects (`sync.pruneLimit`). They are no rows of
 * the store: an agent says so in its report for as long as it is so. A word of an operator's is kept, under an id that follows from the assignment.
 */
import type { ApplicationObservation } from '../model/observation.ts';
import { pruneConfirmationId } from '../model/prune-confirmation.ts';
import type { Assignment, Confirmation } from '../model/release.ts';

export type HeldPrune = Omit<Confirmation, 'confirmedAtMs' | 'confirmedBy'>;

type Place = Pick<Assignment, 'cluster' | 'application' | 'generation' | 'targetDigest'>;

/** What waits, by the newest reports of assignments in force. What is confirmed already is left out. Pure; sorted by id. */
export function heldPrunes(
  observations: readonly ApplicationObservation[],
  assignments: readonly (Place & Pick<Assignment, 'revisionId'>)[],
  confirmations: readonly Pick<Confirmation, 'id'>[],
): readonly HeldPrune[] {
  const inForce = new Map(assignments.map((one) => [placeText(one), one]));
  const said = new Set(confirmations.map(({ id }) => id));
  return observations
    .flatMap((observation): HeldPrune[] => {
      const { cluster, application, pruneHeld } = observation;
      const assignment = inForce.get(placeText(observation));
      if (pruneHeld === undefined || assignment === undefined) return [];
      const id = pruneConfirmationId(assignment);
      if (said.has(id)) return [];
      const { objects, total, sinceMs } = pruneHeld;
      return [
        {
          id,
          kind: 'prune',
          subject: `${cluster}/${application}`,
          assignments: objects,
          revisionId: assignment.revisionId,
          message: `${objects} of ${total} objects of Application ${application} in ${cluster} left its set: they would be deleted. Nothing is deleted until this is confirmed; bring them back in Git to cancel.`,
          createdAtMs: sinceMs,
        },
      ];
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function placeText({ cluster, application, generation, targetDigest }: Place): string {
  return `${cluster}/${application}/${generation}/${targetDigest}`;
}
