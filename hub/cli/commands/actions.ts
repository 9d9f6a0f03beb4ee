import type { Command } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import { plural } from '../../../shared/text/plural.ts';
import type { ApiConfirmation } from '../../api/schemas/confirmation.ts';
import type { ApiRollout } from '../../api/schemas/rollout.ts';
import { type ClientContext, clientCommand, durationArgument } from '../command.ts';
import type { CliIo } from '../io.ts';
import { renderRelative } from '../output/relative-time.ts';

type Options = Record<string, unknown>;

/** `sync`, `pause`, `resume` and `confirm`: what an operator may do. Each may be repeated. */
export function addActions(program: Command, io: CliIo): void {
  clientCommand(
    program
      .command('sync')
      .summary('look at Git and at clusters now')
      .description('Looks at Git now, and asks agents to look at their clusters again. Does not wait.')
      .argument('[application]', 'this application only')
      .option('--cluster <name>', 'in this cluster only')
      .option(
        '--all-at-once',
        'lift all gates of its rollout that is under way: an emergency, with --reason; needs a token of scope emergency',
      )
      .option('--reason <text>', 'why, with --all-at-once; people will read it'),
    io,
    sync,
  );
  clientCommand(
    program
      .command('pause')
      .summary('stop syncing and healing for a while')
      .description('Stops syncing and healing for a while; it ends by itself.')
      .argument('<place>', 'CLUSTER, or CLUSTER/APPLICATION')
      .requiredOption('--for <duration>', 'how long, such as 1h', durationArgument)
      .requiredOption('--reason <text>', 'why; people will read it'),
    io,
    pause,
  );
  clientCommand(
    program
      .command('resume')
      .summary('end a pause')
      .description('Ends a pause.')
      .argument('<place>', 'CLUSTER, or CLUSTER/APPLICATION'),
    io,
    resume,
  );
  clientCommand(
    program
      .command('confirm')
      .summary('let a held removal happen')
      .description('Lets a held removal happen; see `fairway get confirmations`.')
      .argument('<id>', 'of the confirmation')
      .option(
        '--reason <text>',
        'why; kept with your name. Needed for objects within an application (prune-...)',
      ),
    io,
    confirm,
  );
}

/** `CLUSTER` or `CLUSTER/APPLICATION`. */
function parsePlace(text: string): { readonly cluster: string; readonly application?: string } {
  const [cluster = '', application, ...rest] = text.split('/');
  if (cluster === '' || application === '' || rest.length > 0)
    throw new FairwayError('invalid_argument', `"${text}" is neither CLUSTER nor CLUSTER/APPLICATION.`);
  return application === undefined ? { cluster } : { cluster, application };
}

interface SyncStarted {
  readonly sources: number;
  readonly agents: readonly string[];
  readonly away: readonly string[];
}

async function sync({ client, print }: ClientContext, options: Options, [application]: readonly string[]) {
  const cluster = options['cluster'] as string | undefined;
  if (options['allAtOnce']) return lift({ client, print }, options, application);
  const started = await client.post<SyncStarted>('/api/v1/sync', { application, cluster });
  print.value(started, ({ sources, agents, away }) => {
    const lines = [`Looking at ${plural(sources, 'repository', 'repositories')} now.`];
    if (agents.length > 0) lines.push(`Asked the agents of ${agents.join(', ')} to look again.`);
    if (away.length > 0)
      lines.push(`${away.join(', ')}: no agent is connected; catches up when it comes back.`);
    return lines.join('\n') + '\n';
  });
}

async function lift(
  { client, print }: Pick<ClientContext, 'client' | 'print'>,
  { reason, cluster }: Options,
  application: string | undefined,
) {
  if (application === undefined || cluster !== undefined)
    throw new FairwayError('invalid_argument', '--all-at-once is for one application, in all its clusters.');
  if (reason === undefined)
    throw new FairwayError('invalid_argument', '--all-at-once needs --reason: say why no gate shall count.');
  const path = `/api/v1/applications/${encodeURIComponent(application)}/rollout/all-at-once`;
  const rollout = await client.post<ApiRollout>(path, { reason });
  print.value(
    rollout,
    ({ phase, message }) => `${application}: ${phase}, all at once${message === '' ? '' : `: ${message}`}\n`,
  );
}

async function pause({ client, print }: ClientContext, options: Options, [place = '']: readonly string[]) {
  const body = { ...parsePlace(place), durationSeconds: options['for'], reason: options['reason'] };
  const paused = await client.post<{ readonly until: string }>('/api/v1/pause', body);
  print.value(
    paused,
    ({ until }) => `Paused ${place}; it ends by itself ${renderRelative(until, print.nowMs)} (${until}).\n`,
  );
}

async function resume({ client, print }: ClientContext, _: Options, [place = '']: readonly string[]) {
  const result = await client.post<{ readonly resumed: boolean }>('/api/v1/resume', parsePlace(place));
  print.value(result, ({ resumed }) => (resumed ? `Resumed ${place}.\n` : `${place} was not paused.\n`));
}

async function confirm({ client, print }: ClientContext, options: Options, [id = '']: readonly string[]) {
  const path = `/api/v1/confirmations/${encodeURIComponent(id)}/confirm`;
  const confirmation = await client.post<ApiConfirmation>(path, { reason: options['reason'] });
  print.value(confirmation, ({ message, confirmedBy }) => `Confirmed by ${confirmedBy}: ${message}\n`);
}
