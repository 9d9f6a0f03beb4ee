/** The hub's own values: epoch, sealed secrets, small settings. */
import type { Epoch } from '../../../shared/manifest/target.ts';
import type { MetaRepository } from '../repositories/meta-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { eq, sql } from './drizzle.ts';
import { createGenerations } from './generations.ts';
import { assignments, confirmations, epoch, meta, secrets } from './schema.ts';

function openRestoredConfirmation({ db, changed }: SqliteContext, moved: Epoch, nowMs: number): void {
  const open = db
    .select({ id: confirmations.id })
    .from(confirmations)
    .where(sql`${confirmations.kind} = 'restored-hub' AND ${confirmations.confirmedAtMs} IS NULL`)
    .get();
  if (open !== undefined) return;
  const [row] = db.select({ count: sql<number>`count(*)` }).from(assignments).all();
  db.insert(confirmations)
    .values({
      id: `restored-hub-${moved.counter}-${moved.id.slice(0, 8)}`,
      kind: 'restored-hub',
      subject: 'fleet',
      assignments: row?.count ?? 0,
      revisionId: '',
      message:
        'an agent has seen a later state than this hub has: the hub was restored from an older backup, and deletes nothing until this is confirmed',
      createdAtMs: nowMs,
    })
    .run();
  changed('confirmations', '');
}

/** Whether what the agent saw proves that this hub once was further than it is now. */
function isAhead(seen: Epoch, generation: number, own: Epoch, ownGeneration: number): boolean {
  if (seen.counter !== own.counter) return seen.counter > own.counter;
  return seen.id !== own.id || generation > ownGeneration;
}

export function createSqliteMeta(context: SqliteContext): Synchronous<MetaRepository> {
  const { db, sealer } = context;
  const generations = createGenerations(context);

  const saveEpoch = (counter: number): Epoch => {
    const next = { counter, id: context.uniqueId(`epoch ${counter}`) };
    db.insert(epoch)
      .values({ one: 1, ...next })
      .onConflictDoUpdate({ target: epoch.one, set: next })
      .run();
    return next;
  };
  const loadEpoch = (): Epoch =>
    db.select({ counter: epoch.counter, id: epoch.id }).from(epoch).get() ?? saveEpoch(1);
  const loadSecret = (name: string): Uint8Array | undefined => {
    const row = db.select().from(secrets).where(eq(secrets.name, name)).get();
    return row && sealer.open(row.sealed, name);
  };

  return {
    epoch: loadEpoch,
    advanceEpoch(seen, cluster, generation, nowMs) {
      const own = loadEpoch();
      const ownGeneration = generations.current(cluster);
      const ahead = isAhead(seen, generation, own, ownGeneration);
      if (generation > ownGeneration) generations.lift(cluster, generation);
      if (!ahead) return own;
      const moved = saveEpoch(Math.max(seen.counter, own.counter) + 1);
      openRestoredConfirmation(context, moved, nowMs);
      return moved;
    },
    secret: loadSecret,
    ensureSecret(name, value) {
      const kept = loadSecret(name);
      if (kept !== undefined) return kept;
      const sealed = Buffer.from(sealer.seal(value, name));
      db.insert(secrets).values({ name, sealed }).run();
      return value;
    },
    value: (name) => db.select().from(meta).where(eq(meta.name, name)).get()?.value,
    setValue(name, value) {
      db.insert(meta).values({ name, value }).onConflictDoUpdate({ target: meta.name, set: { value } }).run();
    },
  };
}
