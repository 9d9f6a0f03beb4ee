import type { Command } from 'commander';
import { plural } from '../../../shared/text/plural.ts';
import type { ApiListedApplication } from '../../api/schemas/application.ts';
import type { ApiCluster } from '../../api/schemas/cluster.ts';
import type { ApiConfirmation } from '../../api/schemas/confirmation.ts';
import type { ApiObject } from '../../api/schemas/object.ts';
import type { ApiRevision } from '../../api/schemas/revision.ts';
import { type ClientContext, clientCommand, countArgument } from '../command.ts';
import type { CliIo } from '../io.ts';
import type { Colours } from '../output/colour.ts';
import { renderRelative } from '../output/relative-time.ts';
import { addGetEvents } from './get-events.ts';
import { colourState, firstLine, shortRevision } from './words.ts';

const limitFlag = '--limit <count>';

/** `fairway get ...`: lists, as the hub has them. */
export function addGet(program: Command, io: CliIo): void {
  const get = program
    .command('get')
    .summary('list clusters, applications, revisions, events, objects or confirmations')
    .description('Lists what the hub knows.');
  clientCommand(
    get
      .command('clusters')
      .alias('cluster')
      .description('Lists clusters.')
      .argument('[name]', 'this one only')
      .option('--region <region>', 'of this region only'),
    io,
    getClusters,
  );
  clientCommand(
    get
      .command('applications')
      .aliases(['application', 'apps', 'app'])
      .description('Lists applications.')
      .argument('[name]', 'this one only'),
    io,
    getApplications,
  );
  clientCommand(
    get
      .command('revisions')
      .alias('revision')
      .description('Lists revisions, newest first.')
      .argument('[revision]', 'this one only')
      .option(limitFlag, 'how many', countArgument, 20),
    io,
    getRevisions,
  );
  addGetEvents(get, io);
  clientCommand(
    get
      .command('objects')
      .alias('object')
      .description('Lists objects with health and drift.')
      .option('--cluster <name>', 'in this cluster only')
      .option('--application <name>', 'of this application only')
      .option('--kind <kind>', 'of this kind only')
      .option('--namespace <name>', 'in this namespace only')
      .option('--sync <status>', 'in this state only, such as Drifted')
      .option('--health <status>', 'of this health only, such as Failed')
      .option(limitFlag, 'how many at most', countArgument, 1000),
    io,
    getObjects,
  );
  clientCommand(
    get
      .command('confirmations')
      .alias('confirmation')
      .description('Lists removals that wait for `fairway confirm`.')
      .option('--all', 'those confirmed already, too'),
    io,
    getConfirmations,
  );
}

type Options = Record<string, unknown>;

async function getClusters({ client, print }: ClientContext, options: Options, [name]: readonly string[]) {
  const { colours, nowMs } = print;
  const items =
    name === undefined
      ? await client.list<ApiCluster>('/api/v1/clusters', { region: options['region'] as string | undefined })
      : [await client.get<ApiCluster>(`/api/v1/clusters/${encodeURIComponent(name)}`)];
  print.table(
    items,
    [
      ['NAME', ({ name }) => name],
      ['REGION', ({ region }) => region || '-'],
      ['ROLE', (one) => roleText(one, colours)],
      [
        'AGENT',
        ({ connected, enrolled }) =>
          connected
            ? colours.good('connected')
            : enrolled
              ? colours.bad('away')
              : colours.dim('not enrolled'),
      ],
      ['SEEN', ({ lastSeenAt, connected }) => (connected ? 'now' : renderRelative(lastSeenAt, nowMs))],
      ['HEALTHY', (one) => `${one.applicationsHealthy}/${one.applications}`],
      ['DRIFTED', ({ applicationsDrifted: drifted }) => (drifted === 0 ? '-' : colours.bad(String(drifted)))],
      ['KUBERNETES', ({ kubernetesVersion }) => kubernetesVersion || '-'],
      ['MESSAGE', (one) => clusterMessage(one, nowMs)],
    ],
    'There are no clusters. Write a Cluster into the fleet repository, then run `fairway agent install`.',
  );
}

/** `primary (Git: standby)` where it is the hub's own word. */
function roleText({ role, roleOverride }: ApiCluster, colours: Colours): string {
  if (roleOverride) return colours.warn(`${role} (Git: ${roleOverride.roleInGit})`);
  return role === 'none' ? '-' : role;
}

function clusterMessage(cluster: ApiCluster, nowMs: number): string {
  const { roleOverride } = cluster;
  const word = roleOverride
    ? `role by the hub's own word, which ends ${renderRelative(roleOverride.until, nowMs)}`
    : '';
  const more = besidesRole(cluster, nowMs);
  return [word, more].filter((text) => text !== '').join('; ');
}

function besidesRole(cluster: ApiCluster, nowMs: number): string {
  if (cluster.paused)
    return `paused${cluster.pausedUntil ? `, ends ${renderRelative(cluster.pausedUntil, nowMs)}` : ''}: ${cluster.pauseReason}`;
  if (!cluster.declared) return 'no Cluster of this name in the fleet repository';
  return cluster.conditions.find(({ message }) => message !== '')?.message ?? '';
}

