/** Forward-only migrations: applied in order, each recorded with a digest of its text in the transaction that applies it. */
import type { Database } from 'better-sqlite3';
import { FairwayError } from '../../../shared/error/error.ts';
import { digestText } from '../../../shared/manifest/canonical.ts';
import { initial } from './migrations/0001-initial.ts';
import { tokenKeys } from './migrations/0002-token-keys.ts';
import { renderMemory } from './migrations/0003-render-memory.ts';
import { rolloutHistory } from './migrations/0004-rollout-history.ts';
import { parityGroups } from './migrations/0005-parity.ts';
import { rolloutPins } from './migrations/0006-rollout-pins.ts';
import { failovers } from './migrations/0007-failovers.ts';
import { rolloutClusters } from './migrations/0008-rollout-clusters.ts';
import { fenceContacts } from './migrations/0009-fence-contacts.ts';

export interface Migration {
  /** From 1, without gaps. */
  readonly id: number;
  readonly name: string;
  readonly sql: string;
}

export const migrations: readonly Migration[] = [
  { id: 1, name: 'initial', sql: initial },
  { id: 2, name: 'token-keys', sql: tokenKeys },
  { id: 3, name: 'render-memory', sql: renderMemory },
  { id: 4, name: 'rollout-history', sql: rolloutHistory },
  { id: 5, name: 'parity', sql: parityGroups },
  { id: 6, name: 'rollout-pins', sql: rolloutPins },
  { id: 7, name: 'failovers', sql: failovers },
  { id: 8, name: 'rollout-clusters', sql: rolloutClusters },
  { id: 9, name: 'fence-contacts', sql: fenceContacts },
];

/** `PRAGMA application_id` of a Fairway store: "FWAY". */
const applicationId = 0x46574159;

interface Applied {
  readonly id: number;
  readonly name: string;
  readonly digest: string;
}

/** Looks only; writes nothing. @returns the migrations that are in the file. */
function loadApplied(database: Database): readonly Applied[] {
  const tables = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all();
  if (tables.length === 0) return [];
  const own = database.pragma('application_id', { simple: true }) === applicationId;
  if (!own || !tables.includes('migrations'))
    throw new FairwayError('failed_precondition', 'the file is a database, but not a Fairway store');
  return database.prepare('SELECT id, name, digest FROM migrations ORDER BY id').all() as Applied[];
}

function checkApplied(applied: readonly Applied[], known: readonly Migration[]): void {
  for (const [index, row] of applied.entries()) {
    const migration = known[index];
    if (migration === undefined)
      throw new FairwayError(
        'failed_precondition',
        `the store was written by a newer Fairway (migration ${row.id} ${row.name}); run that version, or restore a backup from before the upgrade`,
      );
    if (migration.id !== row.id || digestText(migration.sql) !== row.digest)
      throw new FairwayError(
        'failed_precondition',
        `migration ${row.id} ${row.name} is not the one this store was made with`,
      );
  }
}

/**
 * Checks the file, then applies what it lacks, all or nothing. Nothing is written unless the checks pass.
 * @returns how many were applied.
 * @throws failed_precondition for a store of a newer Fairway, an edited migration, or a file that is no store.
 */
export function migrate(database: Database, nowMs: number, known: readonly Migration[] = migrations): number {
  const look = () => {
    const applied = loadApplied(database);
    checkApplied(applied, known);
    return applied.length;
  };
  if (look() === known.length) return 0;
  const run = database.transaction((): number => {
    // Again, under the write lock: another process may have been here in between.
    const applied = look();
    if (applied === 0) {
      database.pragma(`application_id = ${applicationId}`);
      database.exec(
        'CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at_ms INTEGER NOT NULL)',
      );
    }
    const record = database.prepare('INSERT INTO migrations VALUES (?, ?, ?, ?)');
    for (const { id, name, sql } of known.slice(applied)) {
      database.exec(sql);
      record.run(id, name, digestText(sql), nowMs);
    }
    return known.length - applied;
  });
  return run.immediate();
}
