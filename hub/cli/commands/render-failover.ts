/** Failovers as people read them: how far one is. Pure. */
import type { ApiFailover } from '../../api/schemas/failover.ts';
import type { Printer } from '../output/printer.ts';
import { renderDuration, renderRelative } from '../output/relative-time.ts';

/** `42 s`; `-` where nothing was measured. */
export function timeText(seconds: number | null): string {
  if (seconds === null) return '-';
  return seconds < 1 ? '< 1 s' : renderDuration(seconds * 1_000);
}

/** `failover back` is what people type. */
export function kindText(kind: ApiFailover['kind']): string {
  return kind === 'back' ? 'failover back' : kind;
}

function endsText({ overrideState, overrideUntil }: ApiFailover, nowMs: number): string {
  return overrideState === 'active' ? `, which ends ${renderRelative(overrideUntil, nowMs)}` : '';
}

/** How far it is, application by application. */
export function renderFailover(
  one: ApiFailover,
  { nowMs, colours }: Pick<Printer, 'nowMs' | 'colours'>,
): string {
  const lines = [
    `${kindText(one.kind)} of ${one.group}, ${one.from} -> ${one.to}: ${colours.bold(one.phase)}: ${one.message}`,
    `began ${renderRelative(one.startedAt, nowMs)} by ${one.actor}: ${one.reason}`,
  ];
  if (one.rtoSeconds !== null)
    lines.push(
      `${one.to} was ready after ${one.rtoSeconds < 1 ? 'less than 1 s' : timeText(one.rtoSeconds)}`,
    );
  if (one.commit !== null) lines.push(`committed as ${one.commit.slice(0, 8)} on ${one.ref ?? ''}`);
  if (one.overrideUntil !== null)
    lines.push(`the hub's own word until ${one.overrideUntil}${endsText(one, nowMs)}: ${one.overrideState}`);
  if (one.commitError !== '') lines.push(`not in Git: ${one.commitError}`);
  for (const { application, readyAt, waitsOn } of one.applications)
    lines.push(
      readyAt === null
        ? `  ${application}: ${waitsOn}`
        : `  ${application}: ready ${renderRelative(readyAt, nowMs)}`,
    );
  return `${lines.join('\n')}\n`;
}
