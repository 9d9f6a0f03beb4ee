/** Previews without a hub: the stages that the hub runs, over a repository on this machine's disk. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FairwayError } from '../../../shared/error/error.ts';
import { contentsOf } from '../../loops/preview/preview.ts';
import {
  checkFilter,
  onlyApplication,
  type PreviewSide,
  renderSide,
  takeTurn,
} from '../../loops/preview/preview-side.ts';
import { findCommit } from '../../loops/source/find-commit.ts';
import { emptyFleet } from '../../model/fleet.ts';
import type { RemoteTrees, TreeReader } from '../../model/tree.ts';
import { compareFleets } from '../../preview/compare-fleets.ts';
import { schemaOf } from '../../preview/merge-keys.ts';
import type { DiffReport, DiffSide } from '../../preview/report.ts';
import type { Renderer } from '../../render/renderer.ts';
import type { GitSource } from '../../source/git-source.ts';
import { createDirectoryTree } from '../directory-tree.ts';
import { cloneFolders, createLocalSource } from './local-source.ts';
import { type OwnRepository, openOwnRepository } from './own-repository.ts';

/** The revision that is no commit: what lies in the folder. */
export const worktree = 'worktree';

export interface DiffOnDiskRequest {
  /** Within a Git repository. */
  readonly folder: string;
  readonly from: string;
  readonly to: string;
  readonly fleetFolder: string;
  readonly application: string | undefined;
  readonly cluster: string | undefined;
  readonly renderer: Renderer;
  /** Repositories that are not on this disk. */
  readonly remotes: RemoteTrees;
  readonly signal: AbortSignal;
}

/** @throws not_found for a folder that is in no repository, or a revision that is not in it. */
export async function diffOnDisk(request: DiffOnDiskRequest): Promise<DiffReport> {
  const { signal, application, cluster, renderer } = request;
  const top = await findRepositoryTop(request.folder);
  const source = createLocalSource();
  const own = await openOwnRepository(top);
  const render = async (revision: string, previous: PreviewSide | undefined) => {
    const { name, tree } = await openRevision(source, top, revision, signal);
    return renderSide({
      name,
      tree,
      rootUrl: own.url,
      folder: request.fleetFolder,
      previous,
      emptyFleet,
      renderer,
      treeOf: async (key, fleet) => openOther(own, key, fleet.repositories, request),
      cluster,
      signal,
    });
  };
  const from = await render(request.from, undefined);
  const to = await render(request.to, from);
  checkFilter([from, to], request);
  return compareFleets({
    from: onlyApplication(from.side, application),
    to: onlyApplication(to.side, application),
    schemaOf,
    contents: async (digests, before, after) =>
      contentsOf(digests, [
        [from, before],
        [to, after],
      ]),
    turn: () => takeTurn(signal),
  });
}

/** @throws not_found for a revision that is not there. */
export async function openRevision(
  source: GitSource,
  top: string,
  revision: string,
  signal: AbortSignal,
): Promise<{ readonly name: DiffSide; readonly tree: TreeReader }> {
  if (revision === worktree)
    return { name: { name: worktree, commit: null }, tree: createDirectoryTree(top) };
  const commit = await findCommit({ source, url: top, revision, folders: cloneFolders, signal });
  return { name: { name: revision, commit }, tree: await source.tree(top, commit) };
}

/** Another ref of this repository is here; other repositories may be fetched, or else what needs them is told as problems. */
export async function openOther(
  own: OwnRepository,
  key: string,
  repositories: ReadonlyMap<string, { readonly url: string }>,
  { remotes, signal }: Pick<DiffOnDiskRequest, 'remotes' | 'signal'>,
): Promise<TreeReader> {
  const at = key.indexOf('@');
  const [repository, ref] = [key.slice(0, at), key.slice(at + 1)];
  const url = repositories.get(repository)?.url;
  if (url !== undefined) return remotes.remoteTree({ url, ref }, signal);
  return own.treeAt(ref, signal);
}

/** @throws not_found */
export async function findRepositoryTop(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if (await stat(join(at, '.git')).catch(() => undefined)) return at;
    if (dirname(at) === at) throw new FairwayError('not_found', `${folder} is in no Git repository.`);
  }
}
