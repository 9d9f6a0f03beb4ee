/** Decommissioning: all that the hub keeps of a cluster that is gone for good goes in one transaction, but for its history. */
import { FairwayError } from '../../../shared/error/error.ts';
import { createEvent } from '../../model/event.ts';
import type { ForgottenCluster } from '../../model/registry.ts';
import type { RegistryRepository } from '../repositories/registry-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import type { SqliteEvents } from './events.ts';

type Forget = Synchronous<RegistryRepository>['forget'];

/** Names in an event; the count beside them is whole. */
const namesMax = 100;

/** Its agent could act on none of this any more. `generations` stays: a cluster that comes back under the name counts on. */
const leavings = ['assignments', 'application_observations', 'object_observations', 'pauses'] as const;

function createChecks({ client }: SqliteContext): (cluster: string) => void {
  const isDeclared = client.prepare(`SELECT 1 FROM fleet_resources WHERE kind = 'Cluster' AND name = ?`);
  const isConnected = client.prepare('SELECT 1 FROM clusters WHERE name = ? AND connected = 1');
  return (cluster) => {
    const refuse = (message: string) =>
      new FairwayError('failed_precondition', message, { subject: cluster });
    if (isDeclared.get(cluster) !== undefined)
      throw refuse(
        `cluster ${cluster} is declared in the fleet repository: take its Cluster out of Git, then forget it`,
      );
    if (isConnected.get(cluster) !== undefined)
      throw refuse(
        `the agent of ${cluster} is connected: delete it from its cluster, or shut it out by \`fairway agent revoke ${cluster}\`, then forget it`,
      );
  };
}

export function createForgetter(context: SqliteContext, events: SqliteEvents): Forget {
  const { client, changed } = context;
  const check = createChecks(context);
  const revokeCertificates = client.prepare(
    `UPDATE certificates SET revoked_at_ms = :nowMs, revoked_reason = :reason
     WHERE cluster = :cluster AND revoked_at_ms IS NULL AND not_after_ms > :nowMs`,
  );
  const revokeTokens = client.prepare(
    `UPDATE enrolment_tokens SET revoked_at_ms = :nowMs
     WHERE cluster = :cluster AND revoked_at_ms IS NULL AND expires_at_ms > :nowMs RETURNING id, used_at_ms AS usedAtMs`,
  );
  const assigned = client.prepare(
    'SELECT application, removed FROM assignments WHERE cluster = ? ORDER BY application',
  );
  const clear = leavings.map((table) => client.prepare(`DELETE FROM ${table} WHERE cluster = ?`));
  const unregister = client.prepare('DELETE FROM clusters WHERE name = ?');
  const unhold = client.prepare(`DELETE FROM confirmations WHERE kind = 'cluster' AND subject = ?`);
  return ({ cluster, reason, actor, nowMs }): ForgottenCluster => {
    check(cluster);
    const common = { actor, timeMs: nowMs, cluster };
    const tokens = revokeTokens.all({ cluster, nowMs }) as { id: string; usedAtMs: number | null }[];
    const unused = tokens.filter(({ usedAtMs }) => usedAtMs === null);
    const certificates = revokeCertificates.run({ cluster, nowMs, reason }).changes;
    const places = assigned.all(cluster) as { application: string; removed: number }[];
    const removals = places.filter(({ removed }) => removed === 1).length;
    const cleared = clear.reduce((sum, statement) => sum + statement.run(cluster).changes, 0);
    const known = unregister.run(cluster).changes + cleared + tokens.length + certificates > 0;
    if (!known)
      throw new FairwayError('not_found', `the hub knows of no cluster ${cluster}`, { subject: cluster });
    unhold.run(cluster);
    const counts = { certificates, tokens: unused.length, assignments: places.length, removals };
    const applications = places.slice(0, namesMax).map(({ application }) => application);
    const message = `cluster ${cluster} was forgotten: ${reason}`;
    events.append([
      ...unused.map(({ id }) =>
        createEvent({
          ...common,
          type: 'audit.token.revoked',
          message: 'enrolment token revoked with its cluster',
          data: { id },
        }),
      ),
      ...(certificates > 0
        ? [createEvent({ ...common, type: 'audit.certificate.revoked', message: reason, data: { reason } })]
        : []),
      createEvent({
        ...common,
        type: 'audit.cluster.forgotten',
        message,
        data: { reason, ...counts, applications },
      }),
    ]);
    for (const topic of ['registry', 'assignments', 'observations', 'pauses'] as const)
      changed(topic, cluster);
    // What is held of other subjects is counted anew without it.
    changed('confirmations', '');
    return counts;
  };
}
