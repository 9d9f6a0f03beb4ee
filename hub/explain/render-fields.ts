import type { Paint } from '../../shared/text/paint.ts';
import type { ExplainedStep, FieldExplanation, LineCommit } from './explanation.ts';
import { cutEnd, plain } from './paint.ts';
import { commitText, placeText } from './render-lines.ts';

/** Chains of fields, from the base up. @param named whether each is told by its path first: several of them. */
export function renderFields(
  fields: readonly FieldExplanation[],
  paint: Paint,
  columns: number | undefined,
  named: boolean,
): readonly string[] {
  return fields.flatMap((field) => [
    '',
    ...(named ? [`  ${paint.bold(field.path)}${valueText(field, paint)}`] : []),
    ...renderSteps(field, paint, columns, named ? '    ' : '  '),
  ]);
}

function valueText({ state, value, masked }: FieldExplanation, paint: Paint): string {
  if (state === 'removed') return '';
  return `: ${masked && value === null ? paint.dim('***') : plain(value ?? '')}`;
}

/** Each step: what it made of the value, then where, what was done, and who wrote that. */
function renderSteps(
  { steps, masked }: FieldExplanation,
  paint: Paint,
  columns: number | undefined,
  indent: string,
): readonly string[] {
  const shortened = (text: string, lead: string) =>
    columns === undefined ? text : cutEnd(text, Math.max(20, columns - lead.length));
  const inner = `${indent}   `;
  return steps.flatMap((step, index) => [
    `${indent}${paint.dim(String(index + 1).padStart(2))} ${changeText(step, masked, paint, columns)}`,
    inner + paintAction(shortened(placeLine(step), inner), paint),
    ...contextLines(step).map((text) => `${inner}${paint.dim(shortened(text, inner))}`),
  ]);
}

/** What was done stands out beside where. */
function paintAction(line: string, paint: Paint): string {
  const at = Math.max(0, line.indexOf('  '));
  return line.slice(0, at) + paint.warn(line.slice(at));
}

function changeText(
  { change, before, after }: ExplainedStep,
  masked: boolean,
  paint: Paint,
  columns: number | undefined,
): string {
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(8, Math.floor((columns - 12) / 2));
  const hidden = masked ? '***' : '';
  const show = (value: string | null) => cutEnd(plain(value ?? hidden), room);
  if (change === 'read') return show(after);
  if (change === 'added') return paint.good(`+ ${show(after)}`);
  if (change === 'removed') return paint.bad(`- ${show(before)}`);
  return `${paint.bad(show(before))} -> ${paint.good(show(after))}`;
}

/** `overlays/eu/replicas.yaml:7  patches[0] of overlays/eu/kustomization.yaml:4` */
function placeLine({ at, action, layer, configuredAt, change }: ExplainedStep): string {
  const entry = change === 'read' || configuredAt?.file === at.file ? null : configuredAt;
  const inside = layer === '' || at.file.startsWith(`${layer}/`) ? '' : ` in ${layer}`;
  const did = entry ? `${action} of ${placeText(entry)}` : action + inside;
  return plain([placeText(at), did].filter((part) => part !== '').join('  '));
}

function contextLines({ at, configuredAt, through, from, change }: ExplainedStep): readonly string[] {
  const lines: string[] = [];
  if (from) lines.push(plain(`value of ${from.field} of ${from.object}`));
  if (at.uncommitted) lines.push('not committed');
  else if (at.commit) lines.push(commitLine(at.commit));
  if (through) {
    const who =
      through.commit && through.commit.sha !== at.commit?.sha ? `  ${commitLine(through.commit)}` : '';
    lines.push(plain(`put in by ${placeText(through)}${who}`));
  }
  // Who listed a patch, where that was another one than who wrote it.
  const listed = change === 'read' || configuredAt?.file === at.file ? null : configuredAt;
  const entry = listed?.commit;
  if (entry && entry.sha !== at.commit?.sha) lines.push(`listed by ${commitLine(entry)}`);
  return lines;
}

function commitLine(commit: LineCommit): string {
  const { author, time, subject } = commit;
  return plain(`${commitText(commit)} ${author}, ${time.slice(0, 10)}: ${subject}`);
}
