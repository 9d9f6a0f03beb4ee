import type { Digest } from '../../shared/manifest/canonical.ts';
import type { Epoch } from '../../shared/manifest/target.ts';
import type { Assignment } from '../model/release.ts';
import type { Held, Summary } from './wire.ts';

/**
 * Whether an agent has seen a later state of this hub than the hub itself: then the hub was restored from an older one. A higher counter,
 * the same counter with another id (two hubs restored from one backup), or a generation that this hub never gave.
 */
export function isAhead(seen: Summary, epoch: Epoch, generation: number): boolean {
  if (seen.epoch.id === '') return false;
  if (seen.epoch.counter !== epoch.counter) return seen.epoch.counter > epoch.counter;
  return seen.epoch.id !== epoch.id || seenGeneration(seen) > generation;
}

/**
 * Applications that an agent holds by a release the hub may not have made: beyond what it ever acknowledged here. If the hub does not know one of these
 * releases, it was restored from an older state, though it has since counted as far as the agent has seen.
 */
export function planDoubtful(seen: Summary, epoch: Epoch, acknowledged: number): readonly string[] {
  if (seen.epoch.counter !== epoch.counter || seen.epoch.id !== epoch.id) return [];
  const beyond = [...seen.applications.values()].filter(({ generation }) => generation > acknowledged);
  return [...new Set(beyond.map(({ releaseId }) => releaseId))];
}

/** The highest generation that the agent has shown. */
export function seenGeneration(seen: Summary): number {
  let highest = seen.generation;
  for (const { generation } of seen.applications.values()) highest = Math.max(highest, generation);
  return highest;
}

export interface SendInput {
  readonly assignments: readonly Assignment[];
  /** What the agent holds or has been sent, by application. */
  readonly held: ReadonlyMap<string, Held>;
  /** While a `restored-hub` confirmation is open: assignments decided before this (Unix milliseconds) come from the backup. */
  readonly restoredAtMs: number | undefined;
}

/**
 * The assignments that differ from what the agent holds, oldest decision first, so that a cut leaves a state that once was in force. An
 * application the agent holds and the hub has no assignment for is left alone: removal is always a removal Target, and a hub that lost
 * an assignment must not delete what runs. A restored hub sends nothing that would take the agent back: only decisions made since
 * (generations say nothing here: the store numbers all assignments anew then), or the very Target the agent has, until an operator confirms.
 */
export function planSends({ assignments, held, restoredAtMs }: SendInput): readonly Assignment[] {
  return assignments
    .filter((assignment) => {
      const before = held.get(assignment.application);
      if (before !== undefined && isSame(before, assignment)) return false;
      if (restoredAtMs === undefined || assignment.assignedAtMs >= restoredAtMs) return true;
      return before?.targetDigest === assignment.targetDigest;
    })
    .sort((a, b) => a.generation - b.generation);
}

function isSame(held: Held, assignment: Assignment): boolean {
  return (
    held.targetDigest === assignment.targetDigest &&
    held.generation === assignment.generation &&
    held.releaseId === assignment.releaseId
  );
}

/** Digests of `after` that `before` does not name, each once. */
export function planLacking(
  before: readonly { readonly objectDigest: Digest }[],
  after: readonly { readonly objectDigest: Digest }[],
): readonly Digest[] {
  const there = new Set(before.map((entry) => entry.objectDigest));
  return [...new Set(after.map((entry) => entry.objectDigest))].filter((digest) => !there.has(digest));
}
