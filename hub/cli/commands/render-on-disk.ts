/** `fairway render --path`: the hub's own renderer over a folder on disk, or over a Git revision of the repository that it lies in. */
import { realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import { parseExactJson } from '../../../shared/manifest/exact-json.ts';
import { maskSecret } from '../../../shared/manifest/masking.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import type { Cluster } from '../../model/fleet.ts';
import { describeProblem, type Problem } from '../../model/problem.ts';
import type { RenderedSet } from '../../model/rendered.ts';
import type { RemoteTrees, TreeReader } from '../../model/tree.ts';
import type { KustomizeFlags, Renderer } from '../../render/renderer.ts';
import { createDirectoryTree } from '../directory-tree.ts';
import type { CliIo } from '../io.ts';
import type { Written } from './render-to-folder.ts';

type Options = Record<string, unknown>;

/** @throws not_found, invalid_argument, invalid_manifest with what is wrong and where. */
export async function renderOnDisk(
  path: string,
  options: Options,
  io: CliIo,
): Promise<readonly KubeObject[]> {
  return withRequest(path, options, io, async (request) =>
    objectsOf(
      options['application'] === undefined
        ? await renderFolder(request, options, io)
        : await renderApplication(request, options, io),
      options['showSecrets'] === true,
    ),
  );
}

/** With `--write`. @throws as renderOnDisk. */
export async function writeOnDisk(path: string, options: Options, io: CliIo): Promise<Written> {
  return withRequest(path, options, io, async ({ top, tree, path: inside, renderer, remotes }) => {
    const { renderToFolder } = await import('./render-to-folder.ts');
    const { application, cluster } = options as Record<string, string | undefined>;
    const request = {
      ...{ top, tree, renderer, remotes, application, cluster },
      fleetFolder: [inside, String(options['fleetFolder'])].filter((part) => part !== '').join('/'),
      folder: String(options['write']),
      showSecrets: options['showSecrets'] === true,
    };
    return renderToFolder(request, io);
  });
}

async function withRequest<T>(
  path: string,
  options: Options,
  io: CliIo,
  use: (request: Request) => Promise<T>,
): Promise<T> {
  const asked = resolve(io.cwd, path);
  const folder = await findFolder(asked, options['rev'] !== undefined);
  if (folder === undefined) throw new FairwayError('not_found', `${asked} is no folder.`);
  const place = await findPlace(folder, options, io);
  // Loaded only here: the rest of the command line stays small.
  const { openRemoteAccess } = await import('../preview/remote-access.ts');
  const { createLocalRenderer } = await import('../preview/local-renderer.ts');
  await using remotes = await openRemoteAccess(options['allowRemote'] === true, io.signal);
  const renderer = createLocalRenderer(io, {
    // An Application's own chart is what was asked for.
    helm:
      options['enableHelm'] === true ||
      options['application'] !== undefined ||
      options['write'] !== undefined,
    keepTops: options['write'] === undefined,
    kustomize: {
      loadRestrictor: options['loadRestrictor'] as KustomizeFlags['loadRestrictor'],
      reorder: options['reorder'] as KustomizeFlags['reorder'],
    },
  });
  return use({ ...place, renderer, remotes });
}

interface OnDisk {
  /** The top of the repository, or of what may be read. */
  readonly top: string;
  readonly tree: TreeReader;
  /** From the tree's top, `/` between its parts. */
  readonly path: string;
}

type ShownSet = Pick<RenderedSet, 'set' | 'objects'>;

interface Request extends OnDisk {
  readonly renderer: Renderer;
  readonly remotes: RemoteTrees;
}

/** @param mayBeGone a revision may hold what does not lie on disk: what is above it is enough. */
async function findFolder(asked: string, mayBeGone: boolean): Promise<string | undefined> {
  for (let at = asked; ; at = dirname(at)) {
    const real = await realpath(at).catch(() => undefined);
    const isFolder = real !== undefined && (await stat(real)).isDirectory();
    if (isFolder) return join(real, relative(at, asked));
    if (!mayBeGone || dirname(at) === at) return undefined;
  }
}

async function findPlace(folder: string, options: Options, io: CliIo): Promise<OnDisk> {
  const revision = options['rev'] as string | undefined;
  const { root } = options as { root?: string };
  if (revision !== undefined && root !== undefined)
    throw new FairwayError('invalid_argument', 'Give --rev or --root: a revision has a top of its own.');
  const top =
    root === undefined
      ? await findTop(folder, revision !== undefined)
      : await realpath(resolve(io.cwd, root));
  const inside = relative(top, folder);
  if (inside.startsWith('..'))
    throw new FairwayError('invalid_argument', `${folder} is not below --root ${top}.`);
  const path = inside.split(sep).join('/');
  if (revision === undefined) return { top, tree: createDirectoryTree(top), path };
  const { openRevision } = await import('../preview/diff-on-disk.ts');
  const { createLocalSource } = await import('../preview/local-source.ts');
  return { top, tree: (await openRevision(createLocalSource(), top, revision, io.signal)).tree, path };
}

async function renderFolder(
  { tree, path, renderer, remotes }: Request,
  options: Options,
  io: CliIo,
): Promise<ShownSet> {
  const { createMountedTree } = await import('../../render/remote/mounted-tree.ts');
  const overlays = options['overlay'] as readonly string[];
  const result = await renderer.render(
    {
      source: { repository: '', ref: '', path, overlays },
      cluster: clusterOf(options),
      tree: createMountedTree(tree, remotes),
    },
    io.signal,
  );
  if (result.ok) return result.rendered;
  throw problemsError(result.problems);
}

/** An Application of the fleet folder, for a Cluster that it is placed on. */
async function renderApplication(
  { top, tree, path, renderer, remotes }: Request,
  options: Options,
  io: CliIo,
): Promise<ShownSet> {
  const { application, cluster } = options as Record<string, string | undefined>;
  if (application === undefined || cluster === undefined)
    throw new FairwayError('invalid_argument', 'Give --application and --cluster together.');
  const { renderSide } = await import('../../loops/preview/preview-side.ts');
  const { emptyFleet } = await import('../../model/fleet.ts');
  const { openOther } = await import('../preview/diff-on-disk.ts');
  const { openOwnRepository } = await import('../preview/own-repository.ts');
  const own = await openOwnRepository(top);
  const { rendered, sets, fleet } = await renderSide({
    name: { name: 'here', commit: null },
    tree,
    rootUrl: own.url,
    folder: [path, String(options['fleetFolder'])].filter((part) => part !== '').join('/'),
    previous: undefined,
    emptyFleet,
    renderer,
    treeOf: async (key, { repositories }) =>
      openOther(own, key, repositories, { remotes, signal: io.signal }),
    cluster,
    signal: io.signal,
  });
  const placement = rendered.get(application)?.get(cluster);
  if (placement === undefined) throw notPlaced(application, cluster, fleet.problems);
  if ('problems' in placement) throw problemsError(placement.problems);
  const objects = sets.get(placement.set.digest)?.objects;
  if (objects === undefined) throw new FairwayError('internal', 'a rendered set is missing');
  return { set: placement.set, objects };
}

/** Files of the fleet folder that cannot be read may be why. */
function notPlaced(application: string, cluster: string, problems: readonly Problem[]): FairwayError {
  return new FairwayError(
    'not_found',
    `Application "${application}" is not placed on a Cluster "${cluster}" in the fleet folder.`,
    { details: { hint: problems.map(describeProblem).join('\n') } },
  );
}

function problemsError(problems: readonly Problem[]): FairwayError {
  const [first, ...more] = problems.map(describeProblem);
  return new FairwayError('invalid_manifest', first ?? 'It cannot be rendered.', {
    details: { hint: more.join('\n') },
  });
}

/** The nearest folder that holds `.git`, or, for a revision, is a bare repository; or else the folder itself. */
async function findTop(folder: string, mayBeBare: boolean): Promise<string> {
  const holds = async (at: string, ...names: readonly string[]): Promise<boolean> => {
    for (const name of names) if (!(await stat(join(at, name)).catch(() => undefined))) return false;
    return true;
  };
  for (let at = folder; ; at = dirname(at)) {
    if (await holds(at, '.git')) return at;
    if (mayBeBare && (await holds(at, 'HEAD', 'objects', 'refs'))) return at;
    if (dirname(at) === at) return folder;
  }
}

function clusterOf(options: Options): Cluster {
  const variables = (options['set'] as readonly string[]).map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new InvalidArgumentError(`--set ${text}: expected name=value.`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  const version = String(options['kubernetes']).replace(/^v/, '');
  // As of a Cluster in Git.
  if (!/^(?:\d+\.\d+(?:\.\d+)?(?:[-+][\w.+-]*)?)?$/.test(version))
    throw new InvalidArgumentError(`--kubernetes ${version}: expected a version such as 1.36.3.`);
  return {
    name: String(options['cluster'] ?? 'local'),
    labels: {},
    region: String(options['region']),
    role: 'none',
    variables: Object.fromEntries(variables) as Record<string, string>,
    kubernetesVersion: version,
    paused: false,
    origin: { file: '', line: 0, commit: '' },
  };
}

function objectsOf({ set, objects }: ShownSet, showSecrets: boolean): readonly KubeObject[] {
  return set.entries.map(({ objectDigest }) => {
    const object = parseExactJson(objects.get(objectDigest)?.content ?? 'null') as KubeObject;
    return showSecrets ? object : maskSecret(object);
  });
}
