import { spawn } from 'node:child_process';
import { FairwayError } from '../../../shared/error/error.ts';

/** Settings that keep a `git` program from the user's and the machine's own configuration, prompts and hooks. */
export const isolatedGitEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
};

export interface GitRun {
  readonly binary?: string | undefined;
  readonly cwd?: string | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** Runs `git` in isolation and gives its output. @throws failed_precondition when there is no such program; internal with its last words otherwise. */
export function runGit(args: readonly string[], options: GitRun = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(options.binary ?? 'git', args, {
      cwd: options.cwd,
      env: { ...isolatedGitEnvironment, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (cause) =>
      reject(
        new FairwayError('failed_precondition', 'the program git cannot be started; install it', { cause }),
      ),
    );
    child.on('close', (status) => {
      if (status === 0) resolve(Buffer.concat(out).toString('utf8'));
      else {
        const words = Buffer.concat(err).toString('utf8').trim().slice(-1000);
        reject(new FairwayError('internal', `git ${args[0] ?? ''} ended with ${status}: ${words}`));
      }
    });
  });
}
