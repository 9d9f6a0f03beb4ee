/** Writes openapi.json beside this file; with `--check`, fails when it is not what the code says. */
import { readFile, writeFile } from 'node:fs/promises';
import { describeApi } from './describe-api.ts';

const path = new URL('./openapi.json', import.meta.url);
const text = `${JSON.stringify(describeApi(), null, 2)}\n`;

if (process.argv.includes('--check')) {
  const committed = await readFile(path, 'utf8').catch(() => '');
  if (committed !== text) {
    process.stderr.write('hub/api/openapi.json is not what the code says: run hub/api/generate-openapi.ts\n');
    process.exitCode = 1;
  }
} else {
  await writeFile(path, text);
}
