import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Code that decides what a set looks like: also how helm is called. */
const folders = ['../render', '../helm', '../model', '../../shared/manifest'];
/** States the exact versions of what it stands on. */
const versionsFile = '../../package.json';

/**
 * Names the code that renders, so that what an earlier process made with other code is not taken for its own: a digest of its files. A number kept by hand
 * would be forgotten one day, and a set that this code would not make go on running. A changed comment costs one rendering of everything.
 * @param top the folder of this file, or one laid out like it.
 */
export async function digestEngine(top: URL = new URL('.', import.meta.url)): Promise<string> {
  const hash = createHash('sha256').update(process.versions.node);
  for (const folder of folders) {
    const path = fileURLToPath(new URL(folder, top));
    const names = (await readdir(path, { recursive: true })).filter(isCode);
    for (const name of names.sort()) {
      const bytes = await readFile(join(path, name));
      hash.update(`\n${folder}/${name.split(sep).join('/')} ${bytes.length}\n`).update(bytes);
    }
  }
  hash.update('\n').update(await readFile(new URL(versionsFile, top)));
  return hash.digest('hex').slice(0, 32);
}

function isCode(name: string): boolean {
  return /\.(?:ts|js|json)$/.test(name) && !/\.test(?:-support)?\.[tj]s$/.test(name);
}
