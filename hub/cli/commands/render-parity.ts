import { renderDuration, renderLeft } from '../../../shared/text/duration.ts';
import { plain } from '../../../shared/text/plain.ts';
import { plural } from '../../../shared/text/plural.ts';
import type { ApiComparison, ApiDifference, ApiParity } from '../../api/schemas/parity.ts';
import type { Colours } from '../output/colour.ts';
import { type JunitCase, renderJunit } from '../output/junit.ts';
import { renderRelative } from '../output/relative-time.ts';
import { renderTable } from '../output/table.ts';
import { renderOpenFailover, renderOpenFailovers } from './open-failovers.ts';
import { kindText } from './render-failover.ts';

/** A group with its differences. */
export interface ParityDetail {
  readonly parity: ApiParity;
  readonly differences: readonly ApiDifference[];
}

export function colourVerdict(colours: Colours, verdict: ApiParity['verdict']): string {
  if (verdict === 'Ready') return colours.good(verdict);
  return verdict === 'NotReady' ? colours.bad(verdict) : colours.warn(verdict);
}

/** `Deployment shop/web /spec/replicas`. */
function subjectOf({ originId, path, primaryKey, standbyKey }: ApiDifference): string {
  const key = primaryKey ?? standbyKey;
  const name = key ? `${key.kind} ${key.namespace === '' ? '' : `${key.namespace}/`}${key.name}` : originId;
  return path === '' ? name : `${name} ${path}`;
}

/** `4 -> 1`. */
function valuesOf({ primaryValue, standbyValue }: ApiDifference): string {
  if (primaryValue === null && standbyValue === null) return '';
  return `${primaryValue ?? '(none)'} -> ${standbyValue ?? '(none)'}`;
}

/** `apps/web/overlays/eu/kustomization.yaml:5 (layer overlays/eu)`. */
function placeOf(source: ApiDifference['primarySource']): string {
  if (!source || source.file === '') return '';
  const line = source.line > 0 ? `:${source.line}` : '';
  return `${source.file}${line}${source.layer === '' ? '' : ` (layer ${source.layer})`}`;
}

/** Where Git gives each side its value: `eu-1: FILE:LINE (layer LAYER); eu-2: FILE:LINE (layer LAYER)`. Empty: nobody knows. */
function sourceOf({ primarySource, standbySource, standby }: ApiDifference, primary: string): string {
  const [left, right] = [placeOf(primarySource), placeOf(standbySource)];
  if (left === right) return left === '' ? '' : `both: ${left}`;
  const sides = [
    [primary, left],
    [standby, right],
  ];
  return sides.flatMap(([cluster, place]) => (place ? [`${cluster}: ${place}`] : [])).join('; ');
}

function differenceRow(one: ApiDifference): readonly string[] {
  return [one.class, one.standby, one.application, subjectOf(one), valuesOf(one), one.owner || '-'];
}

const differenceHeadings: readonly string[] = [
  ...['CLASS', 'STANDBY', 'APPLICATION', 'WHERE', 'PRIMARY -> STANDBY', 'OWNER'],
];

/** A table of differences of a group. */
function differenceTable(
  differences: readonly ApiDifference[],
  primary: string,
  { wide, colours, columns }: Omit<Shown, 'nowMs'>,
): string {
  const more = (one: ApiDifference) => [one.severity, sourceOf(one, primary) || '-', one.message];
  return renderTable(
    wide ? [...differenceHeadings, 'SEVERITY', 'SOURCE', 'MESSAGE'] : differenceHeadings,
    differences.map((one) => (wide ? [...differenceRow(one), ...more(one)] : differenceRow(one))),
    { columns: wide ? undefined : columns, indent: 2, heading: colours.bold },
  ).trimEnd();
}

/** How it is shown to people. */
interface Shown {
  readonly wide: boolean;
  readonly colours: Colours;
  readonly nowMs: number;
  readonly columns: number | undefined;
}

