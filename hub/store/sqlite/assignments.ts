/** Assignments: what each cluster shall run, its generations and acknowledgements. */
import type { SQL } from 'drizzle-orm';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Assignment, AssignmentDecision } from '../../model/release.ts';
import { placementKey } from '../change-key.ts';
import type {
  AssignmentFilter,
  AssignmentState,
  ReleaseRepository,
} from '../repositories/release-repository.ts';
import type { SqliteContext } from './context.ts';
import { and, asc, bound, eq, inArray } from './drizzle.ts';
import { createGenerations } from './generations.ts';
import { assignments } from './schema.ts';

type AssignmentRow = typeof assignments.$inferSelect;
type Acknowledge = Parameters<ReleaseRepository['acknowledge']>[0];

export interface SqliteAssignments {
  /** @returns the assignment when the decision differs from the one in force. */
  decide(decision: AssignmentDecision, nowMs: number): Assignment | undefined;
  list(filter: AssignmentFilter): readonly AssignmentState[];
  acknowledge(request: Acknowledge): void;
}

function assignmentOf(row: AssignmentRow): AssignmentState {
  const { receivedAtMs, appliedAtMs, healthyAtMs, refused, healthyTargetDigest, ...assignment } = row;
  return {
    ...assignment,
    healthyTargetDigest: healthyTargetDigest ?? undefined,
    acknowledgements: {
      receivedAtMs: receivedAtMs ?? undefined,
      appliedAtMs: appliedAtMs ?? undefined,
      healthyAtMs: healthyAtMs ?? undefined,
      refused: refused ?? undefined,
    },
  };
}

function createDecider(context: SqliteContext) {
  const { client, changed } = context;
  const generations = createGenerations(context);
  const inForce = client.prepare(
    'SELECT target_digest, release_id FROM assignments WHERE cluster = ? AND application = ?',
  );
  // A new assignment starts without acknowledgements; the last healthy target stays with the place.
  const save = client.prepare(
    `INSERT INTO assignments (cluster, application, target_digest, release_id, revision_id, reason, generation, assigned_at_ms, removed)
     VALUES (:cluster, :application, :targetDigest, :releaseId, :revisionId, :reason, :generation, :assignedAtMs, :removed)
     ON CONFLICT (cluster, application) DO UPDATE SET target_digest = excluded.target_digest,
       release_id = excluded.release_id, revision_id = excluded.revision_id, reason = excluded.reason,
       generation = excluded.generation, assigned_at_ms = excluded.assigned_at_ms, removed = excluded.removed,
       received_at_ms = NULL, applied_at_ms = NULL, healthy_at_ms = NULL, refused = NULL`,
  );
  return (decision: AssignmentDecision, nowMs: number): Assignment | undefined => {
    const { cluster, application, targetDigest, releaseId } = decision;
    const before = inForce.get(cluster, application) as
      | { readonly target_digest: string; readonly release_id: string }
      | undefined;
    if (before?.target_digest === targetDigest && before.release_id === releaseId) return undefined;
    const assignment: Assignment = {
      cluster,
      application,
      targetDigest,
      releaseId,
      revisionId: decision.revisionId,
      reason: decision.reason,
      removed: decision.removed,
      generation: generations.next(cluster),
      assignedAtMs: nowMs,
    };
    save.run({ ...assignment, removed: assignment.removed ? 1 : 0 });
    changed('assignments', placementKey(cluster, application));
    return assignment;
  };
}

