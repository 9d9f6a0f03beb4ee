/** Copies of the store on their way to whoever asked for one; they lie in the data directory until they are sent. */
import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../store/store.ts';

const backupPrefix = 'backup-sending-';

/** Writes a consistent copy of the store. @returns its path; who asks deletes it. */
export async function makeBackup(store: Pick<Store, 'backup'>, dataDir: string): Promise<string> {
  const path = join(dataDir, `${backupPrefix}${randomUUID()}.db`);
  await store.backup(path);
  return path;
}

/** Removes the copies that a killed process was making or sending. */
export async function sweepBackups(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir))
    if (name.startsWith(backupPrefix)) await rm(join(dataDir, name), { force: true });
}
