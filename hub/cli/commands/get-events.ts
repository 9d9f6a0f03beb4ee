import type { Command } from 'commander';
import type { ApiEvent } from '../../api/schemas/event.ts';
import { eventTypes } from '../../model/event.ts';
import { type ClientContext, clientCommand, countArgument, durationArgument } from '../command.ts';
import { followEvents } from '../follow-events.ts';
import type { CliIo } from '../io.ts';
import type { Colours } from '../output/colour.ts';
import { renderRelative } from '../output/relative-time.ts';

interface Filter {
  readonly types: string | undefined;
  readonly cluster: string | undefined;
  readonly application: string | undefined;
}

/** `fairway get events [--watch]`. */
export function addGetEvents(get: Command, io: CliIo): void {
  clientCommand(
    get
      .command('events')
      .alias('event')
      .description('Lists who did what when, newest first; with --watch, as it happens.')
      .option('--types <types>', 'of these types or first parts only, such as drift,audit.pause')
      .option('--cluster <name>', 'of this cluster only')
      .option('--application <name>', 'of this application only')
      .option('--since <duration>', 'not older than this, such as 1h', durationArgument)
      .option('--limit <count>', 'how many', countArgument, 50)
      .option('-w, --watch', 'go on with what happens, until Ctrl-C'),
    io,
    getEvents,
  );
}

async function getEvents({ client, print, io }: ClientContext, options: Record<string, unknown>) {
  const { types, cluster, application } = options as Record<string, string | undefined>;
  const filter: Filter = { types, cluster, application };
  if (options['watch'] === true) {
    await followEvents(client, { ...filter }, io, (event) =>
      io.stdout(renderWatched(event, print.format, print.colours)),
    );
    return;
  }
  const seconds = options['since'] as number | undefined;
  const since = seconds === undefined ? undefined : new Date(print.nowMs - seconds * 1000).toISOString();
  const limit = options['limit'] as number;
  const items = await client.list<ApiEvent>('/api/v1/events', { ...filter, since }, limit);
  print.table(
    items,
    [
      ['TIME', ({ time }) => renderRelative(time, print.nowMs)],
      ['TYPE', ({ type }) => type],
      ['CLUSTER', (one) => one.cluster || '-'],
      ['APPLICATION', (one) => one.application || '-'],
      ['ACTOR', ({ actor }) => actor],
      ['MESSAGE', ({ message }) => message],
    ],
    noEvents(filter, since),
  );
}

/** Why there may be none. A hub may know more types than this program: a type that is not known here is told, not refused. */
function noEvents({ types, cluster, application }: Filter, since: string | undefined): string {
  const wanted = (types ?? '').split(',').filter((type) => type !== '');
  const unknown = wanted.filter(
    (type) => !eventTypes.some((one) => one === type || one.startsWith(`${type}.`)),
  );
  if (unknown.length > 0) {
    const first = [...new Set(eventTypes.map((type) => type.split('.')[0] ?? ''))].sort();
    return `No event fits. There is no type ${unknown.join(' and no type ')}; types begin with ${first.join(', ')}.`;
  }
  const filtered = types ?? cluster ?? application ?? since;
  return filtered === undefined ? 'Nothing has happened.' : 'No event fits.';
}

function renderWatched(event: ApiEvent, format: string, colours: Colours): string {
  if (format !== 'table') return JSON.stringify(event) + '\n';
  const place = [event.cluster, event.application].filter((part) => part !== '').join('/');
  const parts = [colours.dim(event.time), event.type.padEnd(16), place || '-', colours.dim(event.actor)];
  return `${parts.join('  ')}  ${event.message}\n`;
}
