import type { Command } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import type { ApiFailover, ApiFailoverPlan } from '../../api/schemas/failover.ts';
import type { Client } from '../client.ts';
import { type ClientContext, clientCommand, durationArgument } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import type { Printer } from '../output/printer.ts';
import { renderRelative } from '../output/relative-time.ts';
import { renderFailover, timeText } from './render-failover.ts';

type Options = Readonly<Record<string, unknown>>;
type SetExitCode = (code: number) => void;

const help = `
A failover switches the roles of two clusters by a commit in the fleet repository, and gives the new primary its Targets first.
Where Git is down, --override lets the hub's own word count for a time; it is committed when Git is back.

Examples:
  fairway failover plan shop-eu
  fairway failover start shop-eu --reason "eu-1 is dark" --confirm
  fairway failover start shop-eu --reason "eu-1 is dark, so is Git" --override --for 4h --confirm
  fairway failover start shop-eu --reason "quarterly drill" --drill
  fairway failover back shop-eu --reason "eu-1 is whole again" --confirm`;

/** `fairway failover`: let a standby take over, see how far it is, and go back. */
export function addFailover(program: Command, io: CliIo, setExitCode: SetExitCode): void {
  const group = program
    .command('failover')
    .summary('let a standby take over its primary')
    .description('Lets the standby of a parity group take over, follows it to ready, and goes back.')
    .addHelpText('after', help);
  const plan = group
    .command('plan')
    .summary('show what a failover would change, and what stands against it')
    .description(
      'Shows what a failover would change, whether the standby is ready, and what has to be confirmed.',
    )
    .argument('<group>', 'a ParityGroup')
    .option('--to <cluster>', 'this standby; else the only one')
    .option('--back', 'of the way back')
    .option('--drill', 'of a drill');
  clientCommand(plan, io, showPlan);
  for (const name of ['start', 'back'] as const) addStart(group, io, name);
  const revoke = group
    .command('revoke')
    .summary('end a failover that is not in Git yet')
    .description('Ends a failover that is not in Git yet: roles come back as Git has them.')
    .argument('<group>', 'a ParityGroup')
    .requiredOption('--reason <text>', 'why; people will read it');
  clientCommand(revoke, io, async ({ client, print }, { reason }, [name = '']) =>
    print.value(await client.post<ApiFailover>(`${pathOf(name)}/revoke`, { reason }), (one) =>
      renderFailover(one, print),
    ),
  );
  const extend = group
    .command('extend')
    .summary("let the hub's own word on the roles last longer")
    .description("Lets the hub's own word on the roles last longer, where Git is still down.")
    .argument('<group>', 'a ParityGroup')
    .requiredOption('--for <duration>', 'how long from now, such as 4h; a week at most', durationArgument)
    .requiredOption('--reason <text>', 'why; people will read it');
  clientCommand(extend, io, async ({ client, print }, { reason, for: overrideSeconds }, [name = '']) =>
    print.value(
      await client.post<ApiFailover>(`${pathOf(name)}/extend`, { reason, overrideSeconds }),
      (one) => renderFailover(one, print),
    ),
  );
  const status = group
    .command('status')
    .summary('show how far a failover is')
    .description(
      'Shows the last failover or drill of a group, or an older one; exits with 1 unless it is done.',
    )
    .argument('<group>', 'a ParityGroup')
    .option('--id <id>', 'this one; failover history has the ids');
  clientCommand(status, io, (context, { id }, [name = '']) =>
    showStatus(context, { name, id: id === undefined ? undefined : String(id) }, setExitCode),
  );
  const history = group
    .command('history')
    .summary('list failovers and drills')
    .description('Lists failovers and drills with their measured times, the newest first.')
    .argument('[group]', 'of this ParityGroup')
    .option('--drills', 'drills alone');
  clientCommand(history, io, ({ client, print }, { drills }, [name]) =>
    showHistory(client, print, { group: name, kind: drills === true ? 'drill' : undefined }),
  );
}

