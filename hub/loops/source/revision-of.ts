import { digestJson } from '../../../shared/manifest/canonical.ts';
import type { Application, Fleet } from '../../model/fleet.ts';
import {
  type Commit,
  type Revision,
  rootRepository,
  type SourceKey,
  sourceKeyOf,
} from '../../model/revision.ts';
import type { FollowedSource } from './source-loop.ts';

/** The source an application is rendered from; the root repository at its own ref has the key `@`. */
export function applicationSourceKey(application: Application, fleet: Fleet): SourceKey {
  const { repository, ref } = application.source;
  if (repository === rootRepository) return sourceKeyOf(rootRepository, ref);
  return sourceKeyOf(repository, ref === '' ? (fleet.repositories.get(repository)?.ref ?? '') : ref);
}

/**
 * Every ref that the hub has to follow for this fleet: the root's, those of applications with a repository or ref of their own, and those of the remote
 * bases that rendering asked for.
 */
export function followedSources(
  root: FollowedSource,
  fleet: Fleet,
  remotes: Iterable<SourceKey> = [],
): ReadonlyMap<SourceKey, FollowedSource> {
  const followed = new Map<SourceKey, FollowedSource>([[root.key, root]]);
  const own = [...fleet.applications.values()].map((application) => applicationSourceKey(application, fleet));
  for (const key of [...own, ...remotes]) {
    if (key === sourceKeyOf(rootRepository, '')) continue;
    const at = key.indexOf('@');
    const repository = key.slice(0, at);
    const url = repository === rootRepository ? root.url : fleet.repositories.get(repository)?.url;
    if (url !== undefined) followed.set(key, { key, url, ref: key.slice(at + 1) });
  }
  return followed;
}

/** The fleet commit plus a commit for each further source that an application uses or builds on; its id is the commit's sha while there is none. */
export function createRevision(parts: {
  readonly commit: Commit;
  readonly ref: string;
  readonly heads: ReadonlyMap<SourceKey, string>;
  readonly fleet: Fleet;
  /** Of remote bases. */
  readonly remotes: Iterable<SourceKey>;
  readonly seenAtMs: number;
}): Revision {
  const { commit, ref, heads, fleet, remotes, seenAtMs } = parts;
  const keys = new Set([
    ...[...fleet.applications.values()].map((application) => applicationSourceKey(application, fleet)),
    ...remotes,
  ]);
  keys.delete(sourceKeyOf(rootRepository, ''));
  const sources: Record<SourceKey, string> = {};
  for (const key of [...keys].sort()) {
    const head = heads.get(key);
    if (head !== undefined) sources[key] = head;
  }
  const id = Object.keys(sources).length === 0 ? commit.sha : digestJson({ commit: commit.sha, sources });
  return { id, commit, ref, sources, seenAtMs };
}
