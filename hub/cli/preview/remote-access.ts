/** Other repositories for commands that need no hub: fetched only when asked to, without credentials, to a folder that goes when the command ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../shared/clock/clock.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { RemoteTrees } from '../../model/tree.ts';
import { createGitSource } from '../../source/git-source.ts';

export interface RemoteAccess extends RemoteTrees, AsyncDisposable {}

/** Says of each that it is not fetched. */
const refusing: RemoteAccess = {
  async remoteTree() {
    throw new FairwayError(
      'unavailable',
      'it is elsewhere, and only this repository is read: --allow-remote fetches others, too, without credentials',
      { retry: false },
    );
  },
  async [Symbol.asyncDispose]() {},
};

/** @param allowed `--allow-remote` was given. */
export async function openRemoteAccess(allowed: boolean, signal: AbortSignal): Promise<RemoteAccess> {
  if (!allowed) return refusing;
  const directory = await mkdtemp(join(tmpdir(), 'fairway-remote-'));
  const source = createGitSource({
    directory,
    credentials: { forUrl: async () => undefined },
    clock: systemClock,
    log: silentLogger,
  });
  return {
    async remoteTree({ url, ref }, given) {
      const { head } = await source.fetch({ url, ref, signal: given ?? signal });
      return source.tree(url, head);
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
