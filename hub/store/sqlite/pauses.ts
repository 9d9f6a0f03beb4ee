/** Pauses: by cluster, or one application of it; they end by themselves. */
import { createEvent } from '../../model/event.ts';
import type { ReleaseRepository } from '../repositories/release-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { and, asc, eq, lte } from './drizzle.ts';
import type { SqliteEvents } from './events.ts';
import { pauses } from './schema.ts';

/** More wait for the next call. */
const expireMax = 1_000;

type PauseMethods = Pick<
  Synchronous<ReleaseRepository>,
  'pauses' | 'savePause' | 'removePause' | 'expirePauses'
>;

export function createSqlitePauses(context: SqliteContext, events: SqliteEvents): PauseMethods {
  const { db, changed } = context;
  const remove = (cluster: string, application: string): boolean => {
    const place = and(eq(pauses.cluster, cluster), eq(pauses.application, application));
    if (db.delete(pauses).where(place).run().changes === 0) return false;
    changed('pauses', cluster);
    return true;
  };
  return {
    pauses: (cluster) =>
      db
        .select()
        .from(pauses)
        .where(cluster === undefined ? undefined : eq(pauses.cluster, cluster))
        .orderBy(asc(pauses.cluster), asc(pauses.application))
        .all()
        .map((row) => row.value),
    savePause(pause, event) {
      const { cluster, application } = pause;
      const set = { untilMs: pause.untilMs ?? null, value: pause };
      db.insert(pauses)
        .values({ cluster, application, ...set })
        .onConflictDoUpdate({ target: [pauses.cluster, pauses.application], set })
        .run();
      events.append([event]);
      changed('pauses', cluster);
    },
    removePause(cluster, application, event) {
      if (!remove(cluster, application)) return false;
      events.append([event]);
      return true;
    },
    expirePauses(nowMs) {
      const over = db
        .select()
        .from(pauses)
        .where(lte(pauses.untilMs, nowMs))
        .orderBy(asc(pauses.cluster), asc(pauses.application))
        .limit(expireMax)
        .all();
      for (const { cluster, application } of over) remove(cluster, application);
      const ended = over.map(({ value: { cluster, application, actor, reason } }) =>
        createEvent({
          type: 'audit.resume',
          actor: 'hub',
          timeMs: nowMs,
          cluster,
          application,
          message: 'the pause is over',
          data: { pausedBy: actor, reason },
        }),
      );
      events.append(ended);
      return over.map((row) => row.value);
    },
  };
}
