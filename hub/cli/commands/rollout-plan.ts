import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { ApiRolloutPlan } from '../../api/schemas/rollout-plan.ts';
import { createClient } from '../client.ts';
import { withConnection } from '../command.ts';
import type { CliIo } from '../io.ts';
import { createColours } from '../output/colour.ts';
import { loadConnection } from '../settings.ts';

type Options = Readonly<Record<string, string | undefined>>;

const help = `
REVISION is a branch, tag or commit of the fleet repository. The hub renders it for every cluster and plans it as if it had
been merged now; nothing is changed. Values of Secrets are never shown.

Examples:
  fairway rollout plan feature/new-image
  fairway rollout plan feature/new-image --application web -o markdown > comment.md`;

/** `rollout plan`: waves, clusters, gates and changes of a revision, before anything happens. */
export function addRolloutPlan(group: Command, io: CliIo): void {
  const command = withConnection(
    group
      .command('plan')
      .summary('show which rollouts a revision would begin, before anything happens')
      .description(
        'Shows which rollouts a revision would begin: waves, clusters, gates, bounds, and what changes in each wave.',
      )
      .argument('<revision>', 'a branch, tag or commit')
      .option('--application <name>', 'of this application only'),
  );
  command
    .addOption(
      new Option('-o, --output <format>', 'how to show it (default table)').choices([
        'table',
        'json',
        'yaml',
        'markdown',
      ]),
    )
    .addHelpText('after', help)
    .action(async (revision: string, _: unknown, given: Command) => {
      const options = given.optsWithGlobals<Options>();
      const client = createClient(await loadConnection(options, io), io);
      const { application, output } = options;
      const plan = await client.get<ApiRolloutPlan>('/api/v1/rollouts/plan', { revision, application });
      io.stdout(await renderPlan(plan, output, io));
    });
}

async function renderPlan(plan: ApiRolloutPlan, format: string | undefined, io: CliIo): Promise<string> {
  if (format === 'json') return `${JSON.stringify(plan, null, 2)}\n`;
  if (format === 'yaml') return stringify(plan);
  // Loaded only here: the rest of the command line stays small.
  const { renderPlanMarkdown, renderPlanText } = await import('../output/render-plan.ts');
  return format === 'markdown' ? renderPlanMarkdown(plan) : renderPlanText(plan, createColours(io));
}
