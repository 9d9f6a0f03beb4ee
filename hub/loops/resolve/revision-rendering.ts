import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { RevisionRendering } from '../../model/revision.ts';
import { addWork, noWork } from '../../render/render-work.ts';
import type { FleetOutcome } from './render-fleet.ts';

/** What is told of a revision after another look at it; undefined where that has changed nothing. */
export function planRendering(
  before: RevisionRendering | undefined,
  { rendered, work }: Pick<FleetOutcome, 'rendered' | 'work'>,
): RevisionRendering | undefined {
  const sets = new Set<Digest>();
  let placements = 0;
  for (const ofApplication of rendered.values())
    for (const placement of ofApplication.values()) {
      if (!('set' in placement)) continue;
      placements += 1;
      sets.add(placement.set.digest);
    }
  const { directoriesBuilt, filesRead, filesParsed, bytesParsed } = addWork(before ?? noWork(), work);
  const now = { directoriesBuilt, filesRead, filesParsed, bytesParsed, placements, sets: sets.size };
  const isSame = before !== undefined && fields.every((field) => before[field] === now[field]);
  return isSame ? undefined : now;
}

const fields = [
  'directoriesBuilt',
  'filesRead',
  'filesParsed',
  'bytesParsed',
  'placements',
  'sets',
] as const satisfies readonly (keyof RevisionRendering)[];
