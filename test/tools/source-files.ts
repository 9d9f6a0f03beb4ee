import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

export interface SourceFile {
  /** From the project's root, `/`-separated. */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file that git tracks or would track, but generated code and fixtures. */
export function listSourceFiles(): readonly SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter(
      (path) =>
        path !== '' &&
        !path.startsWith('shared/gen/') &&
        !path.includes('/fixtures/') &&
        existsSync(join(root, path)),
    )
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
const typeOnlyPattern = /^\s*(?:import|export)\s+type\s/;

export interface Import {
  readonly specifier: string;
  /** Vanishes at run time. */
  readonly typeOnly: boolean;
}

/** Static and dynamic imports with a literal specifier. */
export function importsOf(text: string): readonly Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(importPattern)].map((match) => ({
    specifier: match[1] ?? match[2] ?? '',
    typeOnly: typeOnlyPattern.test(match[0].trimStart()),
  }));
}
