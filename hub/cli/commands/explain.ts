import { resolve } from 'node:path';
import type { Command } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Explanation } from '../../explain/explanation.ts';
import { createClient } from '../client.ts';
import { withConnection, withFleetOnDisk, withTextOutput } from '../command.ts';
import type { CliIo } from '../io.ts';
import { createPrinter, type OutputFormat } from '../output/printer.ts';
import { loadConnection } from '../settings.ts';
import type { ExplainWords } from './explain-words.ts';

type Options = Readonly<Record<string, string | undefined>>;

const help = `
APPLICATION CLUSTER KIND/NAME [FIELD]: the object as it is rendered for that cluster, each line with what gave it its value: commit,
author, date, file and line, and what was done (patches[0], images[0], namePrefix ...). With FIELD, its way from the base up, with
the value before and after each step; a field that holds others tells what is below it, too. Nothing is changed anywhere.
NAME is the one that is rendered, or the one that was first read. KIND may be short (deploy), and have a group (KIND.GROUP, KIND.VERSION.GROUP).
FIELD: spec.replicas, spec.template.spec.containers[name=web].image, metadata.labels["app.kubernetes.io/name"], /spec/replicas.
Values of Secrets are never shown.
With --path, no hub is needed: the fleet repository that lies there is rendered, committed or not, or --rev of it. Then KIND/NAME
[FIELD] alone is of the folder itself, built as \`fairway render --path\` does.

Exit codes: 0 explained; 2 the command line is not valid; 3 no such application, cluster, object, field or revision; 6 it cannot be
rendered; others as everywhere.

Examples:
  fairway explain web eu-1 Deployment/web
  fairway explain web eu-1 deploy/web spec.template.spec.containers[name=web].image
  fairway explain web eu-1 Deployment/web spec.replicas --rev feature/more -o json
  fairway explain --path apps/web/overlays/eu Deployment/web spec.replicas`;

/** `fairway explain`: why a rendered object is as it is. */
export function addExplain(program: Command, io: CliIo): void {
  const command = withConnection(
    program
      .command('explain')
      .summary('show why a field has its value, and who wrote it')
      .description('Shows why a rendered object, or a field of it, is as it is, and who wrote that.')
      .argument('<words...>', 'APPLICATION CLUSTER KIND/NAME [FIELD]')
      .option('-n, --namespace <namespace>', 'where several objects have that name')
      .option(
        '--rev <revision>',
        'branch, tag or commit of the fleet repository (default: what the hub has resolved)',
      )
      .option('--path <folder>', 'a fleet repository, or a folder of manifests, on disk; needs no hub'),
  );
  withFleetOnDisk(command).addHelpText('after', help);
  withTextOutput(command, ['json', 'yaml']).action(
    async (words: readonly string[], _: unknown, given: Command) => {
      const options = given.optsWithGlobals<Options>();
      const question = parseWords(words, options);
      const explanation =
        options['path'] === undefined
          ? await askHub(question, options, io)
          : await explainFolder(question, options['path'], options, io);
      const { renderExplanationText } = await import('../../explain/render-text.ts');
      const format = (options['output'] ?? 'text') as OutputFormat;
      const printer = createPrinter(format, io);
      const columns = io.terminal ? io.columns : undefined;
      printer.value(explanation, (told) => renderExplanationText(told, printer.colours, columns));
    },
  );
}

/** @throws invalid_argument */
function parseWords(words: readonly string[], options: Options): ExplainWords {
  const at = words[0]?.includes('/') ? 0 : 2;
  const [application = '', cluster = ''] = at === 0 ? [] : words;
  const [object, field = '', ...more] = words.slice(at);
  if (object === undefined || more.length > 0)
    throw usage('Give APPLICATION CLUSTER KIND/NAME and, if you like, one FIELD.');
  if (at === 0 && options['path'] === undefined)
    throw usage(`Give the APPLICATION and CLUSTER that ${object} is of, or the folder by --path.`);
  const match = /^([^./]+)(?:\.([^/]+))?\/([^/]+)$/.exec(object);
  if (!match?.[1] || !match[3]) throw usage(`"${object}" is not KIND/NAME, such as Deployment/web.`);
  const namespace = options['namespace'];
  return {
    application,
    cluster,
    object: {
      kind: match[1],
      name: match[3],
      ...(match[2] === undefined ? {} : { group: match[2] }),
      ...(namespace === undefined ? {} : { namespace }),
    },
    field,
  };
}

const usage = (message: string) =>
  new FairwayError('invalid_argument', message, { details: { hint: 'See `fairway explain --help`.' } });

async function askHub(
  { application, cluster, object, field }: ExplainWords,
  options: Options,
  io: CliIo,
): Promise<Explanation> {
  const client = createClient(await loadConnection(options, io), io);
  const path = `/api/v1/applications/${encodeURIComponent(application)}/clusters/${encodeURIComponent(cluster)}/explain`;
  const { kind, name, namespace, group } = object;
  return client.get<Explanation>(path, {
    ...{ kind, name, namespace, group },
    field: field === '' ? undefined : field,
    rev: options['rev'],
  });
}

async function explainFolder(
  question: ExplainWords,
  path: string,
  options: Options,
  io: CliIo,
): Promise<Explanation> {
  // Loaded only here: the rest of the command line stays small.
  const { explainOnDisk } = await import('./explain-on-disk.ts');
  const { createLocalRenderer } = await import('../preview/local-renderer.ts');
  const { openRemoteAccess } = await import('../preview/remote-access.ts');
  await using remotes = await openRemoteAccess(Boolean(options['allowRemote']), io.signal);
  return await explainOnDisk({
    ...question,
    folder: resolve(io.cwd, path),
    fleetFolder: options['fleetFolder'] ?? 'fleet',
    revision: options['rev'],
    tracer: createLocalRenderer(io),
    remotes,
    signal: io.signal,
  });
}
