import type { Command } from 'commander';
import { plural } from '../../../shared/text/plural.ts';
import { clientCommand } from '../command.ts';
import type { CliIo } from '../io.ts';

interface Forgotten {
  readonly certificates: number;
  readonly tokens: number;
  readonly assignments: number;
  readonly removals: number;
}

/** `fairway agent forget`: a cluster that is gone for good leaves the hub, too. */
export function addAgentForget(agent: Command, io: CliIo): void {
  const command = agent
    .command('forget')
    .summary('forget a cluster that is gone for good')
    .description(
      'Revokes its certificates and tokens, ends removals that wait for it, and deletes what the hub knows of it. Take its Cluster out of Git first. What runs there, if it is still there, stays.',
    )
    .argument('<cluster>', 'the cluster that is gone')
    .requiredOption('--reason <text>', 'why; it goes into the audit log');
  clientCommand(command, io, async ({ client, print }, options, [cluster = '']) => {
    const path = `/api/v1/clusters/${encodeURIComponent(cluster)}/forget`;
    const forgotten = await client.post<Forgotten>(path, { reason: options['reason'] });
    print.value(forgotten, ({ certificates, tokens, assignments, removals }) => {
      const revoked = `${plural(certificates, 'certificate')} and ${plural(tokens, 'token')} revoked`;
      const ended = `${plural(assignments, 'assignment')} ended (${plural(removals, 'removal')} waited for it)`;
      return `Forgot ${cluster}: ${revoked}, ${ended}.\n`;
    });
  });
}
