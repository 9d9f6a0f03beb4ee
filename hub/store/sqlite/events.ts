/** The event log, and the outbox of what is still to be told to the outside. */
import type { SQL } from 'drizzle-orm';
import type { FleetEvent, NewEvent } from '../../model/event.ts';
import { checkLimit, createPage, decodeCursor } from '../cursor.ts';
import type { EventFilter, EventRepository } from '../repositories/event-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { and, asc, bound, desc, eq, gt, gte, lt, lte, or, sql } from './drizzle.ts';
import { events, meta, outbox } from './schema.ts';

const outboxMax = 10_000;
const outboxTypesName = 'events.outboxTypes';
const droppedName = 'events.dropped';

export interface SqliteEvents extends Synchronous<EventRepository> {
  /** For the other repositories: within the transaction of what the events tell of. */
  append(added: readonly NewEvent[]): void;
}

/** `drift` means `drift` and all `drift.*`. */
function typeMatches(type: string, wanted: readonly string[]): boolean {
  return wanted.some((name) => type === name || type.startsWith(`${name}.`));
}

/** The same as a range of the index: '/' is the character after '.'. */
function typeCondition(types: readonly string[]): SQL | undefined {
  const column = sql`${events.type}`;
  return or(
    ...types.flatMap((type) => [
      sql`${column} = ${type}`,
      sql`(${column} >= ${`${type}.`} AND ${column} < ${`${type}/`})`,
    ]),
  );
}

function conditionOf(filter: EventFilter): SQL | undefined {
  return and(
    filter.types === undefined ? undefined : filter.types.length === 0 ? sql`0` : typeCondition(filter.types),
    filter.cluster === undefined ? undefined : eq(events.cluster, filter.cluster),
    filter.application === undefined ? undefined : eq(events.application, filter.application),
    filter.sinceMs === undefined ? undefined : gte(events.timeMs, filter.sinceMs),
  );
}

function createAppender(context: SqliteContext) {
  const { client, db } = context;
  const nextSequence = client.prepare(`SELECT seq + 1 FROM sqlite_sequence WHERE name = 'events'`).pluck();
  const known = db
    .select({ sequence: events.sequence })
    .from(events)
    .where(eq(events.id, bound('id')))
    .prepare();
  const insert = db
    .insert(events)
    .values({
      id: bound('id'),
      type: bound('type'),
      actor: bound('actor'),
      timeMs: bound('timeMs'),
      cluster: bound('cluster'),
      application: bound('application'),
      revisionId: bound('revisionId'),
      object: bound('object'),
      message: bound('message'),
      data: bound('data'),
    })
    .prepare();
  const send = client.prepare('INSERT INTO outbox (sequence, attempts, next_attempt_at_ms) VALUES (?, 0, 0)');
  const waiting = client.prepare('SELECT count(*) FROM outbox').pluck();
  const dropOldest = client.prepare(
    'DELETE FROM outbox WHERE sequence IN (SELECT sequence FROM outbox ORDER BY sequence LIMIT ?)',
  );
  const countDropped = client.prepare(
    `INSERT INTO meta (name, value) VALUES ('${droppedName}', CAST(:more AS INTEGER))
     ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + CAST(:more AS INTEGER)`,
  );
  const wantedTypes = client.prepare('SELECT value FROM meta WHERE name = ?').pluck();

  const boundOutbox = () => {
    const excess = (waiting.get() as number) - outboxMax;
    if (excess <= 0) return;
    dropOldest.run(excess);
    countDropped.run({ more: excess });
  };

  return (added: readonly NewEvent[]): void => {
    if (added.length === 0) return;
    const wanted = JSON.parse((wantedTypes.get(outboxTypesName) as string | undefined) ?? '[]') as string[];
    let kept = 0;
    let sent = 0;
    for (const event of added) {
      const sequence = (nextSequence.get() as number | undefined) ?? 1;
      const id = event.id ?? context.uniqueId(`event ${sequence}`);
      if (event.id !== undefined && known.get({ id }) !== undefined) continue;
      insert.run({ ...event, id });
      kept += 1;
      if (!typeMatches(event.type, wanted)) continue;
      send.run(sequence);
      sent += 1;
    }
    if (sent > 0) boundOutbox();
    if (kept > 0) context.changed('events', '');
  };
}

export function createSqliteEvents(context: SqliteContext): SqliteEvents {
  const { client, db } = context;
  const lastSequence = client.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'events'`).pluck();
  const firstKept = client.prepare('SELECT min(sequence) FROM events').pluck();
  const readLast = () => (lastSequence.get() as number | undefined) ?? 0;
  return {
    append: createAppender(context),
    list(filter, page) {
      const limit = checkLimit(page.limit);
      const [before] = page.cursor === undefined ? [] : decodeCursor(page.cursor, ['number']);
      const rows = db
        .select()
        .from(events)
        .where(
          and(before === undefined ? undefined : lt(events.sequence, Number(before)), conditionOf(filter)),
        )
        .orderBy(desc(events.sequence))
        .limit(limit + 1)
        .all();
      return createPage(
        rows,
        page,
        (row) => [row.sequence],
        (row): FleetEvent => row,
      );
    },
    after(sequence, filter, limit) {
      return db
        .select()
        .from(events)
        .where(and(gt(events.sequence, sequence), conditionOf(filter)))
        .orderBy(asc(events.sequence))
        .limit(checkLimit(limit, 1_000))
        .all();
    },
    lastSequence: readLast,
    firstSequence: () => (firstKept.get() as number | null) ?? readLast() + 1,
    setOutboxTypes(types) {
      const value = JSON.stringify(types);
      db.insert(meta)
        .values({ name: outboxTypesName, value })
        .onConflictDoUpdate({ target: meta.name, set: { value } })
        .run();
    },
    outbox(nowMs, limit) {
      const rows = db
        .select({ event: events, attempts: outbox.attempts })
        .from(outbox)
        .innerJoin(events, eq(events.sequence, outbox.sequence))
        .where(lte(outbox.nextAttemptAtMs, nowMs))
        .orderBy(asc(outbox.sequence))
        .limit(checkLimit(limit))
        .all();
      return rows;
    },
    settleOutbox(sequence) {
      db.delete(outbox).where(eq(outbox.sequence, sequence)).run();
    },
    deferOutbox(sequence, nextAttemptAtMs) {
      db.update(outbox)
        .set({ attempts: sql`${outbox.attempts} + 1`, nextAttemptAtMs })
        .where(eq(outbox.sequence, sequence))
        .run();
    },
  };
}
