import type { Paint } from '../../shared/text/paint.ts';
import { plain } from '../../shared/text/plain.ts';
import { plural } from '../../shared/text/plural.ts';
import {
  clustersText,
  fieldLines,
  nameText,
  problemText,
  type SignedLine,
  shownFields,
  sideText,
  summaryText,
  variantText,
} from './field-lines.ts';
import { type AlikeObjects, mergeAlike, namesText } from './merge-alike.ts';
import type { ApplicationReport, ChangeVariant, DiffReport, FieldReport } from './report.ts';

/** A short change stands on one line. */
const shortCharacters = 60;

/** The report as people read it in a terminal. Pure. */
export function renderDiffText(report: DiffReport, paint: Paint): string {
  const lines = [
    `${paint.bold(`${sideText(report.from)} .. ${sideText(report.to)}`)}  ${summaryText(report)}`,
    ...report.applications.flatMap((application) => ['', ...renderApplication(application, paint)]),
  ];
  if (report.problems.length > 0) lines.push('', paint.bold('problems'));
  for (const problem of report.problems)
    lines.push(`  ${(problem.side === 'to' ? paint.bad : paint.warn)(problemText(problem))}`);
  if (report.omitted > 0) lines.push('', paint.dim(`and ${plural(report.omitted, 'more change')} not shown`));
  return `${lines.join('\n')}\n`;
}

function renderApplication(application: ApplicationReport, paint: Paint): readonly string[] {
  const heading = `${paint.bold(plain(application.name))}  ${paint.dim(`in ${clustersText(application.clusters)}`)}`;
  return [heading, ...renderChanges(application, paint)];
}

/** What changes of an application, without a heading. Pure. */
export function renderChanges(application: ApplicationReport, paint: Paint): readonly string[] {
  const { placed, withdrawn, settings } = application;
  const lines: string[] = [];
  if (placed.count > 0) lines.push(`  ${paint.good(`placed newly in ${clustersText(placed)}`)}`);
  if (withdrawn.count > 0) lines.push(`  ${paint.bad(`taken out of ${clustersText(withdrawn)}`)}`);
  for (const [index, variant] of settings.entries()) {
    lines.push(`  ${paint.warn('~')} settings, ${variantText(variant, variant.fields.length, index)}`);
    lines.push(...renderFields(variant.fields, variant.fieldsOmitted, paint));
  }
  return [...lines, ...mergeAlike(application).flatMap((alike) => renderObjects(alike, paint))];
}

function renderObjects({ variants, others }: AlikeObjects, paint: Paint): readonly string[] {
  const changed = variants.filter(({ action }) => action === 'changed');
  const lines = variants
    .filter(({ action }) => action !== 'changed')
    .map((variant) => {
      const name = namesText(variant, others);
      const what = variant.action === 'added' ? paint.good(`+ ${name}`) : paint.bad(`- ${name}`);
      return `  ${what} ${paint.dim(`in ${clustersText(variant.clusters)}`)}`;
    });
  const [first] = changed;
  if (!first) return lines;
  const oneName = changed.every((variant) => nameText(variant) === nameText(first));
  const heading = (variant: ChangeVariant) => `  ${paint.warn(`~ ${namesText(variant, others)}`)}`;
  if (oneName) lines.push(heading(first));
  for (const [index, variant] of changed.entries()) {
    const fields = shownFields(variant);
    if (!oneName) lines.push(heading(variant));
    lines.push(`    ${paint.dim(variantText(variant, fields.length, index))}`);
    lines.push(...renderFields(fields, variant.fieldsOmitted, paint));
  }
  return lines;
}

function renderFields(fields: readonly FieldReport[], omitted: number, paint: Paint): readonly string[] {
  const lines = fields.flatMap((field) => renderField(field, paint));
  return omitted === 0 ? lines : [...lines, `      ${paint.dim(`and ${plural(omitted, 'more field')}`)}`];
}

function renderField(field: FieldReport, paint: Paint): readonly string[] {
  const lines = fieldLines(field);
  const [head, before, after] = lines;
  const short =
    lines.length <= 3 &&
    field.lines.length === 0 &&
    lines.slice(1).every(({ text }) => text.length <= shortCharacters);
  if (!short || !head) return lines.map((line) => `      ${renderLine(line, paint)}`);
  if (field.masked) return [`      ${renderLine(head, paint)}`];
  if (before && after) return [`      ${head.text}: ${paint.bad(before.text)} -> ${paint.good(after.text)}`];
  const colour = before?.sign === '+' ? paint.good : paint.bad;
  return [`      ${colour(`${before?.sign ?? ' '} ${head.text}: ${before?.text ?? ''}`)}`];
}

function renderLine({ sign, text }: SignedLine, paint: Paint): string {
  if (sign === '+') return `  ${paint.good(`+ ${text}`)}`;
  if (sign === '-') return `  ${paint.bad(`- ${text}`)}`;
  if (sign === '@') return `  ${paint.dim(`@${text}`)}`;
  if (sign === ' ') return `    ${paint.dim(text)}`.trimEnd();
  return sign === '!' ? paint.warn(text) : text;
}
