import type { Paint } from '../../shared/text/paint.ts';
import type { Explanation } from './explanation.ts';
import { renderFields } from './render-fields.ts';
import { notCommitted, renderLines } from './render-lines.ts';

/** The explanation as people read it in a terminal. Pure. @param columns undefined: nothing is cut or left out. */
export function renderExplanationText(
  explanation: Explanation,
  paint: Paint,
  columns: number | undefined,
): string {
  const { lines, fields, field, state, omitted } = explanation;
  const text = [...renderHeading(explanation, paint)];
  if (state === 'unset')
    text.push(
      '',
      `Nothing in Git sets ${field}: what it is in the cluster, the API server (by a default) or a controller decides.`,
    );
  if (lines.length > 0) text.push('', ...renderLines(lines, paint, columns));
  const removed = fields.filter((one) => one.state === 'removed');
  const set = fields.filter((one) => one.state === 'set');
  if (lines.length > 0 && set.length > 0) text.push('', paint.bold('changed on the way'));
  text.push(...renderFields(set, paint, columns, lines.length > 0));
  if (lines.length > 0 && removed.length > 0) text.push('', paint.bold('removed on the way'));
  text.push(...renderFields(removed, paint, columns, lines.length > 0));
  if (omitted > 0) text.push('', paint.dim(`and ${omitted} more not shown`));
  const notes = renderNotes(explanation);
  if (notes.length > 0) text.push('', ...notes.map((note) => paint.dim(note)));
  return `${text.join('\n')}\n`;
}

function renderHeading(explanation: Explanation, paint: Paint): readonly string[] {
  const { object, application, cluster, revision, way, field, state } = explanation;
  const { kind, namespace, name, originName } = object;
  const own = `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
  const first = originName === name ? '' : paint.dim(` (${originName} at first)`);
  const commit = revision.commit?.slice(0, 7);
  const at = [revision.name, commit === revision.name ? undefined : commit].filter(Boolean).join(' ');
  const where = application === '' ? [] : [`${application} in ${cluster}`];
  if (at !== '') where.push(`at ${at}${revision.repository === '' ? '' : ` of ${revision.repository}`}`);
  if (way.length > 0) where.push(`by ${way.map((folder) => (folder === '' ? '.' : folder)).join(' -> ')}`);
  const heading = field === '' ? `${paint.bold(own)}${first}` : `${paint.bold(field)} of ${own}${first}`;
  return [
    state === 'removed' ? `${heading} ${paint.bad('is not there any more')}` : heading,
    paint.dim(where.join(', ')),
  ];
}

/** What a sign in the text means, where it is used. */
function renderNotes({ lines, fields }: Explanation): readonly string[] {
  const places = [
    ...lines.flatMap(({ origin }) => (origin ? [origin.at] : [])),
    ...fields.flatMap(({ steps }) => steps.map(({ at }) => at)),
  ];
  const notes: string[] = [];
  if (places.some(({ commit }) => commit?.orBefore)) notes.push('^ in that commit or before it');
  if (lines.some(({ origin }) => origin?.at.uncommitted)) notes.push(`${notCommitted} not committed`);
  return notes;
}
