/**
 * Remote bases of kustomizations, from the repositories that the fleet folder declares: the address in a kustomization is only a name for one of them,
 * read from the URL that the declaration states, with the credential bound to that, at the commit that the source loop brought. Nothing is fetched
 * while rendering: what is asked for and not here is followed from then on, and rendered when it has come.
 */
import { findCondition } from '../../../shared/condition/condition.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Fleet } from '../../model/fleet.ts';
import { rootRepository, type SourceKey, sourceKeyOf } from '../../model/revision.ts';
import type { SourceStatus } from '../../model/source-status.ts';
import type { RemoteTrees, TreeReader } from '../../model/tree.ts';
import { sameRepository } from '../../source/same-repository.ts';
import type { FollowedSource } from './source-loop.ts';

/** Different refs of repositories that one fleet may name as bases. Each is followed. */
const remotesMax = 1_000;

/** What a ref is called that a kustomization does not state: the default branch, as in kustomize, whatever the declaration follows. */
const defaultBranch = 'HEAD';

export interface RemoteBasesOptions {
  /** The fleet's own repository may be named as well. */
  readonly rootUrl: string;
  readonly fleet: Pick<Fleet, 'repositories'>;
  /** The tree to read now. @throws not_found, unavailable. */
  readonly treeOf: (followed: FollowedSource, signal?: AbortSignal) => Promise<TreeReader>;
}

export interface RemoteBases extends RemoteTrees {
  /** What was asked for so far. */
  readonly asked: ReadonlyMap<SourceKey, FollowedSource>;
  /** The repository that an address means; the empty name for the fleet's own. Undefined: none of the fleet's. */
  declared(url: string): { readonly name: string; readonly url: string } | undefined;
}

export function createRemoteBases({ rootUrl, fleet, treeOf }: RemoteBasesOptions): RemoteBases {
  const asked = new Map<SourceKey, FollowedSource>();
  const trees = new Map<SourceKey, Promise<TreeReader>>();
  return {
    asked,
    declared: (url) => findRepository(url, rootUrl, fleet),
    async remoteTree({ url, ref }, signal) {
      const declared = findRepository(url, rootUrl, fleet);
      if (declared === undefined) throw undeclared(url);
      const key = sourceKeyOf(declared.name, ref || defaultBranch);
      const followed = { key, url: declared.url, ref: ref || defaultBranch };
      if (!asked.has(key) && asked.size >= remotesMax)
        throw new FairwayError('resource_exhausted', `the fleet names more than ${remotesMax} remote bases`);
      asked.set(key, followed);
      const known = trees.get(key);
      if (known !== undefined) return known;
      const tree = treeOf(followed, signal);
      trees.set(key, tree);
      tree.catch(() => trees.delete(key));
      return tree;
    },
  };
}

/** Written the same way, or else the same however it is written. It is read from where the declaration says, so a likeness gives nothing away. */
function findRepository(
  url: string,
  rootUrl: string,
  { repositories }: Pick<Fleet, 'repositories'>,
): { readonly name: string; readonly url: string } | undefined {
  const declared = [...repositories.values(), { name: rootRepository, url: rootUrl }];
  return declared.find((one) => one.url === url) ?? declared.find((one) => sameRepository(one.url, url));
}

function undeclared(url: string): FairwayError {
  if (/^file:/i.test(url))
    return new FairwayError(
      'not_found',
      'no Repository has this URL, and none can: they are read over https:// or http://',
    );
  const scp =
    /^(?:[^/@:]+@)?([^/@:]+):(?!\/\/)(.+)$/.exec(url) ??
    /^ssh:\/\/(?:[^/@]+@)?([^/:]+)(?::\d+)?\/(.+)$/i.exec(url);
  const shown = scp ? `https://${scp[1]}/${scp[2]}` : url;
  const last = /([^/:]+?)(?:\.git)?\/?$/.exec(url)?.[1] ?? '';
  const name =
    last
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'base';
  return new FairwayError(
    'not_found',
    `no Repository in the fleet folder has this URL; declare it there: kind: Repository, metadata: {name: ${name}}, spec: {url: ${shown}}`,
  );
}

/** The head that the source loop has brought. @throws unavailable until the first fetch has ended, not_found with why it failed. */
export function headOf({ key, url }: FollowedSource, status: SourceStatus | undefined): string {
  const current = status?.url === url ? status : undefined;
  if (current?.head !== undefined) return current.head;
  const why = current && findCondition(current.conditions, 'Ready')?.message;
  throw why === undefined
    ? new FairwayError('unavailable', `source ${key} is being fetched for the first time`, { subject: key })
    : new FairwayError('not_found', `source ${key} was never fetched: ${why}`, { subject: key });
}
