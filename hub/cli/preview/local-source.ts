import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../shared/clock/clock.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { createGitSource, type GitSource } from '../../source/git-source.ts';

/** A clone has its remotes' branches here: `origin/main`. */
export const cloneFolders: readonly string[] = ['refs/remotes/'];

/** Repositories are at hand, and read once. */
export const localLimits = { cacheBytesMax: 16 * 1024 * 1024 };

/** Reads local repositories only; nothing is ever fetched or written. */
export function createLocalSource(): GitSource {
  return createGitSource({
    directory: join(tmpdir(), 'fairway-none'),
    credentials: { forUrl: async () => undefined },
    clock: systemClock,
    log: silentLogger,
    limits: localLimits,
    egress: (url) => url.startsWith('/') || url.startsWith('file:'),
  });
}
