import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { listNames } from '../../../shared/text/list-names.ts';
import { nearest } from '../../../shared/text/nearest.ts';
import type { Explanation } from '../../explain/explanation.ts';
import { placedClusters } from '../../fleet/placement.ts';
import { readFleet } from '../../fleet/read-fleet.ts';
import type { BlameFile } from '../../model/blame.ts';
import type { Application, Cluster, Fleet } from '../../model/fleet.ts';
import { type Revision, rootRepository, type SourceKey, sourceKeyOf } from '../../model/revision.ts';
import type { ObjectSelector } from '../../model/trace.ts';
import type { TreeReader } from '../../model/tree.ts';
import { createMountedTree } from '../../render/remote/mounted-tree.ts';
import type { GitSource } from '../../source/git-source.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import { blameMounted } from '../source/blame-mounted.ts';
import { findCommit } from '../source/find-commit.ts';
import { createRemoteBases } from '../source/remote-bases.ts';
import { applicationSourceKey } from '../source/revision-of.ts';
import type { FollowedSource } from '../source/source-loop.ts';
import { explainTree, type LineAuthors, readField, readFile, type Tracer } from './explain-tree.ts';

export interface ExplainQuestion {
  readonly application: string;
  readonly cluster: string;
  readonly object: ObjectSelector;
  /** Empty: the whole object. */
  readonly field: string;
  /** Of the root repository, as findCommit takes it; undefined: the one that the hub has resolved last. */
  readonly revision: string | undefined;
}

export interface Explainer {
  /**
   * @throws not_found for what is nowhere (an application, cluster, revision, object or field), invalid_argument, invalid_manifest where it cannot be rendered,
   * resource_exhausted while too many others ask, cancelled.
   */
  explain(question: ExplainQuestion, signal: AbortSignal): Promise<Explanation>;
}

export interface ExplainerOptions {
  readonly store: Store;
  readonly source: GitSource;
  readonly tracer: Tracer;
  readonly root: FollowedSource;
  readonly folder: string;
  /** Questions at a time: each renders one folder and walks history. Default 4. */
  readonly atOnceMax?: number;
}

/** A fleet, and where what it names is. */
interface Side {
  readonly name: string;
  readonly fleet: Fleet;
  readonly rootCommit: string;
  commitOf(key: SourceKey, url: string): Promise<string>;
}

