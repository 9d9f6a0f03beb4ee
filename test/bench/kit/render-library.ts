/** Kustomize's own library, and its program, timed by a Go program that is built from a pinned module and cached by its inputs. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, hasGo, missing } from '../../cluster/binaries.ts';
import { root } from '../../tools/source-files.ts';

const moduleFolder = join(root, 'test', 'bench', 'kustomize-library');
const buildLimitMs = 10 * 60_000;
const runLimitMs = 120_000;
const execute = promisify(execFile);

export interface Took {
  readonly wallMs: number;
  /** User and system time of all threads. */
  readonly cpuMs: number;
}

export interface LibraryRun {
  /** One a folder, in order. */
  readonly builds: readonly Took[];
  /** Most that was ever resident; 0 where the system does not tell. */
  readonly peakKb: number;
}

/** Path of the Go program, built first if need be. Undefined without Go; throws then under CI=true. */
export async function ensureLibrary(say: (text: string) => void): Promise<string | undefined> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'main.go'])
    hash.update(readFileSync(join(moduleFolder, file))).update('\0');
  const folder = join(cacheFolder(), `kustomize-library-${hash.digest('hex').slice(0, 16)}`);
  const program = join(folder, 'kustomize-library');
  if (existsSync(program)) return program;
  if (!hasGo()) return missing("kustomize's library");
  say("building kustomize's library");
  const temporary = `${folder}.${process.pid}.tmp`;
  mkdirSync(temporary, { recursive: true });
  await execute(
    'go',
    ['build', '-trimpath', '-buildvcs=false', '-o', join(temporary, 'kustomize-library'), '.'],
    {
      cwd: moduleFolder,
      env: { ...process.env, GOFLAGS: '' },
      timeout: buildLimitMs,
      killSignal: 'SIGKILL',
    },
  );
  // Another bench may have been faster; its program is the same.
  if (existsSync(folder)) rmSync(temporary, { recursive: true, force: true });
  else renameSync(temporary, folder);
  return program;
}

/** Builds folders of a tree one after another, on one thread. @param kustomize started for each folder in the library's place. */
export async function runLibrary(
  program: string,
  folders: readonly string[],
  output: string,
  kustomize?: string,
): Promise<LibraryRun> {
  const mode = kustomize === undefined ? [] : ['-program', kustomize];
  const { stdout } = await execute(program, [...mode, output, ...folders], {
    env: { ...process.env, GOMAXPROCS: '1' },
    timeout: runLimitMs,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(stdout) as LibraryRun;
}
