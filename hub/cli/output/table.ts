import { stripVTControlCharacters } from 'node:util';

export interface TableOptions {
  /** The last column is broken into lines of at most this many characters. Undefined: never broken. */
  readonly columns?: number | undefined;
  readonly indent?: number;
  readonly heading?: (text: string) => string;
}

const width = (text: string) => [...stripVTControlCharacters(text)].length;

/** Less room than this beside the other columns is none: the text goes below its row. */
const roomMin = 40;

/** Lines that one cell may take: what is longer is in `-o json`. */
const linesMax = 8;

/** Aligned columns with two spaces between; no trailing spaces. Cells may hold colours, not line breaks. */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const indent = ' '.repeat(options.indent ?? 0);
  const heading = options.heading ?? ((text: string) => text);
  const widths = headings.map((text, column) =>
    Math.max(width(text), ...rows.map((row) => width(row[column] ?? ''))),
  );
  const last = widths.length - 1;
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + 2, indent.length);
  const room = options.columns === undefined ? undefined : options.columns - before;
  const line = (cells: readonly string[]) => {
    const all = widths.map((_, column) => (cells[column] ?? '').replaceAll(/\s*\n\s*/g, ' '));
    const padded = all
      .slice(0, last)
      .map((cell, column) => `${cell}${' '.repeat((widths[column] ?? 0) - width(cell))}  `);
    return hang(indent + padded.join(''), all[last] ?? '', room, before, indent.length + 4);
  };
  return [heading(line(headings)), ...rows.map(line)].join('\n') + '\n';
}

/** The start of a line and what follows it, beside or below. Text with colours is left whole: breaking it would break a sequence. */
function hang(start: string, text: string, room: number | undefined, before: number, below: number): string {
  if (room === undefined || width(text) <= room || text.includes('\u001b')) return (start + text).trimEnd();
  if (room >= roomMin) return start + wrap(text, room, linesMax).join(`\n${' '.repeat(before)}`);
  const lines = wrap(text, Math.max(roomMin, before + room - below), linesMax);
  return [start.trimEnd(), ...lines.map((one) => ' '.repeat(below) + one)].join('\n');
}

/** Broken at blanks, or within a word that is longer than a line; ends with an ellipsis where it takes more lines than it may. */
export function wrap(text: string, size: number, max: number): readonly string[] {
  const lines: string[] = [];
  let rest = [...text];
  while (rest.length > size) {
    if (lines.length === max - 1) return [...lines, `${rest.slice(0, size - 1).join('')}…`];
    const blank = rest.lastIndexOf(' ', size);
    const end = blank > 0 ? blank : size;
    lines.push(rest.slice(0, end).join(''));
    rest = rest.slice(blank > 0 ? end + 1 : end);
  }
  return [...lines, rest.join('')];
}
