import { plural } from '../../../shared/text/plural.ts';
import type { ApiComparison, ApiDifference, ApiParity } from '../../api/schemas/parity.ts';
import type { Colours } from '../output/colour.ts';
import { type JunitCase, renderJunit } from '../output/junit.ts';
import { renderDuration, renderRelative } from '../output/relative-time.ts';
import { renderTable } from '../output/table.ts';
import { renderOpenFailover } from './open-failovers.ts';

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

/** `apps/web/overlays/eu/kustomization.yaml:5`. */
function sourceOf({ primarySource, standbySource }: ApiDifference): string {
  return [primarySource, standbySource]
    .flatMap((source) => (source && source.file !== '' ? [`${source.file}:${source.line}`] : []))
    .filter((text, at, all) => all.indexOf(text) === at)
    .join(', ');
}

function differenceRow(one: ApiDifference, wide: boolean): readonly string[] {
  const row = [one.class, one.standby, one.application, subjectOf(one), valuesOf(one), one.owner || '-'];
  return wide ? [...row, one.severity, sourceOf(one) || '-', one.message] : row;
}

function differenceHeadings(wide: boolean): readonly string[] {
  const headings = ['CLASS', 'STANDBY', 'APPLICATION', 'WHERE', 'PRIMARY -> STANDBY', 'OWNER'];
  return wide ? [...headings, 'SEVERITY', 'SOURCE', 'MESSAGE'] : headings;
}

/** For people: the verdict, every reason with what to do, and the differences. */
export function renderParity(
  { parity, differences }: ParityDetail,
  options: {
    readonly wide: boolean;
    readonly colours: Colours;
    readonly nowMs: number;
    readonly columns: number | undefined;
  },
): string {
  const { wide, colours, nowMs, columns } = options;
  const since = renderRelative(parity.verdictSince, nowMs);
  const lines = [
    `${colours.bold(parity.group)}  ${colourVerdict(colours, parity.verdict)} (${since}), score ${parity.score} of 100`,
    `  primary ${parity.primary}; ${describeWhole(parity, nowMs)}`,
    ...parity.standbys.map(
      (pair) =>
        `  standby ${pair.standby}: ${colourVerdict(colours, pair.verdict)}, ${plural(pair.objects, 'object')}, ${describeCounts(pair.counts)}${describeCatchUp(pair.catchUpSeconds)}`,
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
  const shown = wide ? differences : differences.filter((one) => one.class !== 'declared');
  const hidden = differences.length - shown.length;
  if (shown.length > 0)
    lines.push(
      '',
      renderTable(
        differenceHeadings(wide),
        shown.map((one) => differenceRow(one, wide)),
        { columns: wide ? undefined : columns, indent: 2, heading: colours.bold },
      ).trimEnd(),
    );
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

function describeCatchUp(seconds: number | null): string {
  return seconds === null ? '' : `, catches up in about ${seconds} s`;
}

export function describeCounts(counts: Readonly<Record<string, number>>): string {
  const found = Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []));
  return found.length === 0 ? 'no difference' : found.join(', ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}

function describeFailover(failover: NonNullable<ApiParity['failover']>): string {
  const { kind, from, to, phase, message, overrideUntil } = failover;
  const word = overrideUntil === null ? '' : `; roles by the hub's own word until ${overrideUntil}`;
  return `**${kind}** \`${from}\` -> \`${to}\` ${phase}: ${message}${word}`;
}

/** For a comment or a wiki. */
export function renderParityMarkdown(details: readonly ParityDetail[]): string {
  return details
    .map(({ parity, differences }) => {
      const open = differences.filter((one) => one.class !== 'declared');
      const lines = [
        `## ${parity.group}: ${parity.verdict}, score ${parity.score}`,
        '',
        `Primary \`${parity.primary}\`, standby ${parity.standbys.map(({ standby }) => `\`${standby}\``).join(', ')}.`,
        '',
        ...(parity.failover ? [`- ${describeFailover(parity.failover)}`] : []),
        ...parity.reasons.map(
          ({ severity, message, owner, action }) =>
            `- **${severity}** ${message}${owner === '' ? '' : ` (${owner})`}${action === '' ? '' : `. ${action}`}`,
        ),
      ];
      if (open.length > 0)
        lines.push(
          '',
          `| ${differenceHeadings(false).join(' | ')} |`,
          `|${' --- |'.repeat(differenceHeadings(false).length)}`,
          ...open.map((one) => `| ${differenceRow(one, false).map(cell).join(' | ')} |`),
        );
      return `${lines.join('\n')}\n`;
    })
    .join('\n');
}

/** A case for each standby, and one for each difference that nobody declared. */
export function renderParityJunit(details: readonly ParityDetail[]): string {
  const cases = details.flatMap(({ parity, differences }): readonly JunitCase[] => [
    ...parity.standbys.map(({ standby, verdict, counts }) => ({
      suite: parity.group,
      name: `${standby} may take over from ${parity.primary}`,
      failure:
        verdict === 'Ready'
          ? undefined
          : {
              type: verdict,
              message: `${verdict}: ${describeCounts(counts)}`,
              text: parity.reasons
                .filter((reason) => reason.standby === standby || reason.standby === '')
                .map(({ severity, message, action }) => `${severity}: ${message}\n  ${action}`)
                .join('\n'),
            },
    })),
    ...differences.map((one) => ({
      suite: parity.group,
      name: `${one.standby} ${one.application} ${subjectOf(one)}`,
      failure:
        one.class === 'declared'
          ? undefined
          : {
              type: one.class,
              message: one.message,
              text: `${valuesOf(one)}\n${sourceOf(one)}\n${one.action}`.trim(),
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
    differenceHeadings(false).filter((heading) => heading !== 'STANDBY'),
    differences.map((one) => differenceRow(one, false).filter((_, at) => at !== 1)),
    { columns, indent: 2, heading: colours.bold },
  );
  return `${head}\n${table}${omitted > 0 ? `  and ${omitted} more\n` : ''}`;
}
