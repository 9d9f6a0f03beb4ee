/** Failovers as people read them: how far one is. Pure. */

import { renderDuration } from '../../../shared/text/duration.ts';
import type { ApiFailover, ApiFailoverPlan } from '../../api/schemas/failover.ts';
import type { Printer } from '../output/printer.ts';
import { renderRelative } from '../output/relative-time.ts';

/** `42 s`; `-` where nothing was measured. */
export function timeText(seconds: number | null): string {
  if (seconds === null) return '-';
  return seconds < 1 ? '< 1 s' : renderDuration(seconds * 1_000);
}

/** `failover back` is what people type. */
export function kindText(kind: ApiFailover['kind']): string {
  return kind === 'back' ? 'failover back' : kind;
}

type Changes = ApiFailoverPlan['changes']['summary'];

/** How much comes out otherwise, in numbers. */
export function changesText({ applications, clusters, added, removed, changed }: Changes): string {
  if (applications === 0) return 'changes: none; no object comes out otherwise with the other roles';
  return `changes: applications ${applications}, clusters ${clusters}; objects added ${added}, removed ${removed}, changed ${changed}`;
}

function endsText({ overrideState, overrideUntil }: ApiFailover, nowMs: number): string {
  return overrideState === 'active' ? `, which ends ${renderRelative(overrideUntil, nowMs)}` : '';
}

/** `Degraded, score 90`. */
export function readinessText({ verdict, score }: NonNullable<ApiFailover['after']>): string {
  return `${verdict}${score === null ? '' : `, score ${score}`}`;
}

/** What was known when it began. */
function plannedLines({ to, planned }: ApiFailover): readonly string[] {
  if (planned === null) return [];
  const { changes, problem } = planned;
  return [
    `readiness of ${to} when it began: ${readinessText(planned)}`,
    ...(changes === null ? [] : [`planned ${changesText(changes)}`]),
    ...(problem === '' ? [] : [`its changes could not be planned: ${problem}`]),
  ];
}

/** How far it is, application by application. */
export function renderFailover(
  one: ApiFailover,
  { nowMs, colours }: Pick<Printer, 'nowMs' | 'colours'>,
): string {
  const lines = [
    `${kindText(one.kind)} of ${one.group}, ${one.from} -> ${one.to}: ${colours.bold(one.phase)}: ${one.message}`,
    `began ${renderRelative(one.startedAt, nowMs)} by ${one.actor}: ${one.reason}`,
    ...plannedLines(one),
  ];
  if (one.rtoSeconds !== null)
    lines.push(
      `${one.to} was ready after ${one.rtoSeconds < 1 ? 'less than 1 s' : timeText(one.rtoSeconds)}`,
    );
  if (one.after !== null) lines.push(`readiness of ${one.to} after it: ${readinessText(one.after)}`);
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
