import { stripVTControlCharacters } from 'node:util';

export interface TableOptions {
  /** Lines are cut to this many characters; the last column gives way first. Undefined: never cut. */
  readonly columns?: number | undefined;
  readonly indent?: number;
  readonly heading?: (text: string) => string;
}

const width = (text: string) => [...stripVTControlCharacters(text)].length;

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
  const room = options.columns === undefined ? undefined : Math.max(8, options.columns - before);
  const line = (cells: readonly string[]) => {
    const padded = widths.map((size, column) => {
      const cell = (cells[column] ?? '').replaceAll(/\s*\n\s*/g, ' ');
      if (column < last) return cell + ' '.repeat(size - width(cell));
      return room === undefined ? cell : cut(cell, room);
    });
    return indent + padded.join('  ').trimEnd();
  };
  return [heading(line(headings)), ...rows.map(line)].join('\n') + '\n';
}

/** Shortened with an ellipsis. Text with colours is left whole: cutting would break a sequence. */
export function cut(text: string, size: number): string {
  const characters = [...text];
  if (characters.length <= size || text.includes('\u001b')) return text;
  return characters.slice(0, size - 1).join('') + '…';
}