function addStart(group: Command, io: CliIo, name: 'start' | 'back'): void {
  const summary = name === 'start' ? 'let a standby take over' : 'let the primary of before take over again';
  const command = group
    .command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase() ?? ''}${summary.slice(1)}; needs a token of scope emergency.`)
    .argument('<group>', 'a ParityGroup')
    .requiredOption('--reason <text>', 'why; people will read it')
    .option('--confirm', 'what the plan says has to be confirmed is confirmed')
    .option('--branch', 'propose the switch on a branch instead of committing it')
    .option('--override', "by the hub's own word until it is in Git")
    .option(
      '--for <duration>',
      'how long the override, or the drill, may last (default 4h, of a drill 30m)',
      durationArgument,
    );
  if (name === 'start')
    command
      .option('--to <cluster>', 'this standby; else the only one')
      .option('--drill', 'play it through in the standby alone, and take it back');
  clientCommand(command, io, (context, options, [parityGroup = '']) =>
    start(context, { ...options, back: name === 'back' }, parityGroup),
  );
}

const overrideSeconds = 4 * 3_600;

function kindOf(options: Options): string {
  return options['back'] ? 'back' : options['drill'] ? 'drill' : 'failover';
}

function pathOf(group: string): string {
  return `/api/v1/parity/${encodeURIComponent(group)}/failover`;
}

async function start({ client, print }: ClientContext, options: Options, group: string): Promise<void> {
  const { reason, to, override, for: seconds } = options;
  const kind = kindOf(options);
  const lasts = override === true ? (seconds ?? overrideSeconds) : kind === 'drill' ? seconds : undefined;
  const started = await client.post<ApiFailover>(pathOf(group), {
    ...{ kind, to, reason, overrideSeconds: lasts },
    confirm: options['confirm'] === true,
    commit: options['branch'] === true ? 'branch' : undefined,
  });
  print.value(started, (one) => renderFailover(one, print));
}

async function showPlan({ client, print }: ClientContext, options: Options, [group = '']: readonly string[]) {
  const { to } = options;
  const plan = await client.get<ApiFailoverPlan>(pathOf(group), {
    kind: kindOf(options),
    to: to === undefined ? undefined : String(to),
  });
  // Loaded only here: the rest of the command line stays small.
  const { renderFailoverPlan } = await import('./render-failover-plan.ts');
  print.value(plan, (one) => renderFailoverPlan(one, print.colours));
}

interface Wanted {
  readonly group: string | undefined;
  readonly kind?: ApiFailover['kind'] | undefined;
}

async function listOf(client: Client, wanted: Wanted, limit: number) {
  const query = { ...wanted, limit: String(limit) };
  return (await client.get<{ readonly items: readonly ApiFailover[] }>('/api/v1/failovers', query)).items;
}

interface Shown {
  readonly name: string;
  readonly id: string | undefined;
}

/** @throws not_found for an id that is of another group: people would take the one for the other. */
async function getOne(client: Client, { name, id = '' }: Shown): Promise<ApiFailover> {
  const found = await client.get<ApiFailover>(`/api/v1/failovers/${encodeURIComponent(id)}`);
  if (found.group === name) return found;
  throw new FairwayError('not_found', `The failover "${id}" is of ${found.group}, not of ${name}.`);
}

async function showStatus({ client, print, io }: ClientContext, shown: Shown, setExitCode: SetExitCode) {
  const { name: group, id } = shown;
  const [last] = id === undefined ? await listOf(client, { group }, 1) : [await getOne(client, shown)];
  if (last === undefined) {
    // A name that is no group's is told as that.
    await client.get(`/api/v1/parity/${encodeURIComponent(group)}`);
    setExitCode(exitCodes.failed);
    return io.stderr(`${group} has never failed over. See \`fairway failover plan ${group}\`.\n`);
  }
  print.value(last, (one) => renderFailover(one, print));
  if (last.phase !== 'Done') setExitCode(exitCodes.failed);
}

async function showHistory(client: Client, print: Printer, wanted: Wanted) {
  print.table(
    await listOf(client, wanted, 100),
    [
      ['GROUP', (one) => one.group],
      ['KIND', ({ kind }) => kind],
      ['FROM', ({ from }) => from],
      ['TO', ({ to }) => to],
      ['PHASE', ({ phase }) => phase],
      ['STARTED', ({ startedAt }) => renderRelative(startedAt, print.nowMs)],
      ['RTO', ({ rtoSeconds }) => timeText(rtoSeconds)],
      ['BY', ({ actor }) => actor],
      ['REASON', ({ reason }) => reason],
      ['ID', ({ id }) => id],
    ],
    'There was no failover yet.',
  );
}