function createAcknowledger({ client, db, changed }: SqliteContext) {
  const place = 'cluster = :cluster AND application = :application';
  const where = `WHERE ${place} AND generation = :generation`;
  // What comes later implies what comes before: an agent sends only the newest stage of each application.
  const statements = {
    received: `UPDATE assignments SET received_at_ms = :timeMs ${where} AND received_at_ms IS NULL`,
    applied: `UPDATE assignments SET applied_at_ms = coalesce(applied_at_ms, :timeMs),
      received_at_ms = coalesce(received_at_ms, :timeMs), refused = NULL ${where} AND (applied_at_ms IS NULL OR refused IS NOT NULL)`,
    healthy: `UPDATE assignments SET healthy_at_ms = coalesce(healthy_at_ms, :timeMs), applied_at_ms = coalesce(applied_at_ms, :timeMs),
      received_at_ms = coalesce(received_at_ms, :timeMs), refused = NULL, healthy_target_digest = target_digest
      ${where} AND (healthy_at_ms IS NULL OR refused IS NOT NULL)`,
    refused: `UPDATE assignments SET refused = :message ${where} AND refused IS NOT :message`,
    failed: `UPDATE assignments SET refused = :message, received_at_ms = coalesce(received_at_ms, :timeMs)
      ${where} AND refused IS NOT :message`,
  } as const;
  const record = {
    received: client.prepare(statements.received),
    applied: client.prepare(statements.applied),
    healthy: client.prepare(statements.healthy),
    refused: client.prepare(statements.refused),
    failed: client.prepare(statements.failed),
  };
  const find = db
    .select({ removed: assignments.removed, generation: assignments.generation })
    .from(assignments)
    .where(and(eq(assignments.cluster, bound('cluster')), eq(assignments.application, bound('application'))))
    .prepare();
  const forget = [
    client.prepare(`DELETE FROM object_observations WHERE ${place}`),
    client.prepare(`DELETE FROM application_observations WHERE ${place}`),
    client.prepare(`DELETE FROM assignments WHERE ${place}`),
  ];
  const heard = client.prepare(
    'UPDATE generations SET acknowledged = :generation WHERE cluster = :cluster AND acknowledged < :generation',
  );
  return (request: Acknowledge): void => {
    const { cluster, application, generation, stage } = request;
    const row = find.get({ cluster, application });
    if (row?.generation !== generation) return;
    heard.run({ cluster, generation });
    if (row.removed && (stage === 'applied' || stage === 'healthy')) {
      for (const statement of forget) statement.run({ cluster, application });
      changed('assignments', placementKey(cluster, application));
      changed('observations', placementKey(cluster, application));
      return;
    }
    const { timeMs, message } = request;
    const { changes } = record[stage].run({ cluster, application, generation, timeMs, message });
    if (changes > 0) changed('acknowledgements', placementKey(cluster, application));
  };
}

/** @throws invalid_argument */
export function checkClusters(clusters: readonly string[] | undefined): readonly string[] | undefined {
  if (clusters !== undefined && clusters.length > clustersMax)
    throw new FairwayError('invalid_argument', `at most ${clustersMax} clusters are asked for at once`);
  return clusters;
}

const clustersMax = 500;

function conditionOf({ cluster, application, clusters }: AssignmentFilter): SQL | undefined {
  const some = checkClusters(clusters);
  return and(
    some === undefined ? undefined : inArray(assignments.cluster, [...some]),
    cluster === undefined ? undefined : eq(assignments.cluster, cluster),
    application === undefined ? undefined : eq(assignments.application, application),
  );
}

export function createSqliteAssignments(context: SqliteContext): SqliteAssignments {
  const { db } = context;
  const select = (where: SQL | undefined) =>
    db
      .select()
      .from(assignments)
      .where(where)
      .orderBy(asc(assignments.cluster), asc(assignments.application));
  // What is asked for most: making the statement takes longer than running it.
  const ofCluster = select(eq(assignments.cluster, bound('cluster'))).prepare();
  return {
    decide: createDecider(context),
    list(filter) {
      const { cluster, application, clusters } = filter;
      const one = cluster !== undefined && application === undefined && clusters === undefined;
      const rows = one ? ofCluster.all({ cluster }) : select(conditionOf(filter)).all();
      return rows.map(assignmentOf);
    },
    acknowledge: createAcknowledger(context),
  };
}