/** A line for each group, below the failovers that are under way. */
export function renderParityList(groups: readonly ApiParity[], shown: Shown): string {
  const { wide, colours, nowMs, columns } = shown;
  const rows = groups.map((one) => [
    one.group,
    colourVerdict(colours, one.verdict),
    String(one.score),
    one.primary,
    one.standbys.map(({ standby }) => standby).join(',') || '-',
    describeCounts(sumCounts(one)),
    one.whole ? renderRelative(one.wholeSince, nowMs) : 'no',
    ...(wide ? [objectiveCell(one), one.owner || '-', one.reasons[0]?.message ?? ''] : []),
  ]);
  const open = groups.flatMap(({ failover, group }) => (failover ? [{ ...failover, group }] : []));
  const headings = ['GROUP', 'VERDICT', 'SCORE', 'PRIMARY', 'STANDBY', 'DIFFERENCES', 'WHOLE SINCE'];
  const wanted = wide ? [...headings, 'OBJECTIVE', 'OWNER', 'REASON'] : headings;
  const table = renderTable(wanted, rows, { columns, heading: colours.bold });
  return `${renderOpenFailovers(open, { colours, nowMs })}${table}`;
}

function objectiveCell({ objective }: ApiParity): string {
  if (!objective) return '-';
  const { state, spent, burns } = objective;
  return `${state}, ${Math.round(spent * 100)} % spent, burn ${burns[0]?.rate ?? 0}`;
}

function sumCounts({ standbys }: ApiParity): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const pair of standbys)
    for (const [name, count] of Object.entries(pair.counts))
      counts[name] = (counts[name] ?? 0) + Number(count);
  return counts;
}

/** For people: the verdict, every reason with what to do, and the differences. */
export function renderParity({ parity, differences }: ParityDetail, shown: Shown): string {
  const { wide, colours, nowMs } = shown;
  const since = renderRelative(parity.verdictSince, nowMs);
  const lines = [
    `${colours.bold(parity.group)}  ${colourVerdict(colours, parity.verdict)} (${since}), score ${parity.score} of 100`,
    `  primary ${parity.primary}; ${describeWhole(parity, nowMs)}`,
    ...parity.standbys.map(
      (pair) =>
        `  standby ${pair.standby}: ${colourVerdict(colours, pair.verdict)}, ${plural(pair.objects, 'object')}, ${[describeCounts(pair.counts), catchUpText(pair.catchUpSeconds)].filter((part) => part !== '').join(', ')}`,
    ),
  ];
  if (parity.objective && (wide || parity.objective.state !== 'held'))
    lines.push(`  objective ${describeObjective(parity.objective)}`);
  if (parity.failover)
    lines.push(`  ${renderOpenFailover({ ...parity.failover, group: parity.group }, colours, nowMs)}`);
  for (const { severity, owner, message, action } of parity.reasons) {
    lines.push(`  ${severity}: ${message}${owner === '' ? '' : ` [${owner}]`}`);
    if (action !== '') lines.push(`    ${colours.dim(action)}`);
  }
  const told = wide ? differences : differences.filter((one) => one.class !== 'declared');
  const hidden = differences.length - told.length;
  if (told.length > 0) lines.push('', differenceTable(told, parity.primary, shown));
  if (hidden > 0)
    lines.push('', colours.dim(`  ${plural(hidden, 'declared difference')} not shown: -o wide`));
  return `${lines.join('\n')}\n`;
}

function describeWhole({ whole, wholeSince, lastWholeAt }: ApiParity, nowMs: number): string {
  if (whole) return `parity became whole ${renderRelative(wholeSince, nowMs)}`;
  if (lastWholeAt === null) return 'parity was never whole yet';
  return `parity was whole last ${renderRelative(lastWholeAt, nowMs)}`;
}

