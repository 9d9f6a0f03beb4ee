import { renderDuration, renderLeft } from '../../../shared/text/duration.ts';

/** `5 min ago`, `in 2 h`, `now`; `-` for null. */
export function renderRelative(time: string | null, nowMs: number): string {
  if (time === null) return '-';
  const differenceMs = Date.parse(time) - nowMs;
  const text = renderDuration(Math.abs(differenceMs));
  if (text === '0 s') return 'now';
  return differenceMs < 0 ? `${text} ago` : `in ${renderLeft(differenceMs)}`;
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
