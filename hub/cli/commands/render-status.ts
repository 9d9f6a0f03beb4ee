import { listNames } from '../../../shared/text/list-names.ts';
import { plural } from '../../../shared/text/plural.ts';
import type { ApiApplication, ApiPlacement } from '../../api/schemas/application.ts';
import type { ApiCluster } from '../../api/schemas/cluster.ts';
import type { ApiObject } from '../../api/schemas/object.ts';
import type { ApiRevision, ApiSource } from '../../api/schemas/revision.ts';
import type { Colours } from '../output/colour.ts';
import { renderRelative } from '../output/relative-time.ts';
import { renderTable } from '../output/table.ts';
import type { OpenFailover } from './open-failovers.ts';
import { colourState, firstLine, shortRevision } from './words.ts';

/** More placements than this are not told one by one, unless they are asked for. */
const rowsMax = 20;

export interface StatusPage {
  readonly colours: Colours;
  readonly nowMs: number;
  readonly columns: number | undefined;
  readonly revisions: ReadonlyMap<string, ApiRevision>;
  /** Every placement; else, of many, those that have something to say, and how many have not. */
  readonly all: boolean;
  /** Under way. */
  readonly failovers: readonly OpenFailover[];
}

/** A line for each source that cannot be followed: nothing new comes from there. Empty: all can. */
export function renderFailingSources(sources: readonly ApiSource[], { colours, nowMs }: StatusPage): string {
  return sources
    .flatMap(({ url, ref, head, conditions }) => {
      const ready = conditions.find(({ type }) => type === 'Ready');
      if (ready?.status !== 'False') return [];
      const since = renderRelative(ready.lastTransitionTime, nowMs);
      const stays = head === null ? 'nothing was fetched yet' : `${shortRevision(head)} stays in force`;
      return `${colours.bad('source')}  ${url} ${ref}: ${ready.reason}, ${since}: ${ready.message}; ${stays}\n`;
    })
    .join('');
}

/** Clusters that a problem names. */
const clustersMax = 3;

/** Each problem once, with the clusters that it is of; what a cluster's own line tells already is left out. */
function renderProblems({ problems, placements }: ApiApplication, colours: Colours): string {
  const telling = new Set(placements.filter(({ message }) => message !== '').map(({ cluster }) => cluster));
  const clustersOf = new Map<string, string[]>();
  for (const problem of problems) {
    if (telling.has(problem.cluster)) continue;
    const clusters = clustersOf.get(placed(problem)) ?? [];
    if (problem.cluster !== '') clusters.push(problem.cluster);
    clustersOf.set(placed(problem), clusters);
  }
  return [...clustersOf]
    .slice(0, problemsMax)
    .map(([text, clusters]) => {
      const where = clusters.length === 0 ? '' : `${listNames(clusters, clustersMax)}: `;
      return `  ${colours.bad('problem')}  ${where}${text}\n`;
    })
    .concat(clustersOf.size > problemsMax ? [`  and ${clustersOf.size - problemsMax} more\n`] : [])
    .join('');
}

/** Problems that are told one by one. */
const problemsMax = 10;

/** A line for each file of the fleet folder that cannot be read as it is: no application may be there to say so. Empty: all can. */
export function renderFleetProblems({ revisions, colours }: StatusPage): string {
  return [...revisions.values()]
    .flatMap(({ id, author, problems }) => {
      const fleet = problems.filter(({ application }) => application === '');
      if (fleet.length === 0) return [];
      const shown = fleet.slice(0, problemsMax).map((one) => `${colours.bad('problem')}  ${placed(one)}\n`);
      const more = fleet.length > shown.length ? `  and ${fleet.length - shown.length} more\n` : '';
      const since = `  since revision ${shortRevision(id)} by ${author.name}; what these files described stays as it was, and nothing is removed until they are mended\n`;
      return [...shown, more, since];
    })
    .join('');
}

/** `fleet/clusters.yaml:26: spec.regoin: unknown field`. */
function placed({ file, line, field, message }: ApiApplication['problems'][number]): string {
  const place = [file, line > 0 ? line : ''].filter(Boolean).join(':');
  return [place, field, message].filter((part) => part !== '').join(': ');
}

/** A heading, one line that sums up, a table of clusters and what stands in the way. */
export function renderApplicationStatus(application: ApiApplication, page: StatusPage): string {
  const { colours } = page;
  const source =
    application.repository === '' ? application.path : `${application.repository}: ${application.path}`;
  const lines = [
    `${colours.bold(application.name)}  ${colours.dim(source)}`,
    `  ${describeRevision(application.revisionId, page)}`,
    `  ${sumUp(application, colours)}`,
  ];
  const table = renderPlacements(application.placements, 'CLUSTER', ({ cluster }) => cluster, page);
  const problems = renderProblems(application, colours);
  return [
    lines.join('\n') + '\n',
    table === '' ? '' : '\n' + table,
    problems === '' ? '' : '\n' + problems,
  ].join('');
}

