/**
 * Makes all generated files, or with --check says which of the committed ones differ from what would be made: the protobuf code,
 * the OpenAPI document, the JSON Schemas.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './source-files.ts';

const checkOnly = process.argv.includes('--check');

/** Scripts that write their file, or with --check fail and say so when it is not what they would write. */
const scripts = ['hub/api/generate-openapi.ts'];

/** These only write; a test beside each holds the committed file to the code. */
const writers = ['hub/fleet/write-schemas.ts', 'hub/config/write-schema.ts'];

function run(program: string, args: readonly string[]): boolean {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) console.error(`${program} ${args.join(' ')}\n${result.stdout}${result.stderr}`);
  return result.status === 0;
}

function listFiles(folder: string, prefix = ''): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? listFiles(path, `${prefix}${name}/`) : [`${prefix}${name}`];
  });
}

function checkProtobuf(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-gen-'));
  try {
    if (!run('buf', ['generate', '-o', folder])) return false;
    const made = join(folder, 'shared', 'gen');
    const committed = join(root, 'shared', 'gen');
    const names = new Set([...listFiles(made), ...listFiles(committed)]);
    const differ = [...names].filter((name) => {
      const paths = [join(made, name), join(committed, name)];
      return (
        !paths.every((path) => existsSync(path)) ||
        new Set(paths.map((path) => readFileSync(path, 'utf8'))).size !== 1
      );
    });
    for (const name of differ)
      console.error(`shared/gen/${name} is not what proto/ gives: run npm run generate`);
    return differ.length === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const results = [
  checkOnly ? checkProtobuf() : run('buf', ['generate']),
  ...(checkOnly ? [] : writers.map((script) => run('node', [script]))),
  ...scripts.map((script) => run('node', [script, ...(checkOnly ? ['--check'] : [])])),
];
process.exit(results.every(Boolean) ? 0 : 1);
