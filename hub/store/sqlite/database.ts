/** Opens the database file: pragmas, migrations and the test of the data key. */
import { randomInt } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3, { type Database } from 'better-sqlite3';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Sealer } from '../seal.ts';
import { migrate } from './migrations.ts';
import { toStoreError } from './store-error.ts';

export const memoryPath = ':memory:';

const busyTimeoutMs = 5_000;
/** About as long as SQLite itself waits for a lock. */
const walAttemptsMax = 100;
const walPauseMaxMs = 100;
/** Page cache, in KiB: all of a small store, a bounded part of a big one. */
const cacheKib = 16_384;
/** The log is folded back at this many pages (4 KiB each), and cut to this size after. */
const checkpointPages = 1_000;
const journalBytesMax = 16 * 1024 * 1024;

const keyCheckName = '.data-key-check';
const keyCheckText = 'fairway store';

/** An empty file that only this user may read, where there is none. */
export function createPrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

/**
 * SQLite does not wait for a lock where that might be a deadlock (https://www.sqlite.org/c3ref/busy_handler.html): of several that open a new file at once, one was refused. This thread has
 * nothing else to do.
 */
function switchToWal(database: Database): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 1; ; attempt += 1) {
    try {
      database.pragma('journal_mode = WAL');
      return;
    } catch (caught) {
      const isBusy = caught instanceof BetterSqlite3.SqliteError && caught.code.startsWith('SQLITE_BUSY');
      if (!isBusy || attempt === walAttemptsMax) throw caught;
      Atomics.wait(pause, 0, 0, randomInt(walPauseMaxMs));
    }
  }
}

/** WAL loses nothing on a power cut only with synchronous=FULL: https://www.sqlite.org/pragma.html#pragma_synchronous */
function configure(database: Database): void {
  switchToWal(database);
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma(`cache_size = -${cacheKib}`);
  database.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  database.pragma(`journal_size_limit = ${journalBytesMax}`);
}

function checkDataKey(database: Database, sealer: Sealer): void {
  const sealed = database.prepare('SELECT sealed FROM secrets WHERE name = ?').pluck().get(keyCheckName);
  if (sealed === undefined) {
    const value = sealer.seal(Buffer.from(keyCheckText), keyCheckName);
    const kept = database
      .prepare('INSERT INTO secrets (name, sealed) VALUES (?, ?) ON CONFLICT (name) DO NOTHING')
      .run(keyCheckName, value);
    // Another process may have been first, with a key of its own.
    if (kept.changes === 0) checkDataKey(database, sealer);
    return;
  }
  try {
    sealer.open(sealed as Uint8Array, keyCheckName);
  } catch (cause) {
    throw new FairwayError(
      'failed_precondition',
      'the data key does not open this store: give the key it was made with',
      { cause },
    );
  }
}

/**
 * @param path a file, made if it is not there, or `:memory:`.
 * @throws failed_precondition for a wrong data key, a store of a newer Fairway or a file that is none; data_loss for a broken file.
 */
export function openDatabase(path: string, sealer: Sealer, nowMs: number): Database {
  let database: Database | undefined;
  try {
    if (path !== memoryPath) createPrivateFile(path);
    database = new BetterSqlite3(path, { timeout: busyTimeoutMs });
    // Before the pragmas: a file that is refused stays as it is.
    migrate(database, nowMs);
    configure(database);
    checkDataKey(database, sealer);
    return database;
  } catch (caught) {
    database?.close();
    throw toStoreError(caught, path);
  }
}
