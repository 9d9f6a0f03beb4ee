import { type Command, Option } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import { scopes } from '../../model/registry.ts';
import { type ClientContext, clientCommand, durationArgument } from '../command.ts';
import type { CliIo } from '../io.ts';
import type { Printer } from '../output/printer.ts';
import { renderRelative } from '../output/relative-time.ts';

type Options = Record<string, unknown>;

interface AccessToken {
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

interface EnrolmentToken {
  readonly id: string;
  readonly cluster: string;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly usedAt: string | null;
  readonly revokedAt: string | null;
}

/** `fairway token ...`: tokens of the API, and those with which agents enrol. */
export function addToken(program: Command, io: CliIo): void {
  const token = program
    .command('token')
    .summary('make, list and revoke tokens')
    .description('Tokens of the API for people and programs, and single-use tokens with which agents enrol.');
  clientCommand(
    token
      .command('create')
      .description('Makes a token of the API and prints it, this once.')
      .requiredOption('--name <name>', 'whose it is; events name it')
      .addOption(new Option('--scope <scope>', 'what it may do').choices(scopes).makeOptionMandatory())
      .option('--expires <duration>', 'how long it counts (default 90d)', durationArgument),
    io,
    create,
  );
  clientCommand(
    token
      .command('enrol')
      .description(
        'Makes a single-use token with which the agent of one cluster enrols, and prints it, this once.',
      )
      .requiredOption('--cluster <name>', 'the cluster it will speak for')
      .option('--expires <duration>', 'how long it counts (default 1h, at most 7d)', durationArgument),
    io,
    enrol,
  );
  clientCommand(
    token
      .command('list')
      .description('Lists tokens; nobody can read the tokens themselves again.')
      .option('--enrolment', 'those of agents'),
    io,
    (context, options) => (options['enrolment'] === true ? listEnrolment(context) : listAccess(context)),
  );
  clientCommand(
    token
      .command('revoke')
      .description('Revokes a token at once.')
      .argument('<id>', 'of the token; see `fairway token list`'),
    io,
    revoke,
  );
}

/** The token alone on standard output, so that `TOKEN=$(fairway token ...)` works; the rest on standard error. */
function showToken(made: { readonly token: string }, note: string, print: Printer, io: CliIo): void {
  print.value(made, ({ token }) => {
    io.stderr(`${note}\n`);
    return `${token}\n`;
  });
}

async function create({ client, print, io }: ClientContext, options: Options) {
  const body = { name: options['name'], scope: options['scope'], expiresInSeconds: options['expires'] };
  const made = await client.post<AccessToken & { token: string }>('/api/v1/access-tokens', body);
  const until = renderRelative(made.expiresAt, print.nowMs);
  showToken(made, `Token "${made.name}" (${made.id}), scope ${made.scope}, ends ${until}:`, print, io);
}

async function enrol({ client, print, io }: ClientContext, options: Options) {
  const body = { cluster: options['cluster'], expiresInSeconds: options['expires'] };
  const made = await client.post<{ id: string; token: string; expiresAt: string; cluster: string }>(
    '/api/v1/enrolment-tokens',
    body,
  );
  const until = renderRelative(made.expiresAt, print.nowMs);
  showToken(made, `Enrolment token for ${made.cluster} (${made.id}), ends ${until}, counts once:`, print, io);
}

function stateOf(
  token: {
    readonly revokedAt: string | null;
    readonly expiresAt: string | null;
    readonly usedAt?: string | null;
  },
  { nowMs, colours }: Printer,
): string {
  if (token.revokedAt !== null) return colours.bad('revoked');
  if (token.usedAt) return colours.dim('used');
  if (token.expiresAt !== null && Date.parse(token.expiresAt) <= nowMs) return colours.dim('expired');
  return colours.good('valid');
}

async function listAccess({ client, print }: ClientContext) {
  const { items } = await client.get<{ items: AccessToken[] }>('/api/v1/access-tokens');
  const when = (time: string | null) => renderRelative(time, print.nowMs);
  print.table(
    items,
    [
      ['ID', ({ id }) => id],
      ['NAME', ({ name }) => name],
      ['SCOPE', ({ scope }) => scope],
      ['STATE', (token) => stateOf(token, print)],
      ['MADE', ({ createdAt }) => when(createdAt)],
      ['LAST USED', ({ lastUsedAt }) => when(lastUsedAt)],
      ['ENDS', ({ expiresAt }) => when(expiresAt)],
    ],
    'There are no tokens.',
  );
}

async function listEnrolment({ client, print }: ClientContext) {
  const { items } = await client.get<{ items: EnrolmentToken[] }>('/api/v1/enrolment-tokens');
  const when = (time: string | null) => renderRelative(time, print.nowMs);
  print.table(
    items,
    [
      ['ID', ({ id }) => id],
      ['CLUSTER', ({ cluster }) => cluster],
      ['STATE', (token) => stateOf(token, print)],
      ['MADE', ({ createdAt }) => when(createdAt)],
      ['BY', ({ createdBy }) => createdBy],
      ['ENDS', ({ expiresAt }) => when(expiresAt)],
    ],
    'There are no enrolment tokens.',
  );
}

/** Ids of both sorts are random, so one is looked for among both. */
async function revoke({ client, print }: ClientContext, _: Options, [id = '']: readonly string[]) {
  for (const list of ['access-tokens', 'enrolment-tokens']) {
    try {
      const result = await client.delete<{ revoked: boolean }>(`/api/v1/${list}/${encodeURIComponent(id)}`);
      return print.value(result, ({ revoked }) =>
        revoked ? `Revoked ${id}.\n` : `${id} could not be used any more already.\n`,
      );
    } catch (caught) {
      if (!(caught instanceof FairwayError) || caught.code !== 'not_found') throw caught;
    }
  }
  throw new FairwayError('not_found', `There is no token "${id}".`, {
    details: { hint: 'See `fairway token list` and `fairway token list --enrolment`.' },
  });
}
