import { stringify } from 'yaml';
import type { CliIo } from '../io.ts';
import { type Colours, createColours } from './colour.ts';
import { renderTable } from './table.ts';

export type OutputFormat = 'table' | 'json' | 'yaml';

export interface Printer {
  readonly format: OutputFormat;
  readonly colours: Colours;
  readonly nowMs: number;
  /** Text for people. */
  text(text: string): void;
  /** The value as JSON or YAML, or, where people read, what `render` makes of it. */
  value<T>(value: T, render: (value: T) => string): void;
  /** A list as a table; `empty` is said, on standard error, where there is nothing. */
  table<T>(items: readonly T[], columns: readonly Column<T>[], empty: string): void;
}

export type Column<T> = readonly [heading: string, cell: (item: T) => string];

export function createPrinter(format: OutputFormat, io: CliIo): Printer {
  const colours = createColours(io);
  const columns = io.terminal ? io.columns : undefined;
  const printer: Printer = {
    format,
    colours,
    nowMs: io.now(),
    text: io.stdout,
    value(value, render) {
      if (format === 'json') io.stdout(JSON.stringify(value, null, 2) + '\n');
      else if (format === 'yaml') io.stdout(stringify(value));
      else io.stdout(render(value));
    },
    table(items, wanted, empty) {
      if (format === 'table' && items.length === 0) return io.stderr(empty + '\n');
      printer.value(items, () =>
        renderTable(
          wanted.map(([heading]) => heading),
          items.map((item) => wanted.map(([, cell]) => cell(item))),
          { columns, heading: colours.bold },
        ),
      );
    },
  };
  return printer;
}