/** What runs before, after or for the failure of its releases, by cluster. Empty: nothing does. */
export function renderHooks(hooks: readonly ApiObject[], { colours, columns }: StatusPage): string {
  if (hooks.length === 0) return '';
  const table = renderTable(
    ['HOOK', 'CLUSTER', 'NAMESPACE', 'STATE', 'MESSAGE'],
    hooks.map(({ key, cluster, reason, sync, message }) => {
      const state = reason.replace(/^Hook/, '');
      const shown = sync === 'Failed' ? colours.bad(state) : sync === 'Pending' ? colours.warn(state) : state;
      return [`${key.kind} ${key.name}`, cluster, key.namespace || '-', shown, message];
    }),
    { indent: 2, columns, heading: colours.dim },
  );
  return `\n${table}`;
}

/** The same from the side of one cluster. */
export function renderClusterStatus(
  cluster: ApiCluster,
  placements: readonly ApiPlacement[],
  page: StatusPage,
): string {
  const { colours, nowMs } = page;
  const role = cluster.role === 'none' ? '' : `, ${cluster.role}`;
  const agent = cluster.connected
    ? colours.good('agent connected')
    : cluster.enrolled
      ? colours.bad(`agent away, last seen ${renderRelative(cluster.lastSeenAt, nowMs)}`)
      : colours.warn('no agent enrolled');
  const versions = [
    cluster.agentVersion && `agent ${cluster.agentVersion}`,
    cluster.kubernetesVersion,
  ].filter(Boolean);
  const lines = [
    `${colours.bold(cluster.name)}  ${colours.dim(cluster.region + role)}`,
    `  ${[agent, ...versions].join(', ')}`,
  ];
  if (!cluster.declared) lines.push(`  ${colours.warn('no Cluster of this name in the fleet repository')}`);
  if (cluster.paused) {
    const until = cluster.pausedUntil === null ? '' : `, ends ${renderRelative(cluster.pausedUntil, nowMs)}`;
    lines.push(`  ${colours.warn(`paused${until}: ${cluster.pauseReason}`)}`);
  }
  for (const warning of cluster.warnings) lines.push(`  ${colours.warn('warning')}  ${warning}`);
  const table = renderPlacements(placements, 'APPLICATION', ({ application }) => application, page);
  return lines.join('\n') + '\n' + (table === '' ? '  nothing is placed here\n' : '\n' + table);
}

function describeRevision(id: string, { revisions, nowMs, colours }: StatusPage): string {
  if (id === '') return colours.dim('no revision yet');
  const revision = revisions.get(id);
  if (revision === undefined) return `revision ${shortRevision(id)}`;
  const seen = renderRelative(revision.seenAt, nowMs);
  return `revision ${shortRevision(id)}  "${firstLine(revision.message)}" by ${revision.author.name}, ${seen}`;
}

function sumUp(application: ApiApplication, colours: Colours): string {
  const { clusters, clustersHealthy, clustersUpToDate, clustersDrifted } = application;
  if (clusters === 0) return colours.warn('placed nowhere');
  const all = (count: number, word: string) =>
    count === clusters ? colours.good(`all ${word}`) : colours.warn(`${count} ${word}`);
  const drift = clustersDrifted === 0 ? 'no drift' : colours.bad(`${clustersDrifted} drifted`);
  const parts = [all(clustersHealthy, 'healthy'), all(clustersUpToDate, 'up to date'), drift];
  return `${plural(clusters, 'cluster')}: ${parts.join(', ')}`;
}

function renderPlacements(
  placements: readonly ApiPlacement[],
  heading: string,
  nameOf: (placement: ApiPlacement) => string,
  { colours, columns, all }: StatusPage,
): string {
  if (placements.length === 0) return '';
  const sorted = [...placements].sort(
    (a, b) => a.region.localeCompare(b.region) || nameOf(a).localeCompare(nameOf(b)),
  );
  const many = !all && sorted.length > rowsMax;
  const loud = many ? sorted.filter((one) => !isQuiet(one)) : sorted;
  const shown = many ? loud.slice(0, rowsMax) : sorted;
  const left = [
    loud.length > shown.length ? `${loud.length - shown.length} more like these` : '',
    sorted.length > loud.length ? `${sorted.length - loud.length} healthy, up to date and without drift` : '',
  ].filter((text) => text !== '');
  const rest = left.length === 0 ? '' : colours.dim(`  not shown: ${left.join(', ')} (--all)`) + '\n';
  if (shown.length === 0) return rest;
  const table = renderTable(
    ['REGION', heading, 'REVISION', 'STAGE', 'HEALTH', 'DRIFT', 'OBJECTS', 'MESSAGE'],
    shown.map((one) => [
      one.region || '-',
      nameOf(one),
      shortRevision(one.revisionId) + (one.upToDate || one.revisionId === '' ? '' : ' (old)'),
      colourState(colours, one.stage),
      colourState(colours, one.health),
      one.drifted ? colours.bad('drifted') : 'none',
      `${one.objectsSynced}/${one.objects}`,
      describePlacement(one),
    ]),
    { indent: 2, columns, heading: colours.dim },
  );
  return table + rest;
}

/** Nobody has to look at it. */
function isQuiet(one: ApiPlacement): boolean {
  return one.upToDate && one.stage === 'Healthy' && !one.drifted && describePlacement(one) === '';
}

/** The hub's own sentence says more than the flags; they speak where it has none. */
function describePlacement(one: ApiPlacement): string {
  if (one.message !== '') return one.message;
  const words = [
    one.removing ? 'is being removed' : '',
    one.paused ? 'paused' : '',
    one.connected ? '' : 'agent away',
  ];
  return words.filter((word) => word !== '').join('; ');
}
