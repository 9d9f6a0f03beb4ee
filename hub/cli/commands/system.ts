import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import { createClient } from '../client.ts';
import { type ClientContext, clientCommand, countArgument } from '../command.ts';
import type { CliIo } from '../io.ts';
import { readStandardInput } from '../read-standard-input.ts';
import { checkServer, saveSettings } from '../settings.ts';

type Options = Record<string, unknown>;

/** `login`, `schema`, `backup` and `logs`. */
export function addSystem(program: Command, io: CliIo): void {
  program
    .command('login')
    .summary('keep an address and a token for later commands')
    .description('Checks an address and a token and keeps them for later commands, readable by you only.')
    .option('--server <url>', 'address of the hub')
    .option('--token <token>', 'token of the API; `-` reads it from standard input')
    .action(async (_: unknown, command: Command) => login(command.optsWithGlobals(), io));
  clientCommand(
    program
      .command('backup')
      .summary("write a copy of the hub's store")
      .description(
        "Writes a consistent copy of the hub's store while it runs. It holds the hub's CA: keep it safe.",
      )
      .requiredOption('--out <file>', 'where to; must not be there yet'),
    io,
    backup,
  );
  clientCommand(
    program
      .command('logs')
      .summary("show the end of a container's log")
      .description("Shows the end of a container's log, asked of the cluster's agent.")
      .argument('<cluster>', 'the cluster')
      .argument('<pod>', 'NAMESPACE/POD')
      .option('-c, --container <name>', 'needed where the pod has several')
      .option('--tail <lines>', 'how many lines, at most 1000', countArgument, 100)
      .option('--previous', 'of the container before its restart'),
    io,
    logs,
  );
}

async function login(options: Options, io: CliIo) {
  if (options['server'] === undefined || options['token'] === undefined)
    throw new FairwayError('invalid_argument', 'Give --server and --token.', {
      details: { hint: 'The hub prints its first token when it starts for the first time.' },
    });
  const server = checkServer(String(options['server']));
  const token = options['token'] === '-' ? (await readStandardInput()).trim() : String(options['token']);
  const hub = await createClient({ server, token }, io).get<{
    version: string;
    caller: { name: string; scope: string };
  }>('/api/v1/hub');
  const path = await saveSettings({ server, token }, io);
  const { name, scope } = hub.caller;
  io.stdout(
    `Logged in to ${server} (version ${hub.version}) as "${name}", scope ${scope}. Kept in ${path}.\n`,
  );
}

async function backup({ client, io }: ClientContext, options: Options) {
  const path = resolve(io.cwd, String(options['out']));
  // Opened before the hub is asked, so that a mistake in the path costs nothing.
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST')
      throw new FairwayError('already_exists', `${path} is there already.`, {
        details: { hint: 'Name another file with --out.' },
      });
    throw new FairwayError('failed_precondition', `${path} cannot be written (${cause.code}).`, { cause });
  });
  let bytes = 0;
  try {
    const response = await client.open('POST', '/api/v1/backup');
    const expected = Number(response.headers.get('content-length'));
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      await file.write(chunk);
    }
    if (expected > 0 && bytes !== expected)
      throw new FairwayError('unavailable', `The backup ended after ${bytes} of ${expected} bytes.`);
    await file.sync();
  } catch (error) {
    const { unlink } = await import('node:fs/promises');
    await unlink(path);
    throw error;
  } finally {
    await file.close();
  }
  io.stderr(`Wrote ${bytes} bytes to ${path}.\n`);
}

async function logs({ client, io }: ClientContext, options: Options, args: readonly string[]) {
  const [cluster = '', place = ''] = args;
  const [namespace, pod, ...rest] = place.split('/');
  if (!namespace || !pod || rest.length > 0)
    throw new FairwayError('invalid_argument', `"${place}" is not NAMESPACE/POD.`);
  const response = await client.open('GET', `/api/v1/clusters/${encodeURIComponent(cluster)}/logs`, {
    query: {
      namespace,
      pod,
      container: options['container'] as string | undefined,
      tail: options['tail'] as number,
      previous: options['previous'] === true,
    },
  });
  io.stdout(await response.text());
  if (response.headers.get('x-truncated') === 'true')
    io.stderr('fairway: the log was cut to what an answer may hold; ask for fewer lines with --tail\n');
}
