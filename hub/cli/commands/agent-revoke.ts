import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import type { CliIo } from '../io.ts';

/** `fairway agent revoke`: ends a cluster's agent's right to speak. */
export function addAgentRevoke(agent: Command, io: CliIo): void {
  const command = agent
    .command('revoke')
    .summary("revoke a cluster's certificates")
    .description('Ends the session of the agent and refuses it from now on. Its cluster keeps what it runs.')
    .argument('<cluster>', 'the cluster whose agent shall be kept out')
    .requiredOption('--reason <text>', 'why; it goes into the audit log');
  clientCommand(command, io, async ({ client }, options, [cluster = '']) => {
    const path = `/api/v1/clusters/${encodeURIComponent(cluster)}/revoke`;
    const { certificates } = await client.post<{ readonly certificates: number }>(path, {
      reason: options['reason'],
    });
    io.stdout(
      `Revoked ${certificates} certificate${certificates === 1 ? '' : 's'} of ${cluster}; enrol it anew to let it back.\n`,
    );
  });
}
