/** What agents report: the newest of each application and object. */
import type { SQL } from 'drizzle-orm';
import { hookReasons } from '../../../shared/manifest/hook-reasons.ts';
import { keyText } from '../../../shared/manifest/object.ts';
import { placementKey } from '../change-key.ts';
import { checkLimit, createPage, decodeCursor } from '../cursor.ts';
import type { ObjectFilter, ObservationRepository } from '../repositories/observation-repository.ts';
import { checkClusters } from './assignments.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { and, asc, eq, inArray, sql } from './drizzle.ts';
import type { SqliteEvents } from './events.ts';
import { applicationObservations, objectObservations } from './schema.ts';

/** Objects that one batch names; of more only the cluster is told. */
const objectsNamedMax = 200;

/** Later in generation, then in the agent's time; the same again is kept as well, and changes nothing. */
const notOlder = (table: string) =>
  `excluded.generation > ${table}.generation OR
   (excluded.generation = ${table}.generation AND excluded.time_ms >= ${table}.time_ms)`;

function createBatchSaver({ client, changed }: SqliteContext, events: SqliteEvents) {
  const assigned = client.prepare('SELECT application FROM assignments WHERE cluster = ?').pluck();
  const saveApplication = client.prepare(
    `INSERT INTO application_observations (cluster, application, generation, time_ms, value) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (cluster, application) DO UPDATE SET generation = excluded.generation, time_ms = excluded.time_ms, value = excluded.value
     WHERE ${notOlder('application_observations')}`,
  );
  const saveObject = client.prepare(
    `INSERT INTO object_observations
       (cluster, application, key, kind, namespace, sync_status, health_status, generation, time_ms, value)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (cluster, application, key) DO UPDATE SET sync_status = excluded.sync_status,
       health_status = excluded.health_status, generation = excluded.generation, time_ms = excluded.time_ms, value = excluded.value
     WHERE ${notOlder('object_observations')}`,
  );
  const removeObject = client.prepare(
    'DELETE FROM object_observations WHERE cluster = ? AND application = ? AND key = ?',
  );
  const batch: Synchronous<ObservationRepository>['saveBatch'] = (report, added) => {
    const { cluster } = report;
    const known = new Set(assigned.all(cluster) as string[]);
    /** Applications of which something is another now. */
    const changes = new Set<string>();
    const named: string[] = [];
    for (const { application, key } of report.gone) {
      const text = keyText(key);
      const removed = removeObject.run(cluster, application, text).changes;
      if (removed === 0) continue;
      named.push(`${placementKey(cluster, application)}\n${text}`);
      changes.add(application);
    }
    for (const row of report.applications) {
      if (!known.has(row.application)) continue;
      const { application, generation, timeMs } = row;
      const value = JSON.stringify({ ...row, cluster });
      const saved = saveApplication.run(cluster, application, generation, timeMs, value).changes;
      if (saved > 0) changes.add(application);
    }
    for (const row of report.objects) {
      if (!known.has(row.application)) continue;
      const { application, key, syncStatus, healthStatus, generation, timeMs } = row;
      const text = keyText(key);
      const saved = saveObject.run(
        cluster,
        application,
        text,
        key.kind,
        key.namespace,
        syncStatus,
        healthStatus,
        generation,
        timeMs,
        JSON.stringify({ ...row, cluster }),
      ).changes;
      if (saved === 0) continue;
      named.push(`${placementKey(cluster, application)}\n${text}`);
      changes.add(application);
    }
    events.append(added);
    for (const application of changes) changed('observations', placementKey(cluster, application));
    if (named.length > objectsNamedMax) changed('objects', cluster);
    else for (const name of named) changed('objects', name);
  };
  return batch;
}

function conditionOf(filter: ObjectFilter): SQL | undefined {
  const table = objectObservations;
  const wanted = [
    [table.cluster, filter.cluster],
    [table.application, filter.application],
    [table.kind, filter.kind],
    [table.namespace, filter.namespace],
    [table.syncStatus, filter.syncStatus],
    [table.healthStatus, filter.healthStatus],
    [table.key, filter.object],
  ] as const;
  const hooks = filter.hooks ? sql`json_extract(${table.value}, '$.reason') IN ${hookReasons}` : undefined;
  return and(
    hooks,
    ...wanted.map(([column, value]) => (value === undefined ? undefined : eq(column, value))),
  );
}

export function createSqliteObservations(
  context: SqliteContext,
  events: SqliteEvents,
): Synchronous<ObservationRepository> {
  const { db } = context;
  return {
    saveBatch: createBatchSaver(context, events),
    applications({ cluster, application, clusters }) {
      const table = applicationObservations;
      const some = checkClusters(clusters);
      return db
        .select({ value: table.value })
        .from(table)
        .where(
          and(
            cluster === undefined ? undefined : eq(table.cluster, cluster),
            some === undefined ? undefined : inArray(table.cluster, [...some]),
            application === undefined ? undefined : eq(table.application, application),
          ),
        )
        .orderBy(asc(table.cluster), asc(table.application))
        .all()
        .map((row) => row.value);
    },
    objects(filter, page) {
      const table = objectObservations;
      const limit = checkLimit(page.limit);
      const last =
        page.cursor === undefined ? undefined : decodeCursor(page.cursor, ['string', 'string', 'string']);
      const after =
        last &&
        sql`(${table.cluster}, ${table.application}, ${table.key}) > (${last[0]}, ${last[1]}, ${last[2]})`;
      const rows = db
        .select({ key: table.key, value: table.value })
        .from(table)
        .where(and(after, conditionOf(filter)))
        .orderBy(asc(table.cluster), asc(table.application), asc(table.key))
        .limit(limit + 1)
        .all();
      return createPage(
        rows,
        page,
        ({ key, value }) => [value.cluster, value.application, key],
        (row) => row.value,
      );
    },
  };
}
