/** What the applications of a promotion are rendered from at a revision: the commit of their own source, and its tree. */
import type { Fleet } from '../../model/fleet.ts';
import { partnersOf } from '../../model/promotion.ts';
import { type Revision, rootRepository, type SourceKey, sourceKeyOf } from '../../model/revision.ts';
import type { SourceContent } from '../../rollout/promotion.ts';
import type { GitSource } from '../../source/git-source.ts';
import { applicationSourceKey } from '../source/revision-of.ts';
import type { FollowedSource } from '../source/source-loop.ts';

export interface ContentsRequest {
  readonly fleet: Fleet;
  readonly revision: Revision;
  readonly source: GitSource;
  readonly root: FollowedSource;
  readonly followed: ReadonlyMap<SourceKey, FollowedSource>;
}

/** By application, of those that wait for another environment and those that they wait for; costs nothing where there are none. */
export async function loadContents({
  fleet,
  revision,
  source,
  root,
  followed,
}: ContentsRequest): Promise<ReadonlyMap<string, SourceContent>> {
  const partners = partnersOf(fleet);
  const names = new Set([...partners].flatMap(([name, { partner }]) => [name, partner ?? name]));
  const bySource = new Map<SourceKey, SourceContent>();
  const found = new Map<string, SourceContent>();
  for (const name of names) {
    const application = fleet.applications.get(name);
    if (application === undefined) continue;
    const key = applicationSourceKey(application, fleet);
    const own = key === sourceKeyOf(rootRepository, '');
    const commit = own ? revision.commit.sha : revision.sources[key];
    const url = own ? root.url : followed.get(key)?.url;
    if (commit === undefined || url === undefined) continue;
    const known = bySource.get(key);
    const tree = known ? undefined : await (await source.tree(url, commit)).entry('');
    const content = known ?? { commit, tree: tree?.oid ?? commit };
    bySource.set(key, content);
    found.set(name, content);
  }
  return found;
}
