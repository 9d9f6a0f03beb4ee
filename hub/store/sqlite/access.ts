/** Bearer tokens of the HTTP API: hashes only. */
import { FairwayError } from '../../../shared/error/error.ts';
import type { AccessToken } from '../../model/registry.ts';
import type { AccessRepository } from '../repositories/access-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { and, desc, eq, isNull, lt, or } from './drizzle.ts';
import type { SqliteEvents } from './events.ts';
import { accessTokens } from './schema.ts';

const touchEveryMs = 60_000;

function tokenOf(row: typeof accessTokens.$inferSelect): AccessToken {
  return {
    ...row,
    expiresAtMs: row.expiresAtMs ?? undefined,
    lastUsedAtMs: row.lastUsedAtMs ?? undefined,
    revokedAtMs: row.revokedAtMs ?? undefined,
  };
}

export function createSqliteAccess(
  { db }: SqliteContext,
  events: SqliteEvents,
): Synchronous<AccessRepository> {
  return {
    saveToken(token, event) {
      const kept = db.insert(accessTokens).values(token).onConflictDoNothing().run();
      if (kept.changes > 0) return events.append([event]);
      const before = db.select().from(accessTokens).where(eq(accessTokens.id, token.id)).get();
      if (before?.secretHash !== token.secretHash)
        throw new FairwayError('already_exists', 'there is another token of this id', { subject: token.id });
    },
    tokenByHash(secretHash) {
      const row = db.select().from(accessTokens).where(eq(accessTokens.secretHash, secretHash)).get();
      return row && tokenOf(row);
    },
    tokens: () =>
      db
        .select()
        .from(accessTokens)
        .orderBy(desc(accessTokens.createdAtMs), accessTokens.id)
        .all()
        .map(tokenOf),
    touchToken(id, nowMs) {
      const stale = or(
        isNull(accessTokens.lastUsedAtMs),
        lt(accessTokens.lastUsedAtMs, nowMs - touchEveryMs),
      );
      db.update(accessTokens)
        .set({ lastUsedAtMs: nowMs })
        .where(and(eq(accessTokens.id, id), stale))
        .run();
    },
    revokeToken(id, nowMs, event) {
      const { changes } = db
        .update(accessTokens)
        .set({ revokedAtMs: nowMs })
        .where(and(eq(accessTokens.id, id), isNull(accessTokens.revokedAtMs)))
        .run();
      if (changes === 0) return false;
      events.append([event]);
      return true;
    },
  };
}
