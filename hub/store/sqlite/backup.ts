/** A consistent copy while the store is in use: SQLite's online backup, some pages a step, calls served in between. */
import { chmodSync, existsSync, linkSync, rmSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { FairwayError } from '../../../shared/error/error.ts';
import { toStoreError } from './store-error.ts';

/** 4 MiB a step. */
const pagesPerStep = 1_024;

function refuseExisting(path: string, cause?: unknown): never {
  throw new FairwayError('already_exists', 'there is a file of this name', { subject: path, cause });
}

/**
 * Writes to `PATH.partial` first, so that PATH is whole or not there. What is committed meanwhile through this connection gets into the copy.
 * @throws already_exists when PATH, or a copy under way, is there.
 */
export async function backupDatabase(database: Database, path: string): Promise<void> {
  const partial = `${path}.partial`;
  if (existsSync(path)) refuseExisting(path);
  if (existsSync(partial)) refuseExisting(partial);
  try {
    await database.backup(partial, { progress: () => pagesPerStep });
    chmodSync(partial, 0o600);
    // Unlike a rename, a link never replaces what came in the meantime.
    linkSync(partial, path);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'EEXIST') refuseExisting(path, caught);
    throw toStoreError(caught, path);
  } finally {
    rmSync(partial, { force: true });
  }
}
