import type { Command } from 'commander';
import type { ApiDifference, ApiParity } from '../../api/schemas/parity.ts';
import { type Client, createClient } from '../client.ts';
import { withConnection, withOutputFormats } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { createColours } from '../output/colour.ts';
import { loadConnection } from '../settings.ts';
import {
  type ParityDetail,
  renderParity,
  renderParityJunit,
  renderParityList,
  renderParityMarkdown,
} from './render-parity.ts';

const help = `
The verdict of each group says whether its standbys may take over now: Ready, Degraded, NotReady or Unknown. With a group's
name: every reason with what to do, and every difference that nobody declared (-o wide: the declared ones, and the objective,
too). junit is for CI.

Exit codes: 0 every group shown is Ready (also where there is no group at all), 1 one is not, and the usual ones for errors.

Examples:
  fairway parity
  fairway parity shop-eu -o wide
  fairway parity -o junit > parity.xml`;

type Options = Readonly<Record<string, string | undefined>>;

/** Differences asked for in one call, and of one group. */
const pageSize = 500;
const differencesMax = 10_000;

/** `fairway parity`: whether standbys are what their primaries are. */
export function addParity(program: Command, io: CliIo, setExitCode: (code: number) => void): void {
  const command = withConnection(
    program
      .command('parity')
      .summary('tell whether standby clusters may take over')
      .description('Tells whether standby clusters are what their primaries are, and may take over.')
      .argument('[group]', 'this ParityGroup, in full')
      .addHelpText('after', help),
  );
  withOutputFormats(command, ['table', 'wide', 'json', 'markdown', 'junit']).action(
    async (group: string | undefined, _: unknown, given: Command) => {
      const options = given.optsWithGlobals<Options>();
      const client = createClient(await loadConnection(options, io), io);
      const groups =
        group === undefined
          ? await client.list<ApiParity>('/api/v1/parity')
          : [await getGroup(client, group)];
      io.stdout(await render(groups, group !== undefined, options['output'] ?? 'table', client, io));
      if (groups.some(({ verdict }) => verdict !== 'Ready')) setExitCode(exitCodes.failed);
    },
  );
}

async function getGroup(client: Client, name: string): Promise<ApiParity> {
  return client.get<ApiParity>(`/api/v1/parity/${encodeURIComponent(name)}`);
}

async function detailOf(client: Client, parity: ApiParity): Promise<ParityDetail> {
  const differences: ApiDifference[] = [];
  let cursor: string | undefined;
  do {
    const path = `/api/v1/parity/${encodeURIComponent(parity.group)}/differences`;
    const page = await client.get<{ readonly items: readonly ApiDifference[]; readonly next: string | null }>(
      path,
      { limit: String(pageSize), cursor },
    );
    differences.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && differences.length < differencesMax);
  return { parity, differences };
}

async function render(
  groups: readonly ApiParity[],
  full: boolean,
  format: string,
  client: Client,
  io: CliIo,
): Promise<string> {
  if (groups.length === 0)
    io.stderr('There is no parity group. Describe one in the fleet repository: kind ParityGroup.\n');
  const details = () => Promise.all(groups.map((one) => detailOf(client, one)));
  const colours = createColours(io);
  const columns = io.terminal ? io.columns : undefined;
  if (format === 'json') {
    const all = (await details()).map(({ parity, differences }) => ({ ...parity, differences }));
    return `${JSON.stringify(full ? all[0] : all, null, 2)}\n`;
  }
  if (format === 'markdown') return renderParityMarkdown(await details());
  if (format === 'junit') return renderParityJunit(await details());
  const nowMs = io.now();
  if (full) {
    const [detail] = await details();
    return detail ? renderParity(detail, { wide: format === 'wide', colours, nowMs, columns }) : '';
  }
  return groups.length === 0
    ? ''
    : renderParityList(groups, { wide: format === 'wide', colours, nowMs, columns });
}