/** `99.9 % of 30 d: burning; whole 99.95 % of the known time, 45 % of the allowance spent, 23 min left; burn in 1 h 18, in 6 h 3, in 3 d 0.2`. */
export function describeObjective(objective: NonNullable<ApiParity['objective']>): string {
  const { targetPercent, windowSeconds, heldPercent, spent, leftSeconds, state, burns } = objective;
  const span = (seconds: number) => renderDuration(seconds * 1_000);
  const rates = burns.map(({ spanSeconds, rate }) => `in ${span(spanSeconds)} ${rate}`).join(', ');
  const left = `${Math.round(spent * 100)} % of the allowance spent, ${renderDuration(leftSeconds * 1_000)} left`;
  return `${targetPercent} % of ${span(windowSeconds)}: ${state}; whole ${heldPercent} % of the known time, ${left}; burn ${rates}`;
}

/** Empty where nothing is behind, or the past does not tell. */
function catchUpText(seconds: number | null): string {
  return seconds === null ? '' : `catches up in about ${renderLeft(seconds * 1_000)}`;
}

export function describeCounts(counts: Readonly<Record<string, number>>): string {
  const found = Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []));
  return found.length === 0 ? 'no difference' : found.join(', ');
}

/**
 * What others say, in Markdown: nothing in it is markup, a link, an image, a mention or another cell. An underscore within a word is none (CommonMark 0.31, section 6.2); addresses are links by
 * themselves (GitHub Flavored Markdown 0.29, section 6.9); mentions are looked for once entities are characters, so that nothing but a character between keeps a name from being one.
 */
