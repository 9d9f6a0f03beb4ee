/**
 * Source: from Git to a commit and a reader over its tree. The first stage.
 *
 * A repository over HTTP has a bare mirror on disk, named by a hash of its URL. A poll asks for one ref by protocol version 2: one small request
 * while nothing has moved. What is new comes as one pack, which counts only when it is whole on disk, checked and indexed; the record of the head
 * is written after it. A process may be killed at any instant: leftovers are swept at the next start, a damaged mirror is set aside and fetched
 * again. A local repository is read where it is. Nothing is ever checked out.
 *
 * Packs are indexed by isomorphic-git. Objects are read by our own code (decision 0006), since the library holds whole packs in memory, inflates an
 * object before its size can be refused and copies the rest of the pack for each object: here packs are read in blocks through one cache that is
 * bounded for all repositories together.
 *
 * `http/` speaks Git's protocol, `objects/` reads packs and what lies in them, `blame/` says who wrote a line, `write/` makes the hub's own commits and pushes them, `webhook/`
 * reads what hosts of Git say of a push.
 */
import { join } from 'node:path';
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { Blame, BlameFile } from '../model/blame.ts';
import type { CredentialSource } from '../model/credentials.ts';
import type { Commit } from '../model/revision.ts';
import type { TreeEntry, TreeReader } from '../model/tree.ts';
import { type BlameLimits, blameLines } from './blame/blame.ts';
import { createBlameCache } from './blame/blame-cache.ts';
import { createHistory, type History } from './history.ts';
import type { RemoteContext } from './http/discover.ts';
import { openLocalRepository } from './local-repository.ts';
import { createLru } from './lru.ts';
import { createMirror, type Mirror } from './mirror.ts';
import { createMutex, type Mutex } from './mutex.ts';
import type { ParsedCommit } from './objects/git-object.ts';
import { createPackCaches, type ObjectReader } from './objects/object-reader.ts';
import { createTreeReader } from './objects/tree-reader.ts';
import { refNotFound } from './ref-name.ts';
import { createRemoteRepository } from './remote-repository.ts';
import { sourceError } from './source-error.ts';
import { parseSourceUrl, type SourceUrl } from './source-url.ts';
import { type RevertRepository, type RevertRequest, type RevertResult, writeRevert } from './write/revert.ts';
import { type WriteRequest, writeFiles } from './write/write-files.ts';

export interface GitSourceLimits {
  /** One ref advertisement, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs: number;
  /** One pack, in milliseconds. Default 300,000. */
  readonly packTimeoutMs: number;
  /** Default 64 MiB: some 700,000 refs of a server of the first protocol. */
  readonly advertisementBytesMax: number;
  /** One pack; under 2 GiB. Default 512 MiB. */
  readonly packBytesMax: number;
  /** One file of a tree. Default 10 MiB. */
  readonly fileBytesMax: number;
  /** Caches over all repositories, in bytes. Default 64 MiB, of which half for packs; a sixteenth more for who wrote which line. */
  readonly cacheBytesMax: number;
  /** Packs of a mirror before they are merged. Default 50. */
  readonly packsMax: number;
}

const defaultGitSourceLimits: GitSourceLimits = {
  requestTimeoutMs: 30_000,
  packTimeoutMs: 300_000,
  advertisementBytesMax: 64 * 1024 * 1024,
  packBytesMax: 512 * 1024 * 1024,
  fileBytesMax: 10 * 1024 * 1024,
  cacheBytesMax: 64 * 1024 * 1024,
  packsMax: 50,
};

export interface GitSourceOptions {
  /** Folder of the mirrors; made when missing. One process at a time. */
  readonly directory: string;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: Partial<GitSourceLimits>;
  /** Asked for each repository, a URL or path as written but normalised, and for each redirect to another host. Default: every repository, no such redirect. */
  readonly egress?: (url: string) => boolean;
}

export interface FetchRequest {
  /** `https://`, `http://`, `file://` or an absolute path; without user information. */
  readonly url: string;
  /** Branch, tag (an annotated one is peeled), full ref name or full commit id; empty: the default branch. */
  readonly ref: string;
  /** The head that the caller has, for `moved` and `rewritten`. */
  readonly knownHead?: string | undefined;
  readonly signal: AbortSignal;
}

export interface FetchResult {
  readonly head: string;
  /** `head` is another than `knownHead`. */
  readonly moved: boolean;
  /** `knownHead` is no ancestor of `head`: the branch was rewritten, or a tag was moved. */
  readonly rewritten: boolean;
  /** Bytes of packs; 0 when nothing new came. */
  readonly bytesReceived: number;
}

