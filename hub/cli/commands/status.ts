import type { Command } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import type { ApiApplication, ApiPlacement } from '../../api/schemas/application.ts';
import type { ApiCluster } from '../../api/schemas/cluster.ts';
import type { ApiObject } from '../../api/schemas/object.ts';
import type { ApiRevision, ApiSource } from '../../api/schemas/revision.ts';
import { type ClientContext, clientCommand } from '../command.ts';
import type { CliIo } from '../io.ts';
import { loadOpenFailovers, renderOpenFailovers } from './open-failovers.ts';
import {
  renderApplicationStatus,
  renderClusterStatus,
  renderFailingSources,
  renderFleetProblems,
  renderHooks,
  type StatusPage,
} from './render-status.ts';

/** Of an application with many clusters the first are shown. */
const hooksMax = 500;

/** `fairway status [CLUSTER|APPLICATION]`: the fleet on one page. */
export function addStatus(program: Command, io: CliIo): void {
  clientCommand(
    program
      .command('status')
      .summary('show the fleet, one application or one cluster on a page')
      .description('Shows, for each application, what runs where, how it is and what it waits for.')
      .argument('[name]', 'an application or a cluster')
      .option('--all', 'of many placements show also those that have nothing to say'),
    io,
    showStatus,
  );
}

async function showStatus(
  context: ClientContext,
  options: Record<string, unknown>,
  [name]: readonly string[],
) {
  const { client, print } = context;
  if (name === undefined) {
    const applications = await client.list<ApiApplication>('/api/v1/applications', { placements: true });
    const page = await loadPage(context, options['all'] === true);
    const { items } = await client.get<{ items: ApiSource[] }>('/api/v1/sources');
    const failing = renderFailingSources(items, page) + renderFleetProblems(page);
    const under = renderOpenFailovers(page.failovers, page).trimEnd();
    if (applications.length === 0 && print.format === 'table')
      return print.text(
        failing || 'There are no applications yet. Write an Application into the fleet repository.\n',
      );
    return print.value(applications, () =>
      [
        failing,
        under && `${under}\n`,
        ...applications.map((application) => renderApplicationStatus(application, page)),
      ]
        .filter((text) => text !== '')
        .join('\n'),
    );
  }
  const encoded = encodeURIComponent(name);
  const application = await orUndefined(client.get<ApiApplication>(`/api/v1/applications/${encoded}`));
  if (application !== undefined) {
    const page = await loadPage(context, options['all'] === true);
    const hooks = await client.list<ApiObject>(
      '/api/v1/objects',
      { application: name, hooks: true },
      hooksMax,
    );
    return print.value({ ...application, hooks }, () =>
      [
        renderOpenFailovers(page.failovers, page, new Set(application.placements.map((one) => one.cluster))),
        renderApplicationStatus(application, page),
        renderHooks(hooks, page),
      ].join(''),
    );
  }
  const cluster = await orUndefined(client.get<ApiCluster>(`/api/v1/clusters/${encoded}`));
  if (cluster === undefined)
    throw new FairwayError('not_found', `There is no application or cluster "${name}".`, {
      details: { hint: 'See `fairway get applications` and `fairway get clusters`.' },
    });
  const placements = await client.list<ApiPlacement>('/api/v1/placements', { cluster: name });
  const page = await loadPage(context, options['all'] === true);
  print.value({ ...cluster, placements }, () =>
    [
      renderOpenFailovers(page.failovers, page, new Set([name])),
      renderClusterStatus(cluster, placements, page),
    ].join(''),
  );
}

/** What the page says beside the placements: the newest revisions, for their messages. */
async function loadPage({ client, print, io }: ClientContext, all: boolean): Promise<StatusPage> {
  const revisions =
    print.format === 'table' ? await client.list<ApiRevision>('/api/v1/revisions', {}, 50) : [];
  const failovers = print.format === 'table' ? await loadOpenFailovers(client) : [];
  return {
    all,
    failovers,
    colours: print.colours,
    nowMs: print.nowMs,
    columns: io.terminal ? io.columns : undefined,
    revisions: new Map(revisions.map((revision) => [revision.id, revision])),
  };
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (caught) {
    if (caught instanceof FairwayError && caught.code === 'not_found') return undefined;
    throw caught;
  }
}