async function getApplications({ client, print }: ClientContext, _: Options, [name]: readonly string[]) {
  const { colours } = print;
  const items =
    name === undefined
      ? await client.list<ApiListedApplication>('/api/v1/applications')
      : [await client.get<ApiListedApplication>(`/api/v1/applications/${encodeURIComponent(name)}`)];
  const share = (count: number, all: number) =>
    count === all ? colours.good(`${count}/${all}`) : colours.warn(`${count}/${all}`);
  print.table(
    items,
    [
      ['NAME', ({ name }) => name],
      ['SOURCE', ({ repository, path }) => (repository === '' ? path : `${repository}: ${path}`)],
      ['REVISION', ({ revisionId }) => shortRevision(revisionId)],
      ['HEALTHY', (one) => share(one.clustersHealthy, one.clusters)],
      ['UP TO DATE', (one) => share(one.clustersUpToDate, one.clusters)],
      ['DRIFTED', (one) => (one.clustersDrifted === 0 ? '-' : colours.bad(String(one.clustersDrifted)))],
      ['PROBLEMS', ({ problems }) => (problems.length === 0 ? '-' : colours.bad(String(problems.length)))],
    ],
    'There are no applications. Write an Application into the fleet repository.',
  );
}

async function getRevisions(
  { client, print }: ClientContext,
  options: Options,
  [revision]: readonly string[],
) {
  const { colours, nowMs } = print;
  const items =
    revision === undefined
      ? await client.list<ApiRevision>('/api/v1/revisions', {}, options['limit'] as number)
      : [await client.get<ApiRevision>(`/api/v1/revisions/${encodeURIComponent(revision)}`)];
  print.table(
    items,
    [
      ['REVISION', ({ id }) => shortRevision(id)],
      ['SEEN', ({ seenAt }) => renderRelative(seenAt, nowMs)],
      ['AUTHOR', ({ author }) => author.name],
      ['STATE', ({ state }) => colourState(colours, state)],
      ['PROBLEMS', ({ problems }) => (problems.length === 0 ? '-' : colours.bad(String(problems.length)))],
      ['BUILT', ({ rendering }) => numberOf(rendering?.directoriesBuilt)],
      ['READ', ({ rendering }) => numberOf(rendering?.filesRead)],
      ['PARSED', ({ rendering }) => (rendering === null ? '-' : byteText(rendering.bytesParsed))],
      ['SETS', ({ rendering }) => (rendering === null ? '-' : `${rendering.sets}/${rendering.placements}`)],
      ['MESSAGE', ({ message }) => firstLine(message)],
    ],
    'No revision was seen yet. `fairway sync` looks at Git now.',
  );
}

const numberOf = (count: number | undefined): string => (count === undefined ? '-' : String(count));

/** `812 B`, `3.4 KiB`, `120 MiB`. */
function byteText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const [size, unit] = bytes < 1_024 ** 2 ? [bytes / 1_024, 'KiB'] : [bytes / 1_024 ** 2, 'MiB'];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

async function getObjects({ client, print }: ClientContext, options: Options) {
  const { colours } = print;
  const { cluster, application, kind, namespace, sync, health } = options as Record<string, string>;
  const query = { cluster, application, kind, namespace, sync, health };
  const items = await client.list<ApiObject>('/api/v1/objects', query, options['limit'] as number);
  print.table(
    items,
    [
      ['CLUSTER', (one) => one.cluster],
      ['APPLICATION', (one) => one.application],
      ['KIND', ({ key }) => key.kind],
      ['NAMESPACE', ({ key }) => key.namespace || '-'],
      ['NAME', ({ key }) => key.name],
      ['SYNC', (one) => colourState(colours, one.sync)],
      ['HEALTH', (one) => colourState(colours, one.health)],
      ['MESSAGE', describeObject],
    ],
    'No object fits.',
  );
}

function describeObject({ message, drift }: ApiObject): string {
  if (drift === null || drift.healedAt !== null) return message;
  const fields = drift.fields.map(({ path, desired, live }) => `${path} ${desired ?? '?'} -> ${live ?? '?'}`);
  const managers = drift.managers.map(({ name }) => name).join(', ');
  const what = fields.length === 0 ? drift.kind : fields.join('; ');
  return managers === '' ? what : `${what} by ${managers}`;
}

async function getConfirmations({ client, print }: ClientContext, options: Options) {
  const { nowMs } = print;
  const query = options['all'] === true ? {} : { open: true };
  const { items } = await client.get<{ items: ApiConfirmation[] }>('/api/v1/confirmations', query);
  print.table(
    items,
    [
      ['ID', ({ id }) => id],
      ['KIND', ({ kind }) => kind],
      ['SUBJECT', ({ subject }) => subject],
      ['REMOVES', ({ kind, assignments }) => plural(assignments, kind === 'prune' ? 'object' : 'assignment')],
      ['SINCE', ({ createdAt }) => renderRelative(createdAt, nowMs)],
      ['CONFIRMED BY', ({ confirmedBy }) => confirmedBy ?? '-'],
      ['MESSAGE', ({ message }) => message],
    ],
    'Nothing waits for a confirmation.',
  );
}
