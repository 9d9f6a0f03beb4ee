/** Failovers: one row each, written over as it goes on; the database itself holds a group to one that is open. */
import { type Failover, isFailoverOver } from '../../model/failover.ts';
import { checkLimit, createPage, decodeCursor } from '../cursor.ts';
import type { FailoverRepository } from '../repositories/failover-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import type { SqliteEvents } from './events.ts';

/** Kept of one group. */
const failoversMax = 1_000;

interface FailoverRow {
  readonly sequence: number;
  readonly value: string;
}

/** Values that are undefined are not in the JSON: the keys come back as they were. */
function failoverOf({ value }: Pick<FailoverRow, 'value'>): Failover {
  const read = JSON.parse(value) as Failover;
  const { commit, override } = read;
  return {
    ...read,
    commit: commit && { ...commit, nextAtMs: commit.nextAtMs, written: commit.written },
    override: override && { ...override, ended: override.ended },
    applications: read.applications.map((one) => ({ ...one, readyAtMs: one.readyAtMs })),
    readyAtMs: read.readyAtMs,
    rtoMs: read.rtoMs,
    endedAtMs: read.endedAtMs,
  };
}

export function createSqliteFailovers(
  { client, changed }: SqliteContext,
  events: SqliteEvents,
): Synchronous<FailoverRepository> {
  const open = client.prepare('SELECT sequence, value FROM failovers WHERE open = 1 ORDER BY sequence');
  const get = client.prepare('SELECT sequence, value FROM failovers WHERE id = ?');
  const insert = client.prepare(
    'INSERT OR IGNORE INTO failovers (id, name, open, version, value) VALUES (:id, :group, :open, :version, :value)',
  );
  const update = client.prepare(
    'UPDATE failovers SET open = :open, version = :version, value = :value WHERE id = :id AND version = :before',
  );
  const trim = client.prepare(
    `DELETE FROM failovers WHERE name = :group AND open = 0 AND sequence <= (
       SELECT sequence FROM failovers WHERE name = :group ORDER BY sequence DESC LIMIT 1 OFFSET ${failoversMax})`,
  );
  const page = client.prepare(
    `SELECT sequence, value FROM failovers WHERE (:group IS NULL OR name = :group) AND (:kind IS NULL OR value ->> '$.kind' = :kind)
       AND sequence < :last ORDER BY sequence DESC LIMIT :limit`,
  );
  return {
    open: () => (open.all() as FailoverRow[]).map(failoverOf),
    get(id) {
      const row = get.get(id) as FailoverRow | undefined;
      return row && failoverOf(row);
    },
    save(failover, before, added) {
      const { id, group, version } = failover;
      const row = { id, version, open: isFailoverOver(failover) ? 0 : 1, value: JSON.stringify(failover) };
      const done = before === undefined ? insert.run({ ...row, group }) : update.run({ ...row, before });
      if (done.changes === 0) return false;
      trim.run({ group });
      events.append(added);
      changed('failovers', group);
      return true;
    },
    list(group, request, kind) {
      const limit = checkLimit(request.limit);
      const last = request.cursor === undefined ? undefined : decodeCursor(request.cursor, ['number']);
      const rows = page.all({
        ...{
          group: group ?? null,
          kind: kind ?? null,
          last: last?.[0] ?? Number.MAX_SAFE_INTEGER,
          limit: limit + 1,
        },
      }) as FailoverRow[];
      return createPage(rows, request, ({ sequence }) => [sequence], failoverOf);
    },
  };
}
