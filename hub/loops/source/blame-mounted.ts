import type { Blame, BlameFile } from '../../model/blame.ts';
import type { RemoteRef } from '../../model/tree.ts';
import { remoteOf, splitMount } from '../../render/remote/mount.ts';

/** Blame of files in other repositories, which are named below their mounts, repository by repository. */
export async function blameMounted(
  files: readonly BlameFile[],
  blame: (remote: RemoteRef, files: readonly BlameFile[]) => Promise<Blame | undefined>,
): Promise<Blame> {
  const byMount = new Map<string, BlameFile[]>();
  for (const file of files) {
    const [mount, path] = splitMount(file.path);
    if (mount !== '') byMount.set(mount, [...(byMount.get(mount) ?? []), { ...file, path }]);
  }
  const found: [string, Blame extends ReadonlyMap<string, infer Lines> ? Lines : never][] = [];
  for (const [mount, inside] of byMount)
    for (const [path, lines] of (await blame(remoteOf(mount), inside)) ?? [])
      found.push([mount + path, lines]);
  return new Map(found);
}
