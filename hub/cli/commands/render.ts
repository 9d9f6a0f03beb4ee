import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { FairwayError } from '../../../shared/error/error.ts';
import { maskSecret } from '../../../shared/manifest/masking.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import type { Cluster } from '../../model/fleet.ts';
import { describeProblem } from '../../model/problem.ts';
import type { RenderedSet } from '../../model/rendered.ts';
import { createClient } from '../client.ts';
import { type ClientContext, withConnection } from '../command.ts';
import { createDirectoryTree } from '../directory-tree.ts';
import type { CliIo } from '../io.ts';
import { createPrinter, type OutputFormat } from '../output/printer.ts';
import { loadConnection } from '../settings.ts';

type Options = Record<string, unknown>;

const help = `
With --path, the folder on disk is built as the hub would build it, without a hub. Files above the folder count too, up to
the top of the Git repository that it is in (--root names another top).
With --application and --cluster, the hub shows what it has assigned.
Values of Secrets are masked, except with --path and --show-secrets.

Examples:
  fairway render --path apps/web/overlays/eu
  fairway render --path apps/web --overlay 'overlays/{{cluster.region}}' --overlay base --region eu
  fairway render --application web --cluster eu-1`;

/** `fairway render`: the manifests of a folder on disk, or of an assignment. */
export function addRender(program: Command, io: CliIo): void {
  withConnection(
    program
      .command('render')
      .summary('show the manifests of a folder on disk, or of an assignment')
      .description('Shows manifests: of a folder on disk, or as the hub has assigned them.')
      .option('--path <folder>', 'a folder on disk; needs no hub')
      .option('--root <folder>', 'top of what may be read with --path')
      .option('--overlay <template>', 'with --path: tried in order below it', collect, [])
      .option('--region <region>', "with --path: the cluster's region", '')
      .option('--set <name=value>', "with --path: a variable of the cluster's", collect, [])
      .option('--kubernetes <version>', "with --path: the cluster's version", '')
      .option('--show-secrets', 'with --path: do not mask the values of Secrets')
      .option('--application <name>', 'as assigned by the hub; with --cluster')
      .option('--cluster <name>', 'as assigned by the hub; with --path: the name given to the cluster')
      .addOption(
        new Option('-o, --output <format>', 'how to show it (default yaml)').choices(['yaml', 'json']),
      )
      .addHelpText('after', help),
  ).action(async (_: unknown, command: Command) => {
    const options: Options = command.optsWithGlobals();
    const manifests =
      options['path'] === undefined
        ? await loadAssigned(options, io)
        : await renderFolder(String(options['path']), options, io);
    io.stdout(renderManifests(manifests, options['output'] as OutputFormat));
  });
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function renderManifests(manifests: readonly KubeObject[], format: OutputFormat): string {
  if (format === 'json')
    return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }, null, 2) + '\n';
  return manifests.map((manifest) => stringify(inUsualOrder(manifest))).join('---\n');
}

/** As people write manifests; the hub's canonical form is sorted. */
function inUsualOrder({ apiVersion, kind, metadata, ...rest }: KubeObject): KubeObject {
  const { name, namespace, ...others } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...others },
    ...rest,
  };
}

interface ManifestPage {
  readonly manifest: KubeObject;
}

async function loadAssigned(options: Options, io: CliIo): Promise<readonly KubeObject[]> {
  const { application, cluster } = options as Record<string, string | undefined>;
  if (application === undefined || cluster === undefined)
    throw new FairwayError('invalid_argument', 'Give --path, or --application and --cluster.');
  const connection = await loadConnection(options, io);
  const context: ClientContext = {
    client: createClient(connection, io),
    print: createPrinter('yaml', io),
    io,
  };
  const path = `/api/v1/assignments/${encodeURIComponent(cluster)}/${encodeURIComponent(application)}/manifests`;
  const items = await context.client.list<ManifestPage>(path);
  return items.map(({ manifest }) => manifest);
}

async function renderFolder(path: string, options: Options, io: CliIo): Promise<readonly KubeObject[]> {
  const folder = resolve(io.cwd, path);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new FairwayError('not_found', `${folder} is no folder.`);
  const root =
    options['root'] === undefined
      ? await findRepositoryTop(folder)
      : resolve(io.cwd, String(options['root']));
  const inside = relative(root, folder);
  if (inside.startsWith('..'))
    throw new FairwayError('invalid_argument', `${folder} is not below --root ${root}.`);
  const { createRenderer } = await import('../../render/renderer.ts');
  const { createHelmProcess } = await import('../../helm/helm-process.ts');
  // Digests are not shown, so any key will do.
  const renderer = createRenderer({
    digestKey: randomBytes(32),
    helm: createHelmProcess({ path: io.env['PATH'] ?? '' }),
  });
  const source = {
    repository: '',
    ref: '',
    path: inside.split(sep).join('/'),
    overlays: options['overlay'] as readonly string[],
  };
  const tree = createDirectoryTree(root);
  const result = await renderer.render({ source, cluster: clusterOf(options), tree }, io.signal);
  if (result.ok) return objectsOf(result.rendered, options['showSecrets'] === true);
  const [first, ...more] = result.problems.map(describeProblem);
  throw new FairwayError('invalid_manifest', first ?? 'It cannot be rendered.', {
    details: { hint: more.join('\n') },
  });
}

/** The nearest folder that holds `.git`, or else the folder itself. */
async function findRepositoryTop(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if (await stat(join(at, '.git')).catch(() => undefined)) return at;
    if (dirname(at) === at) return folder;
  }
}

function clusterOf(options: Options): Cluster {
  const variables = (options['set'] as readonly string[]).map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new InvalidArgumentError(`--set ${text}: expected name=value.`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  return {
    name: String(options['cluster'] ?? 'local'),
    labels: {},
    region: String(options['region']),
    role: 'none',
    variables: Object.fromEntries(variables) as Record<string, string>,
    kubernetesVersion: String(options['kubernetes']),
    paused: false,
    origin: { file: '', line: 0, commit: '' },
  };
}

function objectsOf({ set, objects }: RenderedSet, showSecrets: boolean): readonly KubeObject[] {
  return set.entries.map(({ objectDigest }) => {
    const object = JSON.parse(objects.get(objectDigest)?.content ?? 'null') as KubeObject;
    return showSecrets ? object : maskSecret(object);
  });
}
