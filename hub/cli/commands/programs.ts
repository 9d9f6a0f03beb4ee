import type { Command } from 'commander';
import { listArgument } from '../command.ts';
import type { CliIo } from '../io.ts';
import type { Programs } from '../programs.ts';

const hubHelp = `
Every setting of the configuration file can be given by an environment variable, too: see the README. On a first start the
hub prints an admin token of the API, once.

Examples:
  fairway hub --root-url https://git.example/fleet.git
  fairway hub --config /etc/fairway/hub.yaml`;

/** `hub`, `agent` and `demo`. @returns the agent's command, for `agent install`. */
export function addPrograms(
  program: Command,
  io: CliIo,
  programs: Programs,
  setExitCode: (code: number) => void,
): Command {
  program
    .command('hub')
    .summary('run the hub')
    .description('Runs the hub until it is told to end.')
    .option('--config <file>', 'configuration file [FAIRWAY_CONFIG]')
    .option('--root-url <url>', 'the fleet repository, by HTTP(S) or as a local path [FAIRWAY_ROOT_URL]')
    .option('--root-ref <ref>', 'its branch or tag [FAIRWAY_ROOT_REF]')
    .option('--data-dir <folder>', 'where the hub keeps its data [FAIRWAY_DATA_DIR]')
    .option('--listen-api <host:port>', 'where the API listens [FAIRWAY_API_LISTEN]')
    .option('--listen-agent <host:port>', 'where agents connect [FAIRWAY_AGENT_LISTEN]')
    .option('--listen-enrolment <host:port>', 'where agents enrol [FAIRWAY_ENROLMENT_LISTEN]')
    .option('--log-level <level>', 'debug, info, warn or error [FAIRWAY_LOG_LEVEL]')
    .option('--log-format <format>', 'json or text [FAIRWAY_LOG_FORMAT]')
    .addHelpText('after', hubHelp)
    .action(async (options: Readonly<Record<string, string | undefined>>) => {
      const overrides = {
        'root.url': options['rootUrl'],
        'root.ref': options['rootRef'],
        dataDir: options['dataDir'],
        'listen.api': options['listenApi'],
        'listen.agent': options['listenAgent'],
        'listen.enrolment': options['listenEnrolment'],
        'log.level': options['logLevel'],
        'log.format': options['logFormat'],
      };
      const configPath = options['config'] ?? (io.env['FAIRWAY_CONFIG'] || undefined);
      setExitCode(await programs.runHub({ configPath, overrides, env: io.env, signal: io.signal }));
    });
  const agent = program
    .command('agent')
    .summary('run an agent, or print what installs one')
    .description(
      'Runs an agent in a process of its own, with the options that follow, until it is told to end.',
    )
    .usage(
      '[agent options] | install [options] | revoke CLUSTER [options] | forget CLUSTER [options] | diagnostics CLUSTER [options] | status [options]',
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_: unknown, command: Command) => {
      setExitCode(await programs.runAgent(command.args, io));
    });
  program
    .command('demo')
    .summary('see the whole loop on this machine')
    .description('Starts a Git server, a hub and four agents on this machine, tells the story, and stays up.')
    .option('--once', 'tell the story and end: 0, or 1 with what did not happen')
    .option(
      '--contexts <names>',
      'use these contexts of your kubeconfig instead of simulated clusters',
      listArgument,
      [],
    )
    .action(async (options: { readonly once?: boolean; readonly contexts: readonly string[] }) => {
      setExitCode(await programs.runDemo({ once: options.once === true, contexts: options.contexts }, io));
    });
  return agent;
}