/** Answers from Git, with the same renderer as the resolve loop, and keeps nothing of it. */
export function createExplainer(options: ExplainerOptions): Explainer {
  const { store, source, tracer, root, folder, atOnceMax = 4 } = options;
  let working = 0;

  /** What the hub has resolved last: rendering it gives what is assigned, or is to be. */
  const openResolved = async (): Promise<Side> => {
    const stored = await store.fleet.load();
    const revision =
      stored.revisionId === undefined ? undefined : await store.sources.revision(stored.revisionId);
    if (revision === undefined)
      throw new FairwayError('failed_precondition', 'The hub has not read the fleet repository yet.');
    return {
      name: '',
      fleet: fleetOf(stored),
      rootCommit: revision.commit.sha,
      commitOf: async (key) => commitIn(revision, key),
    };
  };

  const openRevision = async (name: string, signal: AbortSignal): Promise<Side> => {
    const rootCommit = await findCommit({ source, url: root.url, revision: name, signal });
    const stored = fleetOf(await store.fleet.load());
    const tree = await source.tree(root.url, rootCommit);
    const fleet = await readFleet({ tree, folder, previous: stored, signal });
    // Only repositories that the hub follows already: a commit that nobody has taken over must not make it read others with its credentials.
    const followed = [root.url, ...[...stored.repositories.values()].map(({ url }) => url)];
    return {
      name,
      fleet,
      rootCommit,
      async commitOf(key, url) {
        if (!followed.includes(url))
          throw new FairwayError(
            'not_found',
            `${key} is not followed yet: it can be shown once the change is merged`,
          );
        const status = await store.sources.get(key);
        if (status?.url === url && status.head !== undefined) return status.head;
        return (await source.fetch({ url, ref: key.slice(key.indexOf('@') + 1), signal })).head;
      },
    };
  };

  /** Bases in other repositories, at the commits of the same revision, and who wrote their lines. */
  const openRemotes = ({ fleet, commitOf }: Side, signal: AbortSignal) => {
    const urls = new WeakMap<TreeReader, string>();
    const bases = createRemoteBases({
      rootUrl: root.url,
      fleet,
      async treeOf({ key, url }) {
        const tree = await source.tree(url, await commitOf(key, url));
        urls.set(tree, url);
        return tree;
      },
    });
    return {
      bases,
      blame: (files: readonly BlameFile[]) =>
        blameMounted(files, async (remote, inside) => {
          const tree = await bases.remoteTree(remote, signal);
          const url = urls.get(tree);
          return url === undefined
            ? undefined
            : source.blame({ url, commit: tree.commit, files: inside, signal });
        }),
    };
  };

  const answer = async (question: ExplainQuestion, signal: AbortSignal): Promise<Explanation> => {
    readField(question.field);
    const { revision } = question;
    const side = revision === undefined ? await openResolved() : await openRevision(revision, signal);
    const { application, cluster } = findPlacement(side.fleet, question);
    const key = applicationSourceKey(application, side.fleet);
    const url = urlOf(application, side.fleet, root.url);
    const commit = key === sourceKeyOf(rootRepository, '') ? side.rootCommit : await side.commitOf(key, url);
    // A fleet file that cannot be read leaves in force what it said before.
    const commitOf = (from: 'cluster' | 'application') =>
      (from === 'cluster' ? cluster : application).origin.commit || side.rootCommit;
    const remotes = openRemotes(side, signal);
    const authors: LineAuthors = {
      onDisk: false,
      async blame(from, files) {
        if (from === 'remote') return remotes.blame(files);
        // A chart's archive has no history.
        if (from === 'chart') return undefined;
        if (from === 'repository') return source.blame({ url, commit, files, signal });
        return source.blame({ url: root.url, commit: commitOf(from), files, signal });
      },
      readFleetFile: async (from, file) => readFile(await source.tree(root.url, commitOf(from)), file),
    };
    const { repository } = application.source;
    return explainTree({
      tracer,
      subject: {
        application: application.name,
        cluster: cluster.name,
        revision: { name: side.name, commit, repository },
      },
      source: application.source,
      statedAt: application.origin,
      cluster,
      tree: createMountedTree(await source.tree(url, commit), remotes.bases),
      object: question.object,
      field: question.field,
      authors,
      signal,
    });
  };

  return {
    async explain(question, signal) {
      if (working >= atOnceMax)
        throw new FairwayError('resource_exhausted', 'The hub explains other objects already; try again.', {
          retryAfterMs: 1_000,
        });
      working += 1;
      try {
        return await answer(question, signal);
      } catch (caught) {
        throw toFairwayError(caught);
      } finally {
        working -= 1;
      }
    },
  };
}

function commitIn(revision: Revision, key: SourceKey): string {
  const commit = revision.sources[key];
  if (commit === undefined)
    throw new FairwayError('unavailable', `source ${key} is being fetched for the first time`);
  return commit;
}

function urlOf({ source: { repository } }: Application, fleet: Fleet, rootUrl: string): string {
  if (repository === rootRepository) return rootUrl;
  const url = fleet.repositories.get(repository)?.url;
  if (url === undefined) throw new FairwayError('not_found', `No Repository is named ${repository}.`);
  return url;
}

/** @throws not_found for names that are not there, and for a cluster that the application is not placed on. */
export function findPlacement(
  fleet: Fleet,
  names: { readonly application: string; readonly cluster: string },
): { readonly application: Application; readonly cluster: Cluster } {
  const application = fleet.applications.get(names.application);
  if (application === undefined)
    throw unknownName('application', names.application, [...fleet.applications.keys()]);
  const cluster = fleet.clusters.get(names.cluster);
  if (cluster === undefined) throw unknownName('cluster', names.cluster, [...fleet.clusters.keys()]);
  const { clusters } = placedClusters(application, fleet.clusters);
  if (clusters.includes(cluster.name)) return { application, cluster };
  const where = clusters.length === 0 ? 'nowhere' : `in ${listNames(clusters, 10)}`;
  throw new FairwayError(
    'not_found',
    `${application.name} is not placed in ${cluster.name}: it is placed ${where}.`,
  );
}

function unknownName(kind: string, name: string, known: readonly string[]): FairwayError {
  const near = nearest(name, known);
  const meant = near === undefined ? '' : ` Did you mean ${near}?`;
  return new FairwayError('not_found', `There is no ${kind} "${name}".${meant}`);
}
