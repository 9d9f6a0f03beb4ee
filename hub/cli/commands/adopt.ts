import { type Command, Option } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import type { ObjectKey } from '../../../shared/manifest/object.ts';
import { describeKey } from '../../../shared/manifest/object.ts';
import { plural } from '../../../shared/text/plural.ts';
import { clientCommand } from '../command.ts';
import type { CliIo } from '../io.ts';

interface Finding {
  readonly key: ObjectKey;
  readonly result: 'create' | 'own' | 'take' | 'refuse' | 'error';
  readonly owners: readonly { readonly tool: string; readonly name: string }[];
  readonly changes: readonly {
    readonly path: string;
    readonly live: string | null;
    readonly desired: string | null;
  }[];
  readonly conflicts: readonly { readonly field: string; readonly manager: string }[];
  readonly message: string;
}

interface Report {
  readonly application: string;
  readonly cluster: string;
  readonly revisionId: string;
  readonly findings: readonly Finding[];
  readonly truncated: boolean;
}

const words: Readonly<Record<Finding['result'], string>> = {
  create: 'would be made',
  own: "is the application's already",
  take: 'would be taken over',
  refuse: 'would be refused',
  error: 'cannot be told',
};
const valueMax = 60;

function cut(value: string): string {
  return value.length > valueMax ? `${value.slice(0, valueMax)}...` : value;
}

/** Secrets have no values to show. */
function describeChange({ path, live, desired }: Finding['changes'][number]): string {
  if (live === null && desired === null) return `    ${path} changes\n`;
  if (desired === null) return `    ${path} ${cut(live ?? '')} goes\n`;
  if (live === null) return `    ${path} ${cut(desired)} comes\n`;
  return `    ${path} ${cut(live)} -> ${cut(desired)}\n`;
}

function describeFinding({ key, result, owners, changes, conflicts, message }: Finding): string {
  const names = owners.map(({ tool, name }) =>
    tool === 'manager' || tool === name ? name : `${tool} (${name})`,
  );
  const whose = result === 'take' ? 'from' : 'now of';
  const from = names.length === 0 || result === 'own' ? '' : `, ${whose} ${names.join(', ')}`;
  return [
    `  ${describeKey(key)} ${words[result]}${from}\n`,
    ...(message === '' ? [] : [`    ${message}\n`]),
    ...changes.map(describeChange),
    ...conflicts.map(({ field, manager }) => `    ${field}: ${manager}\n`),
  ].join('');
}

/** Objects about which there is something to say, and the others counted. */
function describeAdoption({ application, cluster, findings, truncated }: Report): string {
  const of = (result: Finding['result']) => findings.filter((finding) => finding.result === result);
  const quiet = of('own').filter(({ changes }) => changes.length === 0);
  const told = findings.filter((finding) => finding.result !== 'create' && !quiet.includes(finding));
  return [
    `${application} in ${cluster}: ${plural(of('take').length, 'object')} would be taken over, ${of('create').length} made, ${of('refuse').length + of('error').length} refused, ${of('own').length} its own\n`,
    ...told.map(describeFinding),
    ...(truncated ? ['  There are more objects than one answer holds.\n'] : []),
  ].join('');
}

const help = `
Nothing is written: the agents ask their API servers with dry runs. To adopt for good, let the application be applied
with sync.adoption always (or ifNoDiff), or annotate single objects with fairway.dev/adoption.

Example:
  fairway adopt --dry-run shop eu-1`;

/** `fairway adopt`: what an application would take over. */
export function addAdopt(program: Command, io: CliIo): void {
  const command = program
    .command('adopt')
    .summary('what an application would take over')
    .description(
      'Asks the agents which objects that are there already an application would take over, from whom (kubectl, Helm, Argo CD, Flux, other managers), and what would change.',
    )
    .argument('<application>', 'the application')
    .argument('[cluster]', 'one of its clusters (default: all where it is placed)')
    .addOption(new Option('--dry-run', 'only tell; the default, and all there is').default(true))
    .addHelpText('after', help);
  clientCommand(command, io, async ({ client, print }, _options, [application = '', cluster]) => {
    const name = encodeURIComponent(application);
    const clusters =
      cluster === undefined
        ? (await client.list<{ readonly cluster: string }>('/api/v1/placements', { application })).map(
            (placement) => placement.cluster,
          )
        : [cluster];
    if (clusters.length === 0) throw new FairwayError('not_found', `${application} is placed in no cluster.`);
    const reports: Report[] = [];
    for (const one of clusters)
      reports.push(
        await client.get<Report>(`/api/v1/applications/${name}/clusters/${encodeURIComponent(one)}/adoption`),
      );
    print.value(reports, (all) => all.map(describeAdoption).join('\n'));
  });
}
