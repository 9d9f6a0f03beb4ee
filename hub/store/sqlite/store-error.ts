/** SQLite's result codes as Fairway's: https://www.sqlite.org/rescode.html */
import BetterSqlite3 from 'better-sqlite3';
import { type ErrorCode, FairwayError, toFairwayError } from '../../../shared/error/error.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
}

const meanings: Readonly<Record<string, Meaning>> = {
  SQLITE_BUSY: { code: 'unavailable', message: 'the store is locked by another process' },
  SQLITE_LOCKED: { code: 'unavailable', message: 'the store is locked' },
  SQLITE_FULL: { code: 'resource_exhausted', message: 'the disk of the store is full' },
  SQLITE_IOERR: { code: 'unavailable', message: 'the disk of the store does not answer' },
  SQLITE_CANTOPEN: { code: 'failed_precondition', message: 'the store cannot be opened' },
  SQLITE_READONLY: { code: 'failed_precondition', message: 'the store cannot be written' },
  SQLITE_PERM: { code: 'failed_precondition', message: 'the store may not be opened by this user' },
  SQLITE_CORRUPT: { code: 'data_loss', message: 'the store is damaged: restore a backup' },
  SQLITE_NOTADB: { code: 'failed_precondition', message: 'the file is not a Fairway store' },
  SQLITE_NOMEM: { code: 'resource_exhausted', message: 'the store is out of memory' },
  SQLITE_TOOBIG: { code: 'resource_exhausted', message: 'a value is too big for the store' },
  SQLITE_CONSTRAINT: { code: 'internal', message: 'the store refused a row that breaks its rules' },
};

/** The primary result code of an extended one: `SQLITE_IOERR` of `SQLITE_IOERR_WRITE`. */
function primaryCode(code: string): string {
  return code.split('_').slice(0, 2).join('_');
}

/** SQLite's result codes as ours; what is none of SQLite's is normalised as everywhere. */
export function toStoreError(caught: unknown, subject?: string): FairwayError {
  if (!(caught instanceof BetterSqlite3.SqliteError)) return toFairwayError(caught, subject);
  const meaning = meanings[primaryCode(caught.code)] ?? { code: 'internal', message: 'the store failed' };
  return new FairwayError(meaning.code, meaning.message, { subject, cause: caught });
}
