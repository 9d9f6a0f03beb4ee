import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FairwayError } from '../../shared/error/error.ts';

/** Whole and on the disk under a name of its own. Whoever is killed meanwhile leaves that file, never half of the one that is wanted. */
async function writeAside(path: string, text: string): Promise<string> {
  const aside = `${path}.${randomUUID()}.tmp`;
  const file = await open(aside, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  return aside;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Makes a file that only its owner may read, whole or not at all, its folder too. Durable when it resolves. @returns false when it is there already.
 * @throws failed_precondition when it cannot be written.
 */
export async function createPrivateFile(path: string, text: string): Promise<boolean> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const aside = await writeAside(path, text);
    try {
      // Unlike a rename, a link never replaces what is there.
      await link(aside, path);
    } catch (caught) {
      if ((caught as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw caught;
    } finally {
      await rm(aside, { force: true });
    }
    await syncFolder(path);
    return true;
  } catch (caught) {
    throw new FairwayError('failed_precondition', `${path} cannot be written`, { cause: caught });
  }
}

/** The same, in place of what is there. */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  try {
    await rename(await writeAside(path, text), path);
    await syncFolder(path);
  } catch (caught) {
    throw new FairwayError('failed_precondition', `${path} cannot be written`, { cause: caught });
  }
}
