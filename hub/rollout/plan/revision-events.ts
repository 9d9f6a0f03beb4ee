import { digestJson } from '../../../shared/manifest/canonical.ts';
import { createEvent, type NewEvent } from '../../model/event.ts';
import { describeProblem, type Problem } from '../../model/problem.ts';
import type { AssignmentDecision, Release } from '../../model/release.ts';
import type { Revision } from '../../model/revision.ts';
import { heldReason } from '../held-clusters.ts';
import type { RolloutState } from '../rollout-state.ts';
import type { OpenConfirmation } from './plan-removals.ts';

/** Names of clusters, or problems, that one event spells out. */
const listedMax = 100;
const problemsListedMax = 5;

export function actorOf({ commit }: Revision): string {
  return `${commit.author.name} <${commit.author.email}>`;
}

function subjectLine({ commit }: Revision): string {
  return commit.message.split('\n', 1)[0]?.trim().slice(0, 200) ?? '';
}

function shortSha({ commit }: Revision): string {
  return commit.sha.slice(0, 8);
}

/** Ids follow from what happened, so that planning the same again says nothing twice. */
export function releaseEvent(
  revision: Revision,
  release: Release,
  /** Clusters that take part, and those of them that the application leaves. */
  { clusters, removed }: { readonly clusters: readonly string[]; readonly removed: readonly string[] },
  nowMs: number,
): NewEvent {
  const many = clusters.length === 1 ? `cluster ${clusters[0]}` : `${clusters.length} clusters`;
  return createEvent({
    id: `release.created/${release.id}`,
    type: 'release.created',
    actor: actorOf(revision),
    timeMs: nowMs,
    application: release.application,
    revisionId: release.revisionId,
    message: `${release.application} at ${shortSha(revision)} for ${many}: ${subjectLine(revision)}`,
    data: {
      releaseId: release.id,
      commit: revision.commit.sha,
      clusterCount: clusters.length,
      clusters: clusters.slice(0, listedMax),
      removed: removed.slice(0, listedMax),
    },
  });
}

export function assignmentEvent(revision: Revision, decision: AssignmentDecision, nowMs: number): NewEvent {
  const { cluster, application, releaseId, targetDigest, reason, removed } = decision;
  return createEvent({
    id: `assignment.changed/${releaseId}/${cluster}`,
    type: 'assignment.changed',
    actor: actorOf(revision),
    timeMs: nowMs,
    cluster,
    application,
    revisionId: decision.revisionId,
    message: removed
      ? `${application} leaves ${cluster} by ${shortSha(revision)}: ${subjectLine(revision)}`
      : `${application} in ${cluster} goes to ${shortSha(revision)}: ${subjectLine(revision)}`,
    data: { releaseId, targetDigest, reason, removed, commit: revision.commit.sha },
  });
}

export function heldEvent(revision: Revision, confirmation: OpenConfirmation, nowMs: number): NewEvent {
  const { id, kind, subject, assignments } = confirmation;
  return createEvent({
    id: `removal.held/${id}/${confirmation.revisionId}`,
    type: 'removal.held',
    actor: actorOf(revision),
    timeMs: nowMs,
    cluster: kind === 'cluster' ? subject : '',
    application: kind === 'cluster' ? '' : subject,
    revisionId: revision.id,
    message: confirmation.message,
    data: { confirmationId: id, kind, subject, assignments },
  });
}

/** A rollout begins without those who would get what was rolled back, or does not begin for that. */
export function withheldEvent(
  { application, releaseId, revisionId, withheld = [], phase }: RolloutState,
  nowMs: number,
): NewEvent {
  const rest = phase === 'Paused' ? 'nothing begins' : 'the others go on';
  return createEvent({
    ...{ id: `rollout.held/${releaseId}`, type: 'rollout.held', actor: 'hub', timeMs: nowMs },
    ...{ application, revisionId },
    message: `${application}: ${heldReason(withheld)}; ${rest}`,
    data: { releaseId, clusterCount: withheld.length, clusters: withheld.slice(0, listedMax) },
  });
}

/** One event with the first problems of a revision. */
export function failedEvent(revision: Revision, problems: readonly Problem[], nowMs: number): NewEvent {
  const texts = problems.map(describeProblem);
  const more = texts.length > 1 ? ` (and ${texts.length - 1} more)` : '';
  return createEvent({
    id: `revision.failed/${revision.id}/${digestJson(texts).slice(0, 16)}`,
    type: 'revision.failed',
    actor: actorOf(revision),
    timeMs: nowMs,
    revisionId: revision.id,
    message: `${texts[0] ?? ''}${more}`,
    data: {
      commit: revision.commit.sha,
      problemCount: texts.length,
      problems: texts.slice(0, problemsListedMax),
    },
  });
}
