/** What agents report: the newest of each application and object. */
import type { Statement } from 'better-sqlite3';
import { hookReasons } from '../../../shared/manifest/hook-reasons.ts';
import { keyText } from '../../../shared/manifest/object.ts';
import type { ObjectObservation } from '../../model/observation.ts';
import { placementKey } from '../change-key.ts';
import { checkLimit, createPage, decodeCursor } from '../cursor.ts';
import type { ObservationRepository } from '../repositories/observation-repository.ts';
import { checkClusters } from './assignments.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { and, asc, eq, inArray } from './drizzle.ts';
import type { SqliteEvents } from './events.ts';
import { applicationObservations } from './schema.ts';

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

/** Columns by what of a filter asks for them. */
const filterColumns = [
  ['cluster', 'cluster'],
  ['application', 'application'],
  ['kind', 'kind'],
  ['namespace', 'namespace'],
  ['syncStatus', 'sync_status'],
  ['healthStatus', 'health_status'],
  ['object', 'key'],
] as const;

/** A row as SQLite gives it: key, value. */
type ObjectRow = readonly [key: string, value: string];

/** Thousands at once, in few shapes: each shape's statement is made once, and gives plain rows, which nothing has to map. */
function createObjectReader({ client }: SqliteContext) {
  const statements = new Map<string, Statement<unknown[], ObjectRow>>();
  const hooks = hookReasons.map((reason) => `'${reason}'`).join(', ');
  const prepare = (conditions: readonly string[]): Statement<unknown[], ObjectRow> => {
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const text = `SELECT key, value FROM object_observations ${where} ORDER BY cluster, application, key LIMIT ?`;
    const known = statements.get(text);
    if (known) return known;
    const made = client.prepare<unknown[], ObjectRow>(text).raw();
    statements.set(text, made);
    return made;
  };
  const read: Synchronous<ObservationRepository>['objects'] = (filter, page) => {
    const limit = checkLimit(page.limit);
    const asked = filterColumns.filter(([name]) => filter[name] !== undefined);
    const conditions: string[] = asked.map(([, column]) => `${column} = ?`);
    const values: (string | number | undefined)[] = asked.map(([name]) => filter[name]);
    if (filter.hooks) conditions.push(`json_extract(value, '$.reason') IN (${hooks})`);
    if (page.cursor !== undefined) {
      conditions.push('(cluster, application, key) > (?, ?, ?)');
      values.push(...decodeCursor(page.cursor, ['string', 'string', 'string']));
    }
    const rows = prepare(conditions)
      .all(...values, limit + 1)
      .map(([key, value]) => ({ key, value: JSON.parse(value) as ObjectObservation }));
    return createPage(
      rows,
      page,
      ({ key, value }) => [value.cluster, value.application, key],
      (row) => row.value,
    );
  };
  return read;
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
    objects: createObjectReader(context),
  };
}
