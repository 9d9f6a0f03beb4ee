import type { Assignment } from './release.ts';

/**
 * Names one deletion: what this Target, assigned this time, would take out of this place. The same content may come back later, after more was added: that is
 * another deletion.
 */
export function pruneConfirmationId({
  cluster,
  application,
  generation,
  targetDigest,
}: Pick<Assignment, 'cluster' | 'application' | 'generation' | 'targetDigest'>): string {
  return `prune-${cluster}-${application}-${generation}-${targetDigest.slice(0, 16)}`;
}
