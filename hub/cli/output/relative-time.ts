const steps: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** `5 min ago`, `in 2 h`, `now`; `-` for null. */
export function renderRelative(time: string | null, nowMs: number): string {
  if (time === null) return '-';
  const differenceMs = Date.parse(time) - nowMs;
  const text = renderDuration(Math.abs(differenceMs));
  if (text === '0 s') return 'now';
  return differenceMs < 0 ? `${text} ago` : `in ${renderLeft(differenceMs)}`;
}

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

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `30m`, `1h`, `2d`, `1h30m` as seconds; undefined for anything else. */
export function parseDurationSeconds(text: string): number | undefined {
  if (!/^(\d+[smhd])+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([smhd])/g))
    seconds += Number(amount) * (units[unit ?? ''] ?? 0);
  return seconds > 0 ? seconds : undefined;
}
