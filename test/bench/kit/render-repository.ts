/** Large Git repositories within seconds: `git fast-import` makes objects without a work tree. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { isolatedGitEnvironment } from '../../../hub/cli/demo/git-program.ts';
import { adopt } from './worker.ts';

export interface BranchPlan {
  readonly branch: string;
  /** Branch, earlier in the list, that this one adds its files to. */
  readonly from?: string | undefined;
  /** Path to text. Made when it is its turn, so that they are not all held. */
  readonly files: () => Iterable<readonly [string, string]>;
}

const limitMs = 120_000;
/** 50,000 paths are 2 MB. */
const outputBytesMax = 16 * 1024 * 1024;
const gitTime = '1767225600 +0000';

function* streamOf(plans: readonly BranchPlan[]): Generator<string> {
  for (const { branch, from, files } of plans) {
    const base = from === undefined ? '' : `from refs/heads/${from}\n`;
    yield `commit refs/heads/${branch}\ncommitter Bench <bench@fairway.dev> ${gitTime}\ndata 0\n${base}`;
    for (const [path, text] of files())
      yield `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
  }
  yield 'done\n';
}

/** Makes a bare repository with a commit a branch; commit ids by branch. @throws when git does not end well within two minutes. */
export async function importRepository(
  bare: string,
  plans: readonly BranchPlan[],
): Promise<ReadonlyMap<string, string>> {
  const [first] = plans;
  execFileSync('git', ['init', '--quiet', '--bare', `--initial-branch=${first?.branch ?? 'main'}`, bare], {
    timeout: limitMs,
    env: isolatedGitEnvironment,
  });
  const child = spawn('git', ['-c', 'pack.compression=1', 'fast-import', '--quiet', '--done'], {
    cwd: bare,
    stdio: ['pipe', 'ignore', 'inherit'],
    env: isolatedGitEnvironment,
  });
  const exited = adopt(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  Readable.from(batched(streamOf(plans))).pipe(child.stdin);
  // Its end tells more than a broken pipe.
  child.stdin.on('error', () => undefined);
  await exited;
  clearTimeout(timer);
  if (child.exitCode !== 0) throw new Error(`git fast-import ended with ${child.exitCode}`);
  return new Map(plans.map(({ branch }) => [branch, git(bare, 'rev-parse', `refs/heads/${branch}`)]));
}

function* batched(parts: Iterable<string>): Generator<string> {
  let batch = '';
  for (const part of parts) {
    batch += part;
    if (batch.length < 1 << 20) continue;
    yield batch;
    batch = '';
  }
  yield batch;
}

/** Output of a git command. @throws when it fails or takes two minutes. */
export function git(cwd: string, ...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd,
    encoding: 'utf8',
    timeout: limitMs,
    maxBuffer: outputBytesMax,
    env: isolatedGitEnvironment,
  }).trim();
}

export function writeFiles(folder: string, files: Iterable<readonly [string, string]>): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
