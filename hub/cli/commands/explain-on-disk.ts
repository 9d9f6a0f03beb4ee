/** Explanations without a hub: of a fleet repository or a folder on this machine's disk, and the history of the Git repository that it lies in. */
import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Explanation } from '../../explain/explanation.ts';
import { readFleet } from '../../fleet/read-fleet.ts';
import { findPlacement } from '../../loops/preview/explain.ts';
import { explainTree, type LineAuthors, readFile, type Tracer } from '../../loops/preview/explain-tree.ts';
import { findCommit } from '../../loops/source/find-commit.ts';
import { applicationSourceKey } from '../../loops/source/revision-of.ts';
import type { Blame, BlameFile } from '../../model/blame.ts';
import { type ApplicationSource, type Cluster, emptyFleet, type Fleet } from '../../model/fleet.ts';
import { describeProblem, type Problem } from '../../model/problem.ts';
import { rootRepository } from '../../model/revision.ts';
import type { RemoteTrees, TreeReader } from '../../model/tree.ts';
import { createMountedTree } from '../../render/remote/mounted-tree.ts';
import type { GitSource } from '../../source/git-source.ts';
import { createDirectoryTree } from '../directory-tree.ts';
import { findRepositoryTop } from '../preview/diff-on-disk.ts';
import { cloneFolders, createLocalSource } from '../preview/local-source.ts';
import type { ExplainWords } from './explain-words.ts';

export interface ExplainOnDiskRequest extends ExplainWords {
  readonly folder: string;
  readonly fleetFolder: string;
  /** Undefined: what lies there, committed or not. */
  readonly revision: string | undefined;
  readonly tracer: Tracer;
  /** Repositories that are not on this disk. */
  readonly remotes: RemoteTrees;
  readonly signal: AbortSignal;
}

/** What is rendered, and what is known of its history. */
interface Side {
  readonly tree: TreeReader;
  readonly commit: string | null;
  readonly authors: Omit<LineAuthors, 'readFleetFile'>;
}

