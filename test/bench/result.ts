/** What a bench measures, next to its peer or limit in the same run. */
export interface BenchResult {
  readonly bench: string;
  readonly metric: string;
  readonly value: number;
  /** ms, s, kB, ratio, requests/min, ... */
  readonly unit: string;
  /** What it is held against. */
  readonly peer: string;
  readonly peerValue: number;
  /** value / peerValue. */
  readonly ratio: number;
}

export interface BenchPorts {
  readonly say: (text: string) => void;
  /** A tenth of the work, to see whether the bench runs: its figures say nothing. */
  readonly quick: boolean;
}

export type Bench = (ports: BenchPorts) => Promise<readonly BenchResult[]>;

export function result(
  bench: string,
  metric: string,
  value: number,
  unit: string,
  peer: string,
  peerValue: number,
): BenchResult {
  return {
    bench,
    metric,
    value,
    unit,
    peer,
    peerValue,
    ratio: peerValue === 0 ? (value === 0 ? 0 : Number.MAX_VALUE) : value / peerValue,
  };
}

/** Nearest-rank percentile; 0 for nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

function shortNumber(value: number): string {
  if (value === 0) return '0';
  if (value === Number.MAX_VALUE) return 'over';
  return Math.abs(value) >= 100
    ? value.toFixed(0)
    : Math.abs(value) >= 1
      ? value.toFixed(2)
      : value.toPrecision(2);
}

export function formatTable(results: readonly BenchResult[]): string {
  const head = ['metric', 'value', 'unit', 'held against', 'its value', 'ratio'];
  const rows = results.map((row) => [
    row.metric,
    shortNumber(row.value),
    row.unit,
    row.peer,
    shortNumber(row.peerValue),
    shortNumber(row.ratio),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
