import type { Assignment } from './release.ts';

/** Names one deletion: what this Target would take out of this place, and nothing that comes later. */
export function pruneConfirmationId({
  cluster,
  application,
  targetDigest,
}: Pick<Assignment, 'cluster' | 'application' | 'targetDigest'>): string {
  return `prune-${cluster}-${application}-${targetDigest.slice(0, 16)}`;
}
