import { FairwayError } from '../../../shared/error/error.ts';
import type { RemoteRef, RemoteTrees, TreeReader } from '../../model/tree.ts';
import { isMounted, mountOf, remoteOf, splitMount } from './mount.ts';

/**
 * A tree in which the trees of other repositories can be read below their mounts. Below one that cannot be had there is nothing: what was built from it
 * before is then not confirmed, and who builds anew mounts it first and hears why.
 */
export function createMountedTree(tree: TreeReader, remotes: RemoteTrees): TreeReader {
  const mounts = new Map<string, Promise<TreeReader>>();

  const open = (mount: string, remote: RemoteRef, signal?: AbortSignal): Promise<TreeReader> => {
    const known = mounts.get(mount);
    if (known !== undefined) return known;
    const opened = remotes.remoteTree(remote, signal);
    mounts.set(mount, opened);
    opened.catch(() => mounts.delete(mount));
    return opened;
  };

  const find = async (path: string): Promise<readonly [TreeReader | undefined, string]> => {
    const [mount, inner] = splitMount(path);
    try {
      return [await open(mount, remoteOf(mount)), inner];
    } catch (caught) {
      if (caught instanceof FairwayError && isAbsence(caught)) return [undefined, inner];
      throw caught;
    }
  };

  const read = async (path: string): Promise<readonly [TreeReader, string]> => {
    const [found, inner] = await find(path);
    if (found === undefined)
      throw new FairwayError('not_found', 'the repository is not here', { subject: path });
    return [found, inner];
  };

  return {
    name: tree.name,
    commit: tree.commit,
    mount: async (remote, signal) => void (await open(mountOf(remote), remote, signal)),
    async entry(path) {
      if (!isMounted(path)) return tree.entry(path);
      const [found, inner] = await find(path);
      return found?.entry(inner);
    },
    async list(path) {
      if (!isMounted(path)) return tree.list(path);
      const [found, inner] = await read(path);
      return found.list(inner);
    },
    async read(path) {
      if (!isMounted(path)) return tree.read(path);
      const [found, inner] = await read(path);
      return found.read(inner);
    },
  };
}

const absences: ReadonlySet<string> = new Set([
  ...['not_found', 'unavailable', 'unsupported', 'permission_denied', 'unauthenticated'],
  ...['invalid_argument', 'deadline_exceeded', 'resource_exhausted'],
]);

/** That a repository cannot be had is somebody's to mend, or passes; anything else is not. */
export function isAbsence({ code }: FairwayError): boolean {
  return absences.has(code);
}
