import { Command, CommanderError, Option } from 'commander';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { withConnection } from './command.ts';
import { addActions } from './commands/actions.ts';
import { addAdopt } from './commands/adopt.ts';
import { addAgentDiagnostics } from './commands/agent-diagnostics.ts';
import { addAgentForget } from './commands/agent-forget.ts';
import { addAgentInstall } from './commands/agent-install.ts';
import { addAgentRevoke } from './commands/agent-revoke.ts';
import { addAgentStatus } from './commands/agent-status.ts';
import { addDiff } from './commands/diff.ts';
import { addExplain } from './commands/explain.ts';
import { addFailover } from './commands/failover.ts';
import { addGet } from './commands/get.ts';
import { addHealth } from './commands/health.ts';
import { addParity } from './commands/parity.ts';
import { addPrograms } from './commands/programs.ts';
import { addRender } from './commands/render.ts';
import { addRollout } from './commands/rollout.ts';
import { addSchema } from './commands/schema.ts';
import { addStatus } from './commands/status.ts';
import { addSystem } from './commands/system.ts';
import { addToken } from './commands/token.ts';
import { addValidate } from './commands/validate.ts';
import { addVersion } from './commands/version.ts';
import { addExamples } from './examples.ts';
import { exitCodeHelp, exitCodeOf, exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import type { Programs } from './programs.ts';
import { renderError } from './render-error.ts';

const footer = `
Connection: --server, --token and --token-file, or FAIRWAY_SERVER and FAIRWAY_TOKEN, or what \`fairway login\` kept in
~/.config/fairway/config.json. NO_COLOR turns colours off.

${exitCodeHelp}`;

/** The whole command. `setExitCode` is for programs that end with a code of their own. */
export function createProgram(io: CliIo, programs: Programs, setExitCode: (code: number) => void): Command {
  const program = new Command('fairway')
    .description('A GitOps hub for fleets of Kubernetes clusters.')
    .exitOverride()
    .configureOutput({
      writeOut: io.stdout,
      writeErr: io.stderr,
      outputError: () => {},
      getOutHelpWidth: () => io.columns ?? 100,
    })
    .showSuggestionAfterError()
    .addHelpText('after', footer);
  withConnection(program);
  program.addOption(
    new Option('-o, --output <format>', 'how to show it: table, json, yaml, or as the command says'),
  );
  program.hook('preAction', (_, command) => checkOutput(command));
  program.commandsGroup('Look:');
  addStatus(program, io);
  addGet(program, io);
  addRender(program, io);
  addExplain(program, io);
  addDiff(program, io, setExitCode);
  addParity(program, io, setExitCode);
  addValidate(program, io, programs, setExitCode);
  addHealth(program, io, setExitCode);
  addSchema(program, io);
  addAdopt(program, io);
  program.commandsGroup('Act:');
  addActions(program, io);
  addRollout(program, io);
  addFailover(program, io, setExitCode);
  program.commandsGroup('Run:');
  const agent = addPrograms(program, io, programs, setExitCode);
  addAgentInstall(agent, io);
  addAgentRevoke(agent, io);
  addAgentForget(agent, io);
  addAgentDiagnostics(agent, io);
  addAgentStatus(agent, io, programs, setExitCode);
  program.commandsGroup('Administer:');
  addToken(program, io);
  addSystem(program, io);
  addVersion(program, io, programs);
  inheritSettings(program);
  addExamples(program);
  return program;
}

/** Each command has formats of its own; the option may stand before its name, where they are not known yet. */
function checkOutput(command: Command): void {
  const option = command.options.find(({ long }) => long === '--output');
  const given: unknown = command.optsWithGlobals()['output'];
  if (!option?.argChoices || given === undefined || option.argChoices.includes(String(given))) return;
  command.error(
    `option '${option.flags}' argument '${given}' is invalid. Allowed choices are ${option.argChoices.join(', ')}.`,
    { code: 'commander.invalidArgument' },
  );
}

/** Commander copies these to a subcommand only when it is made after them; groups come in between here. */
function inheritSettings(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritSettings(child);
  }
}

/** Runs one command line, without the program's name. Resolves to the exit code; errors are on standard error. */
export async function runCli(argv: readonly string[], io: CliIo, programs: Programs): Promise<number> {
  let exitCode: number = exitCodes.ok;
  let program: Command | undefined;
  // What follows `agent` is the agent's own, but for its subcommands and help.
  if (
    argv[0] === 'agent' &&
    !['install', 'revoke', 'forget', 'diagnostics'].includes(argv[1] ?? '') &&
    (argv[1] === 'status' || !isHelp(argv.slice(1)))
  )
    return programs.runAgent(argv.slice(1), io);
  try {
    program = createProgram(io, programs, (code) => {
      exitCode = code;
    });
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (caught) {
    // The agent's own options are told by the agent.
    if (argv[0] === 'agent' && argv.length === 2 && isHelp(argv)) return programs.runAgent(['--help'], io);
    if (caught instanceof CommanderError) return reportUsage(caught, argv, program, io);
    const error = io.signal.aborted
      ? new FairwayError('cancelled', 'interrupted', { cause: caught })
      : toFairwayError(caught);
    io.stderr(renderError(error));
    if (io.env['FAIRWAY_DEBUG'] && error.cause instanceof Error) io.stderr(`${error.cause.stack}\n`);
    return exitCodeOf(error.code);
  }
}

function isHelp(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--help' || arg === '-h');
}

/** Commander's complaints in the style of every other error. */
function reportUsage(
  error: CommanderError,
  argv: readonly string[],
  program: Command | undefined,
  io: CliIo,
): number {
  if (error.exitCode === 0) return exitCodes.ok;
  if (error.code === 'commander.help') {
    return exitCodes.usage;
  }
  const message = error.message.replace(/^error: /, '');
  const command = ['fairway', ...wordsOf(program, argv)].join(' ');
  io.stderr(`fairway: ${message.replaceAll('\n', '\n  ')}\n  See \`${command} --help\`.\n`);
  return exitCodes.usage;
}

/** The words of the innermost command that a command line names. */
function wordsOf(program: Command | undefined, argv: readonly string[]): readonly string[] {
  const [word, ...rest] = argv.filter((arg) => !arg.startsWith('-'));
  const named = program?.commands.find((one) => one.name() === word || one.aliases().includes(word ?? ''));
  return named === undefined ? [] : [named.name(), ...wordsOf(named, rest)];
}
