/** Removals that wait for an operator. */
import { FairwayError } from '../../../shared/error/error.ts';
import type { NewEvent } from '../../model/event.ts';
import type { Confirmation } from '../../model/release.ts';
import type { Plan } from '../repositories/release-repository.ts';
import type { SqliteContext } from './context.ts';
import { and, asc, eq, inArray, isNull, sql } from './drizzle.ts';
import type { SqliteEvents } from './events.ts';
import { confirmations } from './schema.ts';

export interface SqliteConfirmations {
  list(): readonly Confirmation[];
  /** The open ones that a plan decides about become these; what was confirmed stays so. */
  replaceOpen(wanted: Plan['confirmations']): void;
  confirm(id: string, actor: string, event: NewEvent, held?: Plan['confirmations'][number]): Confirmation;
}

/** Decided anew with every plan; `restored-hub` is not. */
const plannedKinds = ['application', 'cluster', 'placement'] as const;

function confirmationOf(row: typeof confirmations.$inferSelect): Confirmation {
  return {
    ...row,
    confirmedAtMs: row.confirmedAtMs ?? undefined,
    confirmedBy: row.confirmedBy ?? undefined,
  };
}

function createReplacer({ db, changed }: SqliteContext) {
  return (wanted: Plan['confirmations']): void => {
    const open = db
      .select()
      .from(confirmations)
      .where(and(inArray(confirmations.kind, plannedKinds), isNull(confirmations.confirmedAtMs)))
      .all();
    const ids = new Set(wanted.map(({ id }) => id));
    let changes = 0;
    for (const { id } of open)
      if (!ids.has(id)) changes += db.delete(confirmations).where(eq(confirmations.id, id)).run().changes;
    for (const { id, kind, subject, assignments, revisionId, message, createdAtMs } of wanted) {
      const set = { kind, subject, assignments, revisionId, message };
      const before = open.find((row) => row.id === id);
      if (before !== undefined && before.assignments === assignments && before.message === message) continue;
      changes += db
        .insert(confirmations)
        .values({ id, ...set, createdAtMs })
        .onConflictDoUpdate({
          target: confirmations.id,
          set,
          setWhere: sql`${confirmations.confirmedAtMs} IS NULL`,
        })
        .run().changes;
    }
    if (changes > 0) changed('confirmations', '');
  };
}

export function createSqliteConfirmations(context: SqliteContext, events: SqliteEvents): SqliteConfirmations {
  const { db, changed } = context;
  return {
    list: () =>
      db
        .select()
        .from(confirmations)
        .orderBy(asc(confirmations.createdAtMs), asc(confirmations.id))
        .all()
        .map(confirmationOf),
    replaceOpen: createReplacer(context),
    confirm(id, actor, event, held) {
      if (held)
        db.insert(confirmations)
          .values({ ...held, id })
          .onConflictDoNothing()
          .run();
      const row = db.select().from(confirmations).where(eq(confirmations.id, id)).get();
      if (row === undefined)
        throw new FairwayError('not_found', 'there is no such confirmation', { subject: id });
      if (row.confirmedAtMs !== null) return confirmationOf(row);
      const set = { confirmedAtMs: event.timeMs, confirmedBy: actor };
      db.update(confirmations).set(set).where(eq(confirmations.id, id)).run();
      events.append([event]);
      changed('confirmations', '');
      return confirmationOf({ ...row, ...set });
    },
  };
}
