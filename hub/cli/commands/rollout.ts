import type { Command } from 'commander';
import type { ApiRollout } from '../../api/schemas/rollout.ts';
import type { Client } from '../client.ts';
import { type ClientContext, clientCommand } from '../command.ts';
import type { CliIo } from '../io.ts';
import type { Printer } from '../output/printer.ts';

import { loadOpenFailovers, renderOpenFailovers } from './open-failovers.ts';
import { renderRollout } from './render-rollout.ts';
import { addRolloutHistory } from './rollout-history.ts';
import { addRolloutPlan } from './rollout-plan.ts';
import { colourState, shortRevision } from './words.ts';

type Options = Record<string, unknown>;

/** What an operator may do, with who may be named and what for. */
const actions = [
  ['approve', 'let a wave that waits for an approval go on', 'wave'],
  ['reject', 'refuse a wave that waits for an approval; the rollout stops as its strategy says', 'wave'],
  [
    'promote',
    'skip the rest of a soak, or an analysis that stopped it; or begin a release that waits for another environment',
    'wave',
  ],
  ['pause', 'assign nothing more until it is resumed', ''],
  ['resume', 'go on after a pause', ''],
  ['abort', 'end it; every cluster keeps what it has', ''],
  ['rollback', 'take every touched cluster back to its last healthy Target', ''],
  ['retry', 'try again what failed, and let go of what is held', 'cluster'],
  ['exclude', 'go on without a cluster', 'cluster'],
] as const;

/** `rollout`: where rollouts stand, and what may be done to them. */
export function addRollout(program: Command, io: CliIo): void {
  const group = program
    .command('rollout')
    .summary('see and steer rollouts')
    .description('Rollouts of applications: where they stand, and what may be done to them.');
  clientCommand(
    group
      .command('status')
      .summary('show where rollouts stand, and what they wait for')
      .description('Shows where rollouts stand; of one application, wave by wave and cluster by cluster.')
      .argument('[application]', 'this one, in full'),
    io,
    status,
  );
  addRolloutPlan(group, io);
  addRolloutHistory(group, io);
  for (const [name, summary, about] of actions) {
    const command = group
      .command(name)
      .summary(summary)
      .description(
        `${summary[0]?.toUpperCase() ?? ''}${summary.slice(1)}. Said twice it changes nothing more.`,
      )
      .argument('<application>', 'whose rollout')
      .requiredOption('--reason <text>', 'why; people will read it');
    command.option(
      '--rollout <id>',
      'only if this is the rollout still, as `fairway rollout status` shows it',
    );
    if (about === 'wave')
      command.option(
        '--wave <name>',
        'of this wave; else the one under way, which may be another when it is said again',
      );
    if (about === 'cluster' && name === 'exclude') command.requiredOption('--cluster <name>', 'this cluster');
    if (about === 'cluster' && name === 'retry')
      command.option('--cluster <name>', 'this cluster only; one that was excluded takes part again');
    clientCommand(command, io, (context, options, args) => act(context, options, args, name));
  }
}

async function status({ client, print }: ClientContext, _options: Options, [application]: readonly string[]) {
  if (application !== undefined) {
    const path = `/api/v1/applications/${encodeURIComponent(application)}/rollout`;
    const rollout = await client.get<ApiRollout>(path);
    const clusters = new Set(rollout.waves.flatMap((wave) => wave.clusters.map((one) => one.cluster)));
    const under = await openFailovers(client, print, clusters);
    return print.value(rollout, () => `${under}${renderRollout(rollout, print)}`);
  }
  const under = await openFailovers(client, print);
  if (under !== '') print.text(under);
  const { items } = await client.get<{ readonly items: readonly ApiRollout[] }>('/api/v1/rollouts');
  print.table(
    items,
    [
      ['APPLICATION', (rollout) => rollout.application],
      ['STRATEGY', ({ strategy }) => strategy || '-'],
      ['REVISION', ({ revisionId }) => shortRevision(revisionId)],
      ['PHASE', ({ phase }) => colourState(print.colours, phase)],
      ['WAVES', ({ waves }) => `${waves.filter(({ state }) => state === 'Done').length}/${waves.length}`],
      ['MESSAGE', ({ message }) => message],
    ],
    'No application has a rollout: nothing was released yet.',
  );
}

/** Roles that a failover gives are in no rollout's own state: they are told before it. Empty for programs, who ask for them. */
async function openFailovers(
  client: Client,
  print: Printer,
  clusters?: ReadonlySet<string>,
): Promise<string> {
  return print.format === 'table'
    ? renderOpenFailovers(await loadOpenFailovers(client), print, clusters)
    : '';
}

async function act(
  { client, print }: ClientContext,
  options: Options,
  [application = '']: readonly string[],
  action: string,
) {
  const { reason, wave, cluster, rollout: releaseId } = options;
  const path = `/api/v1/applications/${encodeURIComponent(application)}/rollout/actions`;
  const rollout = await client.post<ApiRollout>(path, { action, reason, wave, cluster, rollout: releaseId });
  print.value(
    rollout,
    ({ phase, message }) => `${application}: ${phase}${message === '' ? '' : `: ${message}`}\n`,
  );
}
