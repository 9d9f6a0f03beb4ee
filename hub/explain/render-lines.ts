import type { Paint } from '../../shared/text/paint.ts';
import type { ExplainedLine, ExplainedPlace } from './explanation.ts';
import { cutEnd, plain } from './paint.ts';

/** A column of the gutter. The first ones stay longest on a narrow terminal. */
const columnNames = ['place', 'commit', 'action', 'author', 'date'] as const;
type ColumnName = (typeof columnNames)[number];
/** From the left. */
const shownOrder: readonly ColumnName[] = ['commit', 'author', 'date', 'place', 'action'];

/** As wide as a column may be, in characters. */
const widthMax: Readonly<Record<ColumnName, number>> = {
  place: 44,
  commit: 8,
  action: 28,
  author: 18,
  date: 10,
};
/** Left for the YAML before the gutter gives way. */
const yamlMin = 40;
const placeMin = 14;

type Cells = Readonly<Record<ColumnName, string>>;

/** Each line of the YAML behind what gave it its value: the commit, who and when, the place, and what was done there, as `git blame` does it. */
export function renderLines(
  lines: readonly ExplainedLine[],
  paint: Paint,
  columns: number | undefined,
): readonly string[] {
  const cells = lines.map(cellsOf);
  const widths = chooseWidths(cells, longest(lines.map(({ text }) => text)), columns);
  const gutter = [...widths.values()].reduce((sum, width) => sum + width + 2, 0);
  const room = columns === undefined ? undefined : Math.max(10, columns - gutter - 2);
  let commit = '';
  return lines.map((line, index) => {
    const own = cells[index] ?? cellsOf(line);
    const isNew = own.commit !== '' && own.commit !== commit;
    if (own.commit !== '') commit = own.commit;
    const shown = [...widths].map(([name, width]) => {
      const cell = pad(shortened(own[name], width, name), width);
      if (name === 'action') return paint.warn(cell);
      // The eye should find where it changes.
      return name === 'commit' && isNew ? cell : paint.dim(cell);
    });
    const text = plain(room === undefined ? line.text : cutEnd(line.text, room));
    return `${shown.join('  ')}  ${paint.dim('│')} ${line.changes > 0 ? paint.good(text) : text}`.trimEnd();
  });
}

function cellsOf({ origin }: ExplainedLine): Cells {
  if (origin === null) return { place: '', commit: '', action: '', author: '', date: '' };
  const { at, action, kind } = origin;
  return {
    place: placeText(at),
    // Most lines come from a plain resource: what stands out is what else was done.
    action: kind === 'resource' ? '' : action,
    ...commitCells(at),
  };
}

/** Where a commit's digits would be. */
export const notCommitted = '-------';

function commitCells({ commit, uncommitted }: ExplainedPlace): Pick<Cells, 'commit' | 'author' | 'date'> {
  if (uncommitted) return { commit: notCommitted, author: 'not committed', date: '' };
  if (commit === null) return { commit: '', author: '', date: '' };
  return { commit: commitText(commit), author: plain(commit.author), date: commit.time.slice(0, 10) };
}

/** `3f2c1a0`; `^3f2c1a0` where it was then or before. */
export function commitText({ sha, orBefore }: { readonly sha: string; readonly orBefore: boolean }): string {
  return `${orBefore ? '^' : ''}${sha.slice(0, 7)}`;
}

/** `base/web.yaml:12`; `spec.variables.REGION` follows where the line alone does not say it. */
export function placeText({ file, line, field }: ExplainedPlace): string {
  const where = line === 0 ? file : `${file}:${line}`;
  return plain([where, field].filter((part) => part !== '').join(' '));
}

/** Columns that have anything in them, as many as fit beside the YAML. */
function chooseWidths(
  cells: readonly Cells[],
  yamlWidth: number,
  columns: number | undefined,
): ReadonlyMap<ColumnName, number> {
  const natural = new Map(
    columnNames.map(
      (name) => [name, Math.min(widthMax[name], longest(cells.map((cell) => cell[name])))] as const,
    ),
  );
  let room =
    columns === undefined
      ? Number.POSITIVE_INFINITY
      : columns - Math.min(yamlWidth, Math.max(yamlMin, columns / 2)) - 2;
  const chosen = new Map<ColumnName, number>();
  for (const name of columnNames) {
    const width = natural.get(name) ?? 0;
    const taken = name === 'place' ? Math.max(placeMin, Math.min(width, room - 2)) : width;
    if (width === 0 || (name !== 'place' && taken + 2 > room)) continue;
    chosen.set(name, taken);
    room -= taken + 2;
  }
  return new Map(
    shownOrder.flatMap((name) => (chosen.has(name) ? [[name, chosen.get(name) ?? 0] as const] : [])),
  );
}

function longest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, [...text].length), 0);
}

/** Of a path, its end says most. */
function shortened(text: string, width: number, name: ColumnName): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return name === 'place'
    ? `…${characters.slice(characters.length - width + 1).join('')}`
    : cutEnd(text, width);
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - [...text].length));
}
