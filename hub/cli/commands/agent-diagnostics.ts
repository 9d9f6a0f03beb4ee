import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import { createClient } from '../client.ts';
import { withConnection } from '../command.ts';
import type { CliIo } from '../io.ts';
import { loadConnection } from '../settings.ts';

/** `fairway agent diagnostics`: what an agent knows of itself, into a file. */
export function addAgentDiagnostics(agent: Command, io: CliIo): void {
  const command = withConnection(agent.command('diagnostics'))
    .summary("fetch an agent's diagnostics")
    .description(
      'Asks the agent, through the hub, for its states, counts, errors and the end of its log. There are no secrets and no manifests in it; the request is audited.',
    )
    .argument('<cluster>', 'the cluster whose agent is asked')
    .option('-o, --output <file>', 'where to write it (default: standard output)');
  command.action(async (cluster: string) => {
    const options: Record<string, unknown> = command.optsWithGlobals();
    const client = createClient(await loadConnection(options, io), io);
    const response = await client.open('GET', `/api/v1/clusters/${encodeURIComponent(cluster)}/diagnostics`);
    const text = await response.text();
    const file = options['output'];
    if (typeof file !== 'string' || file === '-') {
      io.stdout(text.endsWith('\n') ? text : `${text}\n`);
      return;
    }
    try {
      await writeFile(file, text, { mode: 0o600 });
    } catch (cause) {
      throw new FairwayError('failed_precondition', `${file} cannot be written`, { cause });
    }
    io.stdout(`Wrote the diagnostics of ${cluster} to ${file}.\n`);
  });
}
