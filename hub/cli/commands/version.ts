import type { Command } from 'commander';
import { stringify } from 'yaml';
import { createClient } from '../client.ts';
import { withConnection, withOutput } from '../command.ts';
import type { CliIo } from '../io.ts';
import type { Programs } from '../programs.ts';
import { type ConnectionOptions, loadConnection } from '../settings.ts';

interface Versions {
  readonly fairway: string;
  readonly node: string;
  /** Undefined: not asked. */
  readonly hub?: string;
}

/** `fairway version`: this program's, and with `--hub` the hub's. */
export function addVersion(program: Command, io: CliIo, programs: Programs): void {
  withOutput(
    withConnection(
      program
        .command('version')
        .summary("show this program's version, or the hub's")
        .description("Shows this program's version.")
        .option('--hub', "the hub's, too"),
    ),
  ).action(async (_: unknown, command: Command) => {
    const options = command.optsWithGlobals<ConnectionOptions & { output: string; hub?: boolean }>();
    let versions: Versions = { fairway: await programs.version(), node: process.versions.node };
    if (options.hub === true) {
      const client = createClient(await loadConnection(options, io), io);
      const { version } = await client.get<{ version: string }>('/api/v1/hub');
      versions = { ...versions, hub: version };
    }
    if (options.output === 'json') return io.stdout(JSON.stringify(versions, null, 2) + '\n');
    if (options.output === 'yaml') return io.stdout(stringify(versions));
    const lines = Object.entries(versions).map(([name, version]) => `${name.padEnd(8)}${version}`);
    return io.stdout(lines.join('\n') + '\n');
  });
}