/** @throws not_found, invalid_argument, invalid_manifest as the hub's own answer does. */
export async function explainOnDisk(request: ExplainOnDiskRequest): Promise<Explanation> {
  const { folder, tracer, object, field, signal, revision } = request;
  if (!(await isFolder(folder))) throw new FairwayError('not_found', `${folder} is no folder.`);
  const ofFolder = request.application === '';
  const repository = await findRepositoryTop(folder).catch(() => undefined);
  const ownsFleet = await isFolder(join(folder, request.fleetFolder));
  const top = ownsFleet && !ofFolder ? folder : (repository ?? folder);
  const side = await openSide(top, repository, revision, signal);
  const { application, cluster, source, statedAt } = ofFolder
    ? plainPlacement(relative(top, folder).split(sep).join('/'))
    : await readPlacement(request, side, signal);
  // Another ref of this repository is here, too.
  const own = source.ref === '' ? side : await openSide(top, repository, source.ref, signal);
  return explainTree({
    tracer,
    subject: {
      application,
      cluster: cluster.name,
      revision: { name: revision ?? 'worktree', commit: own.commit, repository: '' },
    },
    source,
    statedAt,
    cluster,
    tree: createMountedTree(own.tree, request.remotes),
    object,
    field,
    authors: {
      onDisk: own.authors.onDisk,
      async blame(from, files) {
        // What was fetched for this one answer has its history elsewhere.
        if (from === 'remote' || from === 'chart') return undefined;
        return (from === 'repository' ? own : side).authors.blame(from, files);
      },
      readFleetFile: (_, file) => readFile(side.tree, file),
    },
    signal,
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function openSide(
  top: string,
  repository: string | undefined,
  revision: string | undefined,
  signal: AbortSignal,
): Promise<Side> {
  const source = createLocalSource();
  const prefix = repository === undefined ? '' : relative(repository, top).split(sep).join('/');
  if (revision === undefined) {
    const tree = createDirectoryTree(top);
    const head = repository === undefined ? undefined : await findHead(source, repository, signal);
    const blame: LineAuthors['blame'] = async (_, files) => {
      if (repository === undefined || head === undefined) return undefined;
      const read = await Promise.all(
        files.map(async (file) => ({ ...file, content: await tree.read(file.path) })),
      );
      return blameBelow(source, { url: repository, commit: head, prefix, files: read, signal });
    };
    return { tree, commit: null, authors: { onDisk: true, blame } };
  }
  if (repository === undefined) throw new FairwayError('not_found', `${top} is in no Git repository.`);
  const commit = await findCommit({ source, url: repository, revision, folders: cloneFolders, signal });
  return {
    tree: below(await source.tree(repository, commit), prefix),
    commit,
    authors: {
      onDisk: false,
      blame: (_, files) => blameBelow(source, { url: repository, commit, prefix, files, signal }),
    },
  };
}

/** Undefined: it has no commit, or keeps its history in a way that is not read here. */
async function findHead(source: GitSource, url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await source.fetch({ url, ref: '', signal })).head;
  } catch (caught) {
    if (caught instanceof FairwayError && (caught.code === 'not_found' || caught.code === 'unsupported'))
      return undefined;
    throw caught;
  }
}

async function blameBelow(
  source: GitSource,
  request: {
    readonly url: string;
    readonly commit: string;
    readonly prefix: string;
    readonly files: readonly BlameFile[];
    readonly signal: AbortSignal;
  },
): Promise<Blame> {
  const { prefix, files, ...rest } = request;
  const lead = prefix === '' ? '' : `${prefix}/`;
  const blame = await source.blame({
    ...rest,
    files: files.map((file) => ({ ...file, path: lead + file.path })),
  });
  return new Map([...blame].map(([path, lines]) => [path.slice(lead.length), lines]));
}

/** A folder of a tree as a tree of its own. */
function below(tree: TreeReader, prefix: string): TreeReader {
  if (prefix === '') return tree;
  const inside = (path: string) => (path === '' ? prefix : `${prefix}/${path}`);
  return {
    ...tree,
    entry: (path) => tree.entry(inside(path)),
    list: (path) => tree.list(inside(path)),
    read: (path) => tree.read(inside(path)),
  };
}

interface Placement {
  readonly application: string;
  readonly cluster: Cluster;
  readonly source: ApplicationSource;
  /** Of the Application's resource. */
  readonly statedAt?: { readonly file: string; readonly line: number };
}

/** The folder itself, for no cluster in particular. */
function plainPlacement(path: string): Placement {
  const cluster: Cluster = {
    name: 'local',
    labels: {},
    region: '',
    role: 'none',
    variables: {},
    kubernetesVersion: '',
    paused: false,
    origin: { file: '', line: 0, commit: '' },
  };
  return { application: '', cluster, source: { repository: '', ref: '', path, overlays: [] } };
}

async function readPlacement(
  request: ExplainOnDiskRequest,
  { tree }: Side,
  signal: AbortSignal,
): Promise<Placement> {
  const folder = request.fleetFolder;
  const fleet = await readFleet({ tree, folder, previous: emptyFleet, signal });
  if (fleet.applications.size === 0)
    throw new FairwayError('not_found', `There are no Applications in ${folder} of ${tree.name}.`, {
      details: {
        hint:
          unreadable(fleet.problems) ?? 'Give --fleet-folder, or KIND/NAME alone for a folder of manifests.',
      },
    });
  const { application, cluster } = placementIn(fleet, request);
  const key = applicationSourceKey(application, fleet);
  if (application.source.repository !== rootRepository)
    throw new FairwayError(
      'not_found',
      `${application.name} comes from the Repository ${key}: without a hub, only this repository is read.`,
    );
  return {
    application: application.name,
    cluster,
    source: application.source,
    statedAt: application.origin,
  };
}

/** What is not there may be in a file that cannot be read. */
function placementIn(
  fleet: Fleet,
  names: Parameters<typeof findPlacement>[1],
): ReturnType<typeof findPlacement> {
  try {
    return findPlacement(fleet, names);
  } catch (caught) {
    const hint = unreadable(fleet.problems);
    if (!(caught instanceof FairwayError) || hint === undefined) throw caught;
    throw new FairwayError(caught.code, caught.message, { cause: caught, details: { hint } });
  }
}

function unreadable(problems: readonly Problem[]): string | undefined {
  const [first] = problems;
  if (first === undefined) return undefined;
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more problems)`;
  return `Some of the fleet cannot be read: ${describeProblem(first)}${more}`;
}
