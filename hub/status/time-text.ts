const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

/** A length of time in its largest whole unit: `5 min`, `40 s`. */
export function untilText(durationMs: number): string {
  for (const [unit, ms] of units) if (durationMs >= ms) return `${Math.floor(durationMs / ms)} ${unit}`;
  return `${Math.max(0, Math.floor(durationMs / 1000))} s`;
}

/** `5 min ago`, `just now` below a second. */
export function agoText(durationMs: number): string {
  return durationMs < 1000 ? 'just now' : `${untilText(durationMs)} ago`;
}
