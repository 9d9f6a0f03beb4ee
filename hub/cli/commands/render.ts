import { type Command, Option } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { createClient } from '../client.ts';
import { type ClientContext, withConnection } from '../command.ts';
import type { CliIo } from '../io.ts';
import { type PrintableJson, renderKustomizeYaml } from '../output/kustomize-yaml.ts';
import { createPrinter, type OutputFormat } from '../output/printer.ts';
import { loadConnection } from '../settings.ts';

type Options = Record<string, unknown>;

const help = `
With --path, the folder on disk is built as the hub would build it, without a hub. Files above the folder count too, up to
the top of the Git repository that it is in (--root names another top); with --rev, a revision of that repository is built.
With --path, --application and --cluster, the folder is that of a fleet repository, and the Application of it is built.
With --path and --write, everything that the fleet repository gives is written as files, FOLDER/CLUSTER/APPLICATION.yaml, each as it
comes; --application and --cluster narrow it. What cannot be rendered is told at the end, and its file left as it was.
With --application and --cluster alone, the hub shows what it has assigned, or renders the revision of its root repository.
Values of Secrets are masked, except with --path and --show-secrets.

--enable-helm, --load-restrictor and --reorder mean what they mean to kustomize build.

Examples:
  fairway render --path apps/web/overlays/eu
  fairway render --path apps/web --overlay 'overlays/{{cluster.region}}' --overlay base --region eu
  fairway render --path apps/web/overlays/eu --rev main~1
  fairway render --path . --application web --cluster eu-1
  fairway render --path . --rev main --write rendered
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
      .option('--write <folder>', 'with --path: write all sets of the fleet as files')
      .option('--show-secrets', 'with --path: do not mask the values of Secrets')
      .option('--rev <revision>', 'a branch, tag or commit instead of what lies on disk or is assigned')
      .option('--enable-helm', 'with --path: render the charts of kustomizations')
      .addOption(
        new Option('--load-restrictor <restrictor>', 'with --path: where files may lie').choices([
          'LoadRestrictionsRootOnly',
          'LoadRestrictionsNone',
        ]),
      )
      .addOption(
        new Option('--reorder <order>', 'with --path: where no sortOptions are').choices(['legacy', 'none']),
      )
      .option('--allow-remote', 'with --path: fetch other repositories, without credentials')
      .option('--fleet-folder <folder>', 'with --path and --application: where the fleet is', 'fleet')
      .option('--application <name>', 'with --cluster')
      .option('--cluster <name>', 'with --application; with --path alone: the name given to the cluster')
      .addOption(
        new Option('-o, --output <format>', 'how to show it (default yaml)').choices(['yaml', 'json']),
      )
      .addHelpText('after', help),
  ).action(async (_: unknown, command: Command) => {
    const options: Options = command.optsWithGlobals();
    if (options['write'] !== undefined) return writeAll(options, io);
    const manifests =
      options['path'] === undefined
        ? await loadAssigned(options, io)
        : await (await import('./render-on-disk.ts')).renderOnDisk(String(options['path']), options, io);
    io.stdout(renderManifests(manifests, options['output'] as OutputFormat));
  });
}

async function writeAll(options: Options, io: CliIo): Promise<void> {
  const { path, write } = options as Record<string, string | undefined>;
  if (path === undefined) throw new FairwayError('invalid_argument', 'Give --path with --write.');
  const { writeOnDisk } = await import('./render-on-disk.ts');
  const { sets, objects, problems } = await writeOnDisk(path, options, io);
  io.stdout(`${sets} sets with ${objects} objects written to ${write}\n`);
  const [first, ...more] = problems;
  if (first !== undefined)
    throw new FairwayError('invalid_manifest', first, { details: { hint: more.join('\n') } });
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function renderManifests(manifests: readonly KubeObject[], format: OutputFormat): string {
  if (format === 'json')
    return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }, exactNumber, 2) + '\n';
  return manifests.map((manifest) => renderKustomizeYaml(manifest as PrintableJson)).join('---\n');
}

/** Whole numbers keep their digits. */
function exactNumber(_key: string, value: unknown): unknown {
  const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };
  return typeof value === 'bigint' ? rawJSON(value.toString()) : value;
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
  const items = await context.client.list<ManifestPage>(path, {
    revision: options['rev'] as string | undefined,
  });
  return items.map(({ manifest }) => manifest);
}
