import type { Command } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import { renderDuration } from '../../../shared/text/duration.ts';
import { listNames } from '../../../shared/text/list-names.ts';
import type {
  ApiClusterRecord,
  ApiRolloutRecord,
  ApiTimelineEntry,
} from '../../api/schemas/rollout-history.ts';
import type { Client } from '../client.ts';
import { type ClientContext, clientCommand, countArgument } from '../command.ts';
import type { CliIo } from '../io.ts';
import type { Printer } from '../output/printer.ts';
import { renderRelative } from '../output/relative-time.ts';
import { renderTable } from '../output/table.ts';
import { colourState, shortRevision } from './words.ts';

type Options = Record<string, unknown>;

/** Rollouts that an id is looked for in: as many as are kept unless the hub is told otherwise. */
const historyMax = 100;

/** `rollout history` and `rollout timeline`: what rollouts did, and how long it took. */
export function addRolloutHistory(group: Command, io: CliIo): void {
  clientCommand(
    group
      .command('history')
      .summary('list the rollouts of an application, and how each ended')
      .description('Lists the rollouts of an application, newest first, and how each ended.')
      .argument('<application>', 'whose rollouts')
      .option('--limit <count>', 'how many', countArgument, 20),
    io,
    showHistory,
  );
  clientCommand(
    group
      .command('timeline')
      .summary('show what happened in a rollout')
      .description(
        'Shows what happened in a rollout, oldest first: gates, decisions, failures, what people did and why.',
      )
      .argument('<rollout>', "an application, for its newest; or an id of `rollout history`'s JSON")
      .argument('[id]', "of that application's rollouts this one; the first digits of its id will do")
      .option('--clusters', 'and how long each cluster took')
      .option('--limit <count>', 'how many entries', countArgument, 500),
    io,
    showTimeline,
  );
}

function took(seconds: number | null): string {
  if (seconds === null) return '-';
  return seconds > 0 && seconds < 1 ? '< 1 s' : renderDuration(seconds * 1_000);
}

function healthOf({ waves }: ApiRolloutRecord): string {
  const sum = (pick: (wave: ApiRolloutRecord['waves'][number]) => number) =>
    waves.reduce((all, wave) => all + pick(wave), 0);
  const failed = sum((wave) => wave.failed);
  const parts = [`${sum((wave) => wave.healthy)}/${sum((wave) => wave.clusters)}`];
  return [...parts, ...(failed > 0 ? [`${failed} failed`] : [])].join(', ');
}

async function showHistory(
  { client, print }: ClientContext,
  options: Options,
  [application = '']: readonly string[],
) {
  const path = `/api/v1/applications/${encodeURIComponent(application)}/rollouts`;
  const items = await client.list<ApiRolloutRecord>(path, {}, options['limit'] as number);
  print.table(
    items,
    [
      // As many as `timeline` needs; all of it is in the JSON.
      ['ID', ({ id }) => id.slice(0, shortId)],
      ['REVISION', ({ revisionId }) => shortRevision(revisionId)],
      ['STRATEGY', ({ strategy }) => strategy || '-'],
      ['RESULT', ({ result }) => colourState(print.colours, result)],
      ['BEGAN', ({ startedAt }) => renderRelative(startedAt, print.nowMs)],
      ['TOOK', ({ tookSeconds }) => took(tookSeconds)],
      ['HEALTHY', healthOf],
      ['MESSAGE', ({ message }) => message],
    ],
    `${application} was not rolled out yet.`,
  );
}

/** Digits of an id in a table. */
const shortId = 8;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id of an application's newest rollout, or of the newest whose id begins so. @throws not_found. */
async function findRollout(client: Client, application: string, prefix = ''): Promise<string> {
  const path = `/api/v1/applications/${encodeURIComponent(application)}/rollouts`;
  const items = await client.list<ApiRolloutRecord>(path, {}, prefix === '' ? 1 : historyMax);
  const found = items.find(({ id }) => id.startsWith(prefix));
  if (found !== undefined) return found.id;
  const what = prefix === '' ? 'no rollout' : `no rollout ${prefix}`;
  throw new FairwayError('not_found', `${application} has ${what}.`, {
    details: { hint: `See \`fairway rollout history ${application}\`.` },
  });
}

async function showTimeline(
  { client, print }: ClientContext,
  options: Options,
  [named = '', prefix]: readonly string[],
) {
  const id = uuid.test(named) && prefix === undefined ? named : await findRollout(client, named, prefix);
  const path = `/api/v1/rollouts/${encodeURIComponent(id)}`;
  const rollout = await client.get<ApiRolloutRecord>(path);
  const entries = await client.list<ApiTimelineEntry>(`${path}/timeline`, {}, options['limit'] as number);
  const clusters =
    options['clusters'] === true
      ? await client.list<ApiClusterRecord>(`${path}/clusters`, {}, Number.MAX_SAFE_INTEGER)
      : undefined;
  const value = { rollout, entries, ...(clusters && { clusters }) };
  print.value(value, () => renderTimeline(rollout, entries, clusters, print));
}

/** How it stands, its waves, what happened, and each cluster where that was asked for. */
function renderTimeline(
  rollout: ApiRolloutRecord,
  entries: readonly ApiTimelineEntry[],
  clusters: readonly ApiClusterRecord[] | undefined,
  { nowMs, colours }: Printer,
): string {
  const { application, revisionId, result, message, startedAt, tookSeconds, waves } = rollout;
  const length = tookSeconds === null ? '' : `, took ${took(tookSeconds)}`;
  const heading = { heading: colours.bold };
  const parts = [
    `${application}: ${colourState(colours, result)}${message === '' ? '' : `: ${message}`}\n`,
    `revision ${shortRevision(revisionId)}, began ${renderRelative(startedAt, nowMs)}${length}\n\n`,
    renderTable(
      ['WAVE', 'BEGAN', 'TOOK', 'HEALTHY', 'FAILED', 'UNTOUCHED'],
      waves.map((wave) => [
        wave.name,
        wave.startedAt ?? '-',
        took(wave.tookSeconds),
        `${wave.healthy}/${wave.clusters}`,
        String(wave.failed),
        String(wave.untouched),
      ]),
      heading,
    ),
    '\n',
    renderTable(
      ['TIME', 'KIND', 'WAVE', 'ACTOR', 'MESSAGE'],
      entries.map((entry) => [
        entry.time,
        entry.kind === 'failure' ? colours.bad(entry.kind) : entry.kind,
        entry.wave || '-',
        entry.actor,
        `${entry.message}${clustersText(entry)}`,
      ]),
      heading,
    ),
  ];
  if (clusters !== undefined) parts.push('\n', renderClusters(clusters, { colours }));
  return parts.join('');
}

const namesShown = 6;

function clustersText({ kind, clusters: { count, names } }: ApiTimelineEntry): string {
  // A failure and an action name their cluster already.
  if (count === 0 || (count === 1 && (kind === 'failure' || kind === 'action'))) return '';
  return `: ${listNames(names, namesShown, count)}`;
}

function renderClusters(
  clusters: readonly ApiClusterRecord[],
  { colours }: Pick<Printer, 'colours'>,
): string {
  return renderTable(
    ['CLUSTER', 'WAVE', 'RESULT', 'ASSIGNED', 'APPLIED AFTER', 'HEALTHY AFTER', 'MESSAGE'],
    clusters.map((one) => [
      one.cluster,
      one.wave,
      colourState(colours, one.result),
      one.assignedAt ?? '-',
      took(one.appliedAfterSeconds),
      took(one.healthyAfterSeconds),
      one.message,
    ]),
    { heading: colours.bold },
  );
}
