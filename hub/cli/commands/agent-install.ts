import { type Command, Option } from 'commander';
import { clientCommand, countArgument, durationArgument, listArgument } from '../command.ts';
import type { CliIo } from '../io.ts';
import { notesOnManifests } from './install-notes.ts';

const help = `
By default the agent may manage the usual kinds in every namespace. Its rights can be made smaller (--namespaced) or
whole (--cluster-admin); the comments in the manifests say what each needs.

No image is published yet: \`npm run build:images\` makes one for your registry, and --image names it.

Examples:
  fairway agent install --cluster eu-1 --image registry.example/fairway/fairway-agent:0.1.0 | kubectl --context eu-1 apply -f -
  fairway agent install --cluster eu-1 --hub-address hub.example:8443 --enrolment-address hub.example:8444
  fairway agent install --cluster eu-1 --namespaced shop,mail --replicas 2 > agent.yaml`;

/** `fairway agent install`: manifests with a fresh enrolment token, from the hub. */
export function addAgentInstall(agent: Command, io: CliIo): void {
  const command = agent
    .command('install')
    .summary('print the manifests that install an agent')
    .description(
      'Makes an enrolment token and prints manifests for `kubectl apply -f -`. They hold the token.',
    )
    .requiredOption('--cluster <name>', 'the cluster that the agent will speak for')
    .option('--image <image>', "the agent's image (default: the hub's version)")
    .option('--namespace <name>', "the agent's namespace (default fairway-agent)")
    .option('--hub-address <host:port>', 'where agents reach the hub (default: as the hub is configured)')
    .option('--enrolment-address <host:port>', 'where agents enrol (default: as the hub is configured)')
    .option('--expires <duration>', 'how long the token counts (default 1h)', durationArgument)
    .addOption(new Option('--cluster-admin', 'it may do everything').conflicts(['namespaced', 'kinds']))
    .addOption(
      new Option('--namespaced <names>', 'it may manage these namespaces only, such as shop,mail')
        .argParser(listArgument)
        .conflicts('kinds'),
    )
    .addOption(
      new Option(
        '--kinds <kinds>',
        'it may manage these only, such as apps/deployments,configmaps',
      ).argParser(listArgument),
    )
    .option('--impersonate', 'it may write in the name of service accounts (sync.serviceAccount)')
    .option('--replicas <count>', 'replicas, of which one works (default 1)', countArgument)
    .addHelpText('after', help);
  clientCommand(command, io, async ({ client, io: { stderr } }, options) => {
    const body = {
      cluster: options['cluster'],
      image: options['image'],
      namespace: options['namespace'],
      hubAddress: options['hubAddress'],
      enrolmentAddress: options['enrolmentAddress'],
      expiresInSeconds: options['expires'],
      rights: rightsOf(options),
      impersonate: options['impersonate'],
      replicas: options['replicas'],
    };
    const response = await client.open('POST', '/api/v1/agent-manifests', { body });
    const manifests = await response.text();
    io.stdout(manifests);
    stderr(notesOnManifests(manifests));
  });
}

function rightsOf(options: Record<string, unknown>): unknown {
  if (options['clusterAdmin'] === true) return { mode: 'cluster-admin' };
  if (options['namespaced'] !== undefined) return { mode: 'namespaces', namespaces: options['namespaced'] };
  if (options['kinds'] !== undefined) return { mode: 'kinds', kinds: options['kinds'] };
  return undefined;
}
