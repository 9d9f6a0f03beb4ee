const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `15s`, `5m`, `1h`, `30d`, `200ms` in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = unitMs[match?.[2] ?? ''];
  return match && unit !== undefined ? Number(match[1]) * unit : undefined;
}

const steps: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** With the next smaller unit, since half of what is left may lie in it: `3 h 59 min`. */
export function renderLeft(leftMs: number): string {
  const at = steps.findIndex(([, size]) => leftMs >= size);
  const [largest, smaller] = [steps[at], steps[at + 1]];
  if (largest === undefined || smaller === undefined) return renderDuration(leftMs);
  const rest = leftMs % largest[1];
  return rest < smaller[1]
    ? renderDuration(leftMs)
    : `${renderDuration(leftMs)} ${Math.floor(rest / smaller[1])} ${smaller[0]}`;
}

/** The largest unit that fits, rounded down: `59 s`, `1 min`, `2 d`. */
export function renderDuration(durationMs: number): string {
  for (const [unit, size] of steps) if (durationMs >= size) return `${Math.floor(durationMs / size)} ${unit}`;
  return '0 s';
}
