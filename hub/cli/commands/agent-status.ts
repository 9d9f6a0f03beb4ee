import type { Command } from 'commander';
import type { CliIo } from '../io.ts';
import type { Programs } from '../programs.ts';

/** `fairway agent status`: told by the agent's own program, which speaks with its endpoint and with Kubernetes. */
export function addAgentStatus(
  agent: Command,
  io: CliIo,
  programs: Programs,
  setExitCode: (code: number) => void,
): void {
  agent
    .command('status')
    .summary('how the agent of a cluster is')
    .description('Asks an agent itself, or reads what it keeps in its cluster. Needs no hub.')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(async (_: unknown, command: Command) => {
      setExitCode(await programs.runAgent(['status', ...command.args], io));
    });
}
