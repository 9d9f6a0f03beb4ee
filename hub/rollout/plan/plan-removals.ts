import { digestJson } from '../../../shared/manifest/canonical.ts';
import { createRemovalTarget, type Target } from '../../../shared/manifest/target.ts';
import type { Fleet } from '../../model/fleet.ts';
import { syncOf } from '../../model/project.ts';
import type { Assignment, Confirmation } from '../../model/release.ts';

/** One assignment that the newest revision no longer asks for. */
export interface Removal {
  readonly kind: 'application' | 'cluster' | 'placement';
  readonly subject: string;
  readonly assignment: Assignment;
}

export type OpenConfirmation = Omit<Confirmation, 'confirmedAtMs' | 'confirmedBy'>;

export interface PlannedRemovals {
  /** These may go now. */
  readonly released: readonly Removal[];
  /** These wait for an operator. */
  readonly confirmations: readonly OpenConfirmation[];
  /** The confirmations that were not open before. */
  readonly held: readonly OpenConfirmation[];
}

export interface RemovalsInput {
  readonly removals: readonly Removal[];
  readonly confirmations: readonly Confirmation[];
  /** A subject that loses more assignments than this waits; so do all subjects of a revision that loses more than this altogether. */
  readonly confirmAbove: number;
  readonly revisionId: string;
  readonly nowMs: number;
}

/**
 * Which removals may go. Held ones get a Confirmation whose id follows from what would go (with the generations, so that a confirmation of long ago
 * never counts again for what came back since). Once held, a subject stays held until it is confirmed or wanted again, however small the
 * rest has become. Pure.
 */
export function planRemovals({
  removals,
  confirmations,
  confirmAbove,
  revisionId,
  nowMs,
}: RemovalsInput): PlannedRemovals {
  const groups = Map.groupBy(removals, ({ kind, subject }) => `${kind}/${subject}`);
  const known = new Map(confirmations.map((confirmation) => [confirmation.id, confirmation]));
  const open = openSubjects(confirmations);
  const subjects = [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, members]) => {
      const [first] = members;
      return first
        ? [{ kind: first.kind, subject: first.subject, members, id: confirmationId(members) }]
        : [];
    });
  const fresh = subjects
    .filter(({ id }) => !known.has(id))
    .reduce((sum, { members }) => sum + members.length, 0);
  const released: Removal[] = [];
  const waiting: OpenConfirmation[] = [];
  const held: OpenConfirmation[] = [];
  for (const { kind, subject, members, id } of subjects) {
    const before = known.get(id);
    // A forgotten cluster takes its assignment along: what is left has another id, and is no less held.
    const mayGo = before
      ? before.confirmedAtMs !== undefined
      : fresh <= confirmAbove && !open.has(`${kind}/${subject}`);
    if (mayGo) {
      released.push(...members);
      continue;
    }
    const message = describeHold(kind, subject, members.length);
    const confirmation = before
      ? openPart(before)
      : { id, kind, subject, assignments: members.length, revisionId, message, createdAtMs: nowMs };
    waiting.push(confirmation);
    if (!before) held.push(confirmation);
  }
  return { released, confirmations: waiting, held };
}

/** `kind/subject` of what waits. */
export function openSubjects(confirmations: readonly Confirmation[]): ReadonlySet<string> {
  const open = confirmations.filter(({ confirmedAtMs }) => confirmedAtMs === undefined);
  return new Set(open.map(({ kind, subject }) => `${kind}/${subject}`));
}

function openPart({ confirmedAtMs: _at, confirmedBy: _by, ...open }: Confirmation): OpenConfirmation {
  return open;
}

function confirmationId(members: readonly Removal[]): string {
  const [first] = members;
  const what = members
    .map(({ assignment }) => `${assignment.cluster}/${assignment.application}/${assignment.generation}`)
    .sort();
  return `${first?.kind}-${first?.subject}-${digestJson(what).slice(0, 16)}`;
}

function describeHold(kind: Removal['kind'], subject: string, count: number): string {
  const what = {
    application: `Application ${subject} is no longer in the fleet repository: it would be removed from ${clustersText(count)}`,
    cluster: `Cluster ${subject} is no longer in the fleet repository: ${count} ${count === 1 ? 'application' : 'applications'} would be removed from it`,
    placement: `the placement of Application ${subject} has changed: it would be removed from ${clustersText(count)}`,
  }[kind];
  return `${what}. Nothing is removed until this is confirmed; bring it back in Git to cancel.`;
}

function clustersText(count: number): string {
  return count === 1 ? '1 cluster' : `${count} clusters`;
}

/** Why an assignment that nobody asks for any more is to go. */
export function classifyRemoval(assignment: Assignment, fleet: Fleet): Removal {
  if (!fleet.applications.has(assignment.application))
    return { kind: 'application', subject: assignment.application, assignment };
  if (!fleet.clusters.has(assignment.cluster))
    return { kind: 'cluster', subject: assignment.cluster, assignment };
  return { kind: 'placement', subject: assignment.application, assignment };
}

/**
 * The Target that takes the application out: with what the fleet says of it now, or else said last (the Target in force). Undefined when nobody knows
 * any more whether its objects are to be pruned: then it must stay.
 */
export function removalTargetFor(
  { application, targetDigest }: Assignment,
  fleets: readonly Fleet[],
  targets: ReadonlyMap<string, Target>,
): Target | undefined {
  const [fleet, previousFleet] = fleets;
  const declaredIn = (one: Fleet | undefined) => {
    const found = one?.applications.get(application);
    return one && found && { ...found, sync: syncOf(found, one.projects) };
  };
  const last = declaredIn(fleet) ?? targets.get(targetDigest) ?? declaredIn(previousFleet);
  return last && createRemovalTarget(last.deletionPolicy, last.sync);
}
