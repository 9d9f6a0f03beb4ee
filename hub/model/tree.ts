/** A commit's tree as a port: given by hub/source from Git objects, read by hub/fleet and hub/render. Nothing is checked out. */

export interface TreeEntry {
  /** Last part of the path. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'submodule';
  /** Git object id: the same id means the same content, a directory's covers all below it. */
  readonly oid: string;
}

/** Paths are relative to the repository's top, `/`-separated, without a leading `./`; the top itself is the empty string. */
export interface TreeReader {
  /** Identity for messages: `https://git.example/fleet@3f2c1a0`. Never holds a credential. */
  readonly name: string;
  readonly commit: string;
  /** Undefined where there is nothing; symbolic links are not followed. */
  entry(path: string): Promise<TreeEntry | undefined>;
  /** Sorted by name. @throws not_found, or invalid_argument for what is no directory. */
  list(path: string): Promise<readonly TreeEntry[]>;
  /** A file's bytes, or a symbolic link's target. @throws not_found; resource_exhausted over the size limit. */
  read(path: string): Promise<Uint8Array>;
  /**
   * Makes another repository readable below its mount (hub/render/remote). Undefined: none is read. @throws what RemoteTrees says.
   */
  mount?(remote: RemoteRef, signal?: AbortSignal): Promise<void>;
}

/** A repository as a kustomization spells it, and a branch, tag or commit of it; no ref: its default branch. */
export interface RemoteRef {
  /** Without path and query: `https://git.example/org/repo.git`, `git@git.example:org/repo`. */
  readonly url: string;
  readonly ref: string;
}

/** Other repositories that rendering may read, each at a commit that stays the same for one revision. */
export interface RemoteTrees {
  /**
   * @throws not_found for a repository that nobody allowed or that has no such ref, unavailable for one that is not here yet, unsupported; the message
   * says what to do.
   */
  remoteTree(remote: RemoteRef, signal?: AbortSignal): Promise<TreeReader>;
}
