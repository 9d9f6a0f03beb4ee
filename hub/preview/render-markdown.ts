import { plain } from '../../shared/text/plain.ts';
import { plural } from '../../shared/text/plural.ts';
import {
  clustersText,
  fieldLines,
  problemText,
  type SignedLine,
  shownFields,
  sideText,
  summaryText,
  variantText,
} from './field-lines.ts';
import { type AlikeObjects, mergeAlike, namesText } from './merge-alike.ts';
import type { ApplicationReport, DiffReport, FieldReport } from './report.ts';

/** GitHub refuses comments of more than 65,536 characters; room is left for what a caller adds. */
const charactersMax = 60_000;

/** The report for a pull request. What does not fit into a comment is counted at the end. Pure. */
export function renderDiffMarkdown(report: DiffReport): string {
  const head = [
    `### Fairway: ${code(sideText(report.from))} to ${code(sideText(report.to))}`,
    '',
    `${summaryText(report)}.`.replace(/^./, (first) => first.toUpperCase()),
  ];
  const blocks = [
    ...(report.problems.length === 0 ? [] : [renderProblems(report)]),
    ...report.applications.flatMap(renderApplication),
  ];
  let text = head.join('\n');
  let kept = 0;
  for (const block of blocks) {
    if (text.length + block.length > charactersMax) break;
    text += `\n\n${block}`;
    kept += 1;
  }
  const left = blocks.length - kept + report.omitted;
  if (left > 0) text += `\n\n_${plural(left, 'more change')} not shown._`;
  return `${text}\n`;
}

function renderProblems({ problems }: DiffReport): string {
  return ['#### Problems', '', ...problems.map((problem) => `- ${code(problemText(problem))}`)].join('\n');
}

function renderApplication(application: ApplicationReport): readonly string[] {
  const { name, clusters, placed, withdrawn } = application;
  const heading = [`#### ${code(plain(name))} in ${clustersText(clusters)}`];
  if (placed.count > 0) heading.push('', `Placed newly in ${clustersText(placed)}.`);
  if (withdrawn.count > 0) heading.push('', `**Taken out of ${clustersText(withdrawn)}.**`);
  return [heading.join('\n'), ...renderChangesMarkdown(application)];
}

/** What changes of an application, a block a change, without a heading. Pure. */
export function renderChangesMarkdown(application: ApplicationReport): readonly string[] {
  return [
    ...application.settings.map((variant, index) =>
      renderDetails(
        `<b>~ settings</b>: ${escapeHtml(variantText(variant, variant.fields.length, index))}`,
        variant.fields,
        variant.fieldsOmitted,
      ),
    ),
    ...mergeAlike(application).flatMap(renderObjects),
  ];
}

function renderObjects({ variants, others }: AlikeObjects): readonly string[] {
  let position = 0;
  return variants.map((variant) => {
    const name = escapeHtml(namesText(variant, others));
    if (variant.action !== 'changed') {
      const sign = variant.action === 'added' ? '+' : '-';
      return `<b>${sign} ${name}</b> ${variant.action} in ${escapeHtml(clustersText(variant.clusters))}`;
    }
    const fields = shownFields(variant);
    const summary = `<b>~ ${name}</b>: ${escapeHtml(variantText(variant, fields.length, position))}`;
    position += 1;
    return renderDetails(summary, fields, variant.fieldsOmitted);
  });
}

function renderDetails(summary: string, fields: readonly FieldReport[], omitted: number): string {
  const lines = fields.flatMap((field) => fieldLines(field).map(renderLine));
  if (omitted > 0) lines.push(`! and ${plural(omitted, 'more field')}`);
  if (lines.length === 0) return summary;
  const body = lines.join('\n');
  const fence = fenceFor(body);
  return `<details><summary>${summary}</summary>\n\n${fence}diff\n${body}\n${fence}\n\n</details>`;
}

/** What a `diff` block colours: the place as the head of a hunk. */
function renderLine({ sign, text }: SignedLine): string {
  if (sign === '#') return `@@ ${text} @@`;
  return (sign === '@' ? `# ${text.trim()}` : `${sign} ${text}`).trimEnd();
}

/** Longer than any run of backticks within (CommonMark 0.31, section 4.5). */
function fenceFor(body: string): string {
  const longest = Math.max(2, ...[...body.matchAll(/`+/g)].map(([run]) => run.length));
  return '`'.repeat(longest + 1);
}

/** A code span, in which nothing is markup. */
export function code(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}

function escapeHtml(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll(/[*_`[\]|]/g, (character) => `&#${character.charCodeAt(0)};`)
      // Mentions are looked for once entities are characters.
      .replaceAll('@', '@&#8203;')
  );
}
