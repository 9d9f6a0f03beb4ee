import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Client, createClient } from './client.ts';
import type { CliIo } from './io.ts';
import { createPrinter, type OutputFormat, type Printer } from './output/printer.ts';
import { parseDurationSeconds } from './output/relative-time.ts';
import { type ConnectionOptions, loadConnection } from './settings.ts';

/** What a command that asks the hub is given. */
export interface ClientContext {
  readonly client: Client;
  readonly print: Printer;
  readonly io: CliIo;
}

interface CommonOptions extends ConnectionOptions {
  readonly output?: OutputFormat;
}

/** Adds `--server`, `--token`, `--token-file`, which commands of the same name take from the environment and the settings file, too. */
export function withConnection(command: Command): Command {
  return command
    .addOption(new Option('--server <url>', 'address of the hub [FAIRWAY_SERVER]').helpGroup('Connection:'))
    .addOption(new Option('--token <token>', 'token of the API [FAIRWAY_TOKEN]').helpGroup('Connection:'))
    .addOption(new Option('--token-file <file>', 'file that holds the token').helpGroup('Connection:'));
}

/** Adds what commands take with `--path` that read a fleet repository on disk. */
export function withFleetOnDisk(command: Command): Command {
  return command
    .option('--fleet-folder <folder>', 'with --path: where its fleet resources are', 'fleet')
    .option('--allow-remote', 'with --path: fetch other repositories, without credentials');
}

/** Adds `-o`, for people by default. */
export function withTextOutput(command: Command, others: readonly string[]): Command {
  const option = new Option('-o, --output <format>', 'how to show it (default text)');
  return command.addOption(option.choices(['text', ...others]));
}

/** Adds `-o` with formats of its own, the first by default. */
export function withOutputFormats(command: Command, formats: readonly [string, ...string[]]): Command {
  const option = new Option('-o, --output <format>', `how to show it (default ${formats[0]})`);
  return command.addOption(option.choices(formats));
}

/** Adds `-o table|json|yaml`; table where it is not given. */
export function withOutput(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'how to show it (default table)').choices(['table', 'json', 'yaml']),
  );
}

/** A command that asks the hub: connection and output options, and an action with the client made from them. */
export function clientCommand(
  command: Command,
  io: CliIo,
  run: (context: ClientContext, options: Record<string, unknown>, args: readonly string[]) => Promise<void>,
): Command {
  withOutput(withConnection(command));
  return command.action(async () => {
    // Options given before the command's name count as well.
    const options: CommonOptions & Record<string, unknown> = command.optsWithGlobals();
    const client = createClient(await loadConnection(options, io), io);
    const print = createPrinter(options.output ?? 'table', io);
    await run({ client, print, io }, options, command.processedArgs.flat() as string[]);
  });
}

/** For commander: `1h`, `30m`, as seconds. */
export function durationArgument(text: string): number {
  const seconds = parseDurationSeconds(text);
  if (seconds === undefined)
    throw new InvalidArgumentError('Expected a duration such as 90s, 30m, 1h or 2d.');
  return seconds;
}

/** For commander: `a,b,c`. */
export function listArgument(text: string): readonly string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.some((item) => item === ''))
    throw new InvalidArgumentError('Expected names with commas between.');
  return items;
}

/** For commander: a whole number from 1. */
export function countArgument(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('Expected a number from 1.');
  return count;
}
