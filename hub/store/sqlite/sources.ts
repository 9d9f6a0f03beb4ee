/** Followed refs, revisions and the webhook deliveries that were seen. */
import { checkLimit, createPage, decodeCursor } from '../cursor.ts';
import type { SourceRepository } from '../repositories/source-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { asc, desc, eq, lt } from './drizzle.ts';
import type { SqliteEvents } from './events.ts';
import { revisions, sources } from './schema.ts';

const deliveryKeptMs = 24 * 3_600_000;
const deliveriesMax = 10_000;

function createDeliveries({ client }: SqliteContext) {
  const expire = client.prepare('DELETE FROM deliveries WHERE seen_at_ms < ?');
  const insert = client.prepare(
    'INSERT INTO deliveries (id, seen_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING',
  );
  const bound = client.prepare(
    'DELETE FROM deliveries WHERE position <= (SELECT max(position) FROM deliveries) - ?',
  );
  return (id: string, nowMs: number): boolean => {
    expire.run(nowMs - deliveryKeptMs);
    if (insert.run(id, nowMs).changes === 0) return false;
    bound.run(deliveriesMax);
    return true;
  };
}

export function createSqliteSources(
  context: SqliteContext,
  events: SqliteEvents,
): Synchronous<SourceRepository> {
  const { db, changed } = context;
  return {
    list: () =>
      db
        .select()
        .from(sources)
        .orderBy(asc(sources.key))
        .all()
        .map((row) => row.value),
    get: (key) => db.select().from(sources).where(eq(sources.key, key)).get()?.value,
    save(status) {
      db.insert(sources)
        .values({ key: status.key, value: status })
        .onConflictDoUpdate({ target: sources.key, set: { value: status } })
        .run();
      changed('sources', status.key);
    },
    remove(key) {
      if (db.delete(sources).where(eq(sources.key, key)).run().changes > 0) changed('sources', key);
    },
    saveRevision(revision, added) {
      const { id, seenAtMs } = revision;
      const kept = db.insert(revisions).values({ id, seenAtMs, value: revision }).onConflictDoNothing().run();
      if (kept.changes === 0) return;
      events.append(added);
      changed('revisions', id);
    },
    saveRendering(id, rendering) {
      const row = db.select().from(revisions).where(eq(revisions.id, id)).get();
      if (row === undefined) return;
      const value = { ...row.value, rendering };
      db.update(revisions).set({ value }).where(eq(revisions.id, id)).run();
      changed('revisions', id);
    },
    revision: (id) => db.select().from(revisions).where(eq(revisions.id, id)).get()?.value,
    latestRevision: () => db.select().from(revisions).orderBy(desc(revisions.position)).limit(1).get()?.value,
    revisions(page) {
      const limit = checkLimit(page.limit);
      const [before] = page.cursor === undefined ? [] : decodeCursor(page.cursor, ['number']);
      const rows = db
        .select()
        .from(revisions)
        .where(before === undefined ? undefined : lt(revisions.position, Number(before)))
        .orderBy(desc(revisions.position))
        .limit(limit + 1)
        .all();
      return createPage(
        rows,
        page,
        (row) => [row.position],
        (row) => row.value,
      );
    },
    rememberDelivery: createDeliveries(context),
  };
}
