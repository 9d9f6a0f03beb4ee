/** Holds a store for one process: two hubs on one file would assign and count side by side. */
import BetterSqlite3, { type Database } from 'better-sqlite3';
import { FairwayError } from '../../../shared/error/error.ts';
import { createPrivateFile } from './database.ts';

/** A hub that is just ending may hold it a little longer. */
const waitMs = 2_000;

/**
 * Takes the exclusive lock of an empty SQLite file beside the store and keeps it until the result is closed. The lock is the operating system's and goes
 * with the process, however it ends; the store's own file stays readable for others, for a look or a copy.
 * @throws failed_precondition when another process has it.
 */
export function lockStore(path: string): Database {
  const file = `${path}.lock`;
  createPrivateFile(file);
  const lock = new BetterSqlite3(file, { timeout: waitMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (caught) {
    lock.close();
    if (!(caught instanceof BetterSqlite3.SqliteError) || !caught.code.startsWith('SQLITE_BUSY'))
      throw caught;
    throw new FairwayError('failed_precondition', `another hub uses the store ${path}: end it first`, {
      subject: path,
      cause: caught,
    });
  }
}