export interface GitSource {
  /**
   * Brings the ref's commit here and tells which it is. One fetch a repository at a time, the others wait.
   * @throws invalid_argument (UrlRefused), unsupported, unauthenticated, permission_denied, not_found (RefNotFound, EmptyRepository,
   * RepositoryNotFound), unavailable, deadline_exceeded, resource_exhausted, cancelled, data_loss; `details.reason` is a SourceReason.
   */
  fetch(request: FetchRequest): Promise<FetchResult>;
  /** Of what was fetched before. @throws not_found (CommitNotFound). */
  commit(url: string, sha: string): Promise<Commit>;
  /** Commits that `head` reaches and `until` does not, newest first, at most `max`. */
  log(url: string, head: string, until: string | undefined, max: number): Promise<readonly Commit[]>;
  /** @throws not_found (CommitNotFound). */
  tree(url: string, commit: string): Promise<TreeReader>;
  /**
   * Who last wrote these lines of a commit's files, as `git blame` would say. Bounded: lines that the walk did not get to the end of say so. Files that the commit
   * has not are left out. @throws not_found (CommitNotFound), cancelled.
   */
  blame(request: BlameRequest): Promise<Blame>;
}

/** The only things that the hub ever writes to Git. */
export interface GitWriter {
  /**
   * Takes commits back by one new commit, and pushes it. Said twice it is written once.
   * @throws failed_precondition (MergeConflict with `details.files`, Rewritten, BranchTaken, Unsupported); conflict (PushRejected); what `fetch` throws.
   */
  revert(request: RevertRequest): Promise<RevertResult>;
  /** Edits files of the newest commit by one new one, and pushes it. Said twice it is written once. @throws as `revert`; what `edit` throws. */
  write(request: WriteRequest): Promise<RevertResult>;
}

export interface BlameRequest {
  readonly url: string;
  readonly commit: string;
  readonly files: readonly BlameFile[];
  readonly limits?: Partial<BlameLimits> | undefined;
  readonly signal: AbortSignal;
}

/** A repository that can be read, whichever way it came. */
interface Repository {
  readonly url: SourceUrl;
  readonly history: History;
  readonly reader: ObjectReader;
  readonly mutex: Mutex;
  /** What the ref names now, after bringing it here. */
  bring(ref: string, signal: AbortSignal): Promise<{ readonly head: string; readonly bytesReceived: number }>;
  onDamage(error: FairwayError): Promise<void>;
  /** How to speak to its server; undefined: it has none. */
  readonly contextOf?: ((signal: AbortSignal) => RemoteContext) | undefined;
}

/** Repositories remembered at once. What is forgotten is opened again from disk. */
const repositoriesMax = 512;

/** Asks about the normalised text, since a prefix of anything else says little; trailing slashes alone make no difference. */
function isAllowed(url: SourceUrl, text: string, egress: GitSourceOptions['egress']): boolean {
  if (!egress || egress(url.text)) return true;
  return text !== url.text && text.replace(/\/+$/, '') === url.text && egress(text);
}