function said(text: string): string {
  const line = plain(text.replaceAll(/\s*\n\s*/g, ' '));
  return line
    .replaceAll(
      /[&<*`~[\]|\\]|:(?=\/\/)|(?<=www)\.|(?<!\w)_|_(?!\w)/gi,
      (character) => `&#${character.charCodeAt(0)};`,
    )
    .replaceAll('@', '@&#8203;');
}

function describeFailover({
  kind,
  from,
  to,
  phase,
  message,
  overrideUntil,
}: NonNullable<ApiParity['failover']>): string {
  const word = overrideUntil === null ? '' : `; roles by the hub's own word until ${overrideUntil}`;
  return `${kindText(kind)} from ${from} to ${to}, ${phase}: ${message}${word}`;
}

function standbyMarkdown({ standby, catchUpSeconds }: ApiParity['standbys'][number]): string {
  const catchUp = catchUpText(catchUpSeconds);
  return `\`${standby}\`${catchUp === '' ? '' : ` (${catchUp})`}`;
}

/** For a comment or a wiki. */
export function renderParityMarkdown(details: readonly ParityDetail[]): string {
  return details
    .map(({ parity, differences }) => {
      const open = differences.filter((one) => one.class !== 'declared');
      const lines = [
        `## ${parity.group}: ${parity.verdict}, score ${parity.score}`,
        '',
        `Primary \`${parity.primary}\`, standby ${parity.standbys.map(standbyMarkdown).join(', ') || 'none'}.`,
        '',
        ...(parity.failover ? [`- **under way** ${said(describeFailover(parity.failover))}`] : []),
        ...(parity.objective && parity.objective.state !== 'held'
          ? [`- **objective** ${describeObjective(parity.objective)}`]
          : []),
        ...parity.reasons.map(
          ({ severity, message, owner, action }) =>
            `- **${severity}** ${said(`${message}${owner === '' ? '' : ` (${owner})`}${action === '' ? '' : `. ${action}`}`)}`,
        ),
      ];
      if (open.length > 0)
        lines.push(
          '',
          `| ${[...differenceHeadings, 'SOURCE'].join(' | ')} |`,
          `|${' --- |'.repeat(differenceHeadings.length + 1)}`,
          ...open.map(
            (one) =>
              `| ${[...differenceRow(one), sourceOf(one, parity.primary) || '-'].map(said).join(' | ')} |`,
          ),
        );
      return `${lines.join('\n')}\n`;
    })
    .join('\n');
}

function reasonLines(reasons: ApiParity['reasons']): string {
  return reasons
    .map(({ severity, message, action }) => `${severity}: ${message}${action === '' ? '' : `\n  ${action}`}`)
    .join('\n');
}

/** The group as a whole: what is wrong with no standby in particular, and what is no failure and should be known all the same. */
function groupCase(parity: ApiParity): JunitCase {
  const { group, verdict, reasons, standbys, failover, objective } = parity;
  const own = reasons.filter(({ standby }) => standby === '');
  const grave = own.filter(({ severity }) => severity !== 'info');
  const others = standbys.filter((pair) => pair.verdict !== 'Ready').map(({ standby }) => standby);
  const of = others.length === 0 ? '' : `: ${others.join(', ')}`;
  const output = [
    ...(failover ? [describeFailover(failover)] : []),
    ...(objective && objective.state !== 'held' ? [`objective ${describeObjective(objective)}`] : []),
    reasonLines(own.filter(({ severity }) => severity === 'info' || verdict === 'Ready')),
  ];
  const message = grave[0]?.message ?? `${verdict}${of}`;
  return {
    suite: group,
    name: `${group} is Ready`,
    failure: verdict === 'Ready' ? undefined : { type: verdict, message, text: reasonLines(grave) },
    output: output.filter((text) => text !== '').join('\n'),
  };
}

function standbyCase(parity: ApiParity, pair: ApiParity['standbys'][number]): JunitCase {
  const { standby, verdict, counts, catchUpSeconds } = pair;
  const own = parity.reasons.filter((reason) => reason.standby === standby);
  const differs = Object.values(counts).some((count) => count > 0);
  const why = differs ? describeCounts(counts) : (own[0]?.message ?? describeCounts(counts));
  const failure = { type: verdict, message: `${verdict}: ${why}`, text: reasonLines(own) };
  return {
    suite: parity.group,
    name: `${standby} may take over from ${parity.primary}`,
    failure: verdict === 'Ready' ? undefined : failure,
    output: catchUpText(catchUpSeconds),
  };
}

/** A case for the group, one for each standby, and one for each difference. One that is declared, or told for information, fails nothing, as it leaves the verdict as it is. */
export function renderParityJunit(details: readonly ParityDetail[]): string {
  const cases = details.flatMap(({ parity, differences }): readonly JunitCase[] => [
    groupCase(parity),
    ...parity.standbys.map((pair) => standbyCase(parity, pair)),
    ...differences.map((one) => ({
      suite: parity.group,
      name: [one.standby, one.application, subjectOf(one)].filter((part) => part !== '').join(' '),
      output: one.class !== 'declared' && one.severity === 'info' ? `${one.class}: ${one.message}` : '',
      failure:
        one.class === 'declared' || one.severity === 'info'
          ? undefined
          : {
              type: one.class,
              message: one.message,
              text: `${valuesOf(one)}\n${sourceOf(one, parity.primary)}\n${one.action}`.trim(),
            },
    })),
  ]);
  return renderJunit('parity', cases);
}

/** Of two clusters. */
export function renderComparison(
  comparison: ApiComparison,
  colours: Colours,
  columns: number | undefined,
): string {
  const { primary, standby, objects, counts, differences, omitted } = comparison;
  const head = `${colours.bold(`${primary} -> ${standby}`)}  ${plural(objects, 'object')}, ${describeCounts(counts)}\n`;
  if (differences.length === 0) return head;
  const table = renderTable(
    differenceHeadings.filter((heading) => heading !== 'STANDBY'),
    differences.map((one) => differenceRow(one).filter((_, at) => at !== 1)),
    { columns, indent: 2, heading: colours.bold },
  );
  return `${head}\n${table}${omitted > 0 ? `  and ${omitted} more\n` : ''}`;
}