export function createGitSource(options: GitSourceOptions): GitSource & GitWriter {
  const { clock, log } = options;
  const limits: GitSourceLimits = { ...defaultGitSourceLimits, ...options.limits };
  const caches = createPackCaches(limits.cacheBytesMax / 2);
  const trees = createLru<readonly TreeEntry[]>(limits.cacheBytesMax / 8);
  // What is made of a file is remembered by who made it.
  const blobs = createLru<Uint8Array>(limits.cacheBytesMax / 64);
  const commits = createLru<ParsedCommit>(limits.cacheBytesMax / 8);
  const blamed = createBlameCache(limits.cacheBytesMax / 16);
  const repositories = new Map<string, Promise<Repository>>();

  const openRemote = async (url: SourceUrl & { kind: 'http' }): Promise<Repository> => {
    const mirror: Mirror = createMirror({
      directory: options.directory,
      id: url.id,
      url: url.text,
      packsMax: limits.packsMax,
      mergeBytesMax: limits.packBytesMax,
      caches,
      log,
    });
    const history = createHistory(mirror.reader, url.id, url.text, commits);
    const remote = createRemoteRepository(mirror, history);
    const contextOf = (signal: AbortSignal): RemoteContext => {
      const { credentials, egress } = options;
      return { url: url.url, subject: url.text, credentials, egress, clock, signal, ...limits };
    };
    return {
      url,
      contextOf,
      history,
      reader: mirror.reader,
      mutex: createMutex(),
      async bring(ref, signal) {
        const context = contextOf(signal);
        await mirror.prepare();
        try {
          return await remote.fetch(ref, context);
        } catch (caught) {
          if (!(caught instanceof FairwayError) || caught.code !== 'data_loss') throw caught;
          // Once more on a new mirror; if that is damaged as well, the disk is to blame.
          log.warn('mirror could not be read during a fetch', { url: url.text, error: caught });
          await mirror.markDamaged();
          await mirror.prepare();
          return remote.fetch(ref, context);
        }
      },
      async onDamage(error) {
        log.error('mirror cannot be read; the next fetch makes it again', { url: url.text, error });
        await mirror.markDamaged();
      },
    };
  };

  const openLocal = async (url: SourceUrl & { kind: 'local' }): Promise<Repository> => {
    const local = await openLocalRepository(url.path, url.text, caches);
    const history = createHistory(local.reader, url.id, url.text, commits);
    return {
      url,
      history,
      reader: local.reader,
      mutex: createMutex(),
      async bring(ref) {
        const oid = await local.resolve(ref);
        if (oid === ref.toLowerCase() && !(await local.reader.read(oid, limits.fileBytesMax)))
          throw refNotFound(ref, url.text);
        return { head: await history.peel(oid), bytesReceived: 0 };
      },
      onDamage: async (error) => log.error('local repository cannot be read', { url: url.text, error }),
    };
  };

  const open = (text: string): Promise<Repository> => {
    const url = parseSourceUrl(text);
    if (!isAllowed(url, text, options.egress))
      throw sourceError(
        'permission_denied',
        'EgressRefused',
        "the hub's configuration does not allow this URL",
        { subject: url.text },
      );
    const key = join(url.kind, url.id);
    const opened = repositories.get(key) ?? (url.kind === 'http' ? openRemote(url) : openLocal(url));
    repositories.delete(key);
    repositories.set(key, opened);
    // One that could not be opened is tried anew by the next call.
    opened.catch(() => repositories.delete(key));
    for (const oldest of repositories.keys()) {
      if (repositories.size <= repositoriesMax) break;
      repositories.delete(oldest);
    }
    return opened;
  };

  const toWrite = async <T>(
    { url, signal }: Pick<RevertRequest, 'url' | 'signal'>,
    work: (repository: RevertRepository) => Promise<T>,
  ): Promise<T> => {
    const repository = await open(url);
    const { contextOf, history, reader, mutex } = repository;
    if (contextOf === undefined)
      throw sourceError(
        'failed_precondition',
        'Unsupported',
        'the repository is a folder on this machine: commits are written to servers only',
        { subject: repository.url.text },
      );
    const bring = async (ref: string) => (await repository.bring(ref, signal)).head;
    return mutex.run(signal, () => work({ context: contextOf(signal), history, reader, bring }));
  };

  return {
    async fetch({ url, ref, knownHead, signal }) {
      const repository = await open(url);
      return repository.mutex.run(signal, async () => {
        const { head, bytesReceived } = await repository.bring(ref, signal);
        const moved = head !== knownHead;
        const rewritten =
          moved && knownHead !== undefined && !(await repository.history.isAncestor(knownHead, head));
        return { head, moved, rewritten, bytesReceived };
      });
    },
    revert: (request) => toWrite(request, (repository) => writeRevert(request, repository)),
    write: (request) => toWrite(request, (repository) => writeFiles(request, repository)),
    async commit(url, sha) {
      return (await (await open(url)).history.commit(sha)).commit;
    },
    async log(url, head, until, max) {
      return (await open(url)).history.log(head, until, Math.min(max, 10_000));
    },
    async blame({ url, commit, files, ...rest }) {
      const { url: parsed, history, reader, onDamage } = await open(url);
      try {
        return await blameLines(commit, files, {
          ...rest,
          reader,
          history,
          id: parsed.id,
          trees,
          cache: blamed,
          clock,
        });
      } catch (caught) {
        if (caught instanceof FairwayError && caught.code === 'data_loss') await onDamage(caught);
        throw caught;
      }
    },
    async tree(url, sha) {
      const { url: parsed, history, reader, onDamage } = await open(url);
      const { tree } = await history.commit(sha);
      return createTreeReader({
        reader,
        id: parsed.id,
        name: `${parsed.text}@${sha.slice(0, 7)}`,
        commit: sha,
        tree,
        trees,
        blobs,
        fileBytesMax: limits.fileBytesMax,
        onDamage,
      });
    },
  };
}
