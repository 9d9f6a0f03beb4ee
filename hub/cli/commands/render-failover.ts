/** Failovers as people read them: what one would change, and how far one is. Pure. */
import type { ApiFailover, ApiFailoverPlan } from '../../api/schemas/failover.ts';
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

/** What to type to begin what was planned. */
function startCommand({ group, kind, to, confirm }: ApiFailoverPlan): string {
  const options = [
    ...(kind === 'back' ? [] : [`--to ${to}`]),
    ...(kind === 'drill' ? ['--drill'] : []),
    ...(confirm.length > 0 ? ['--confirm'] : []),
    '--reason TEXT',
  ];
  return `fairway failover ${kind === 'back' ? 'back' : 'start'} ${group} ${options.join(' ')}`;
}

function changesText({ changes: { summary } }: ApiFailoverPlan): string {
  const { applications, clusters, added, removed, changed } = summary;
  if (applications === 0) return 'changes: none; no object comes out otherwise with the other roles';
  return `changes: applications ${applications}, clusters ${clusters}; objects added ${added}, removed ${removed}, changed ${changed}`;
}

/** Ends with the command that begins it. */
export function renderPlan(plan: ApiFailoverPlan): string {
  const { group, kind, from, to, mode, strategy, readiness, changes } = plan;
  const lines = [
    `${kindText(kind)} of ${group}: ${from} -> ${to}, by ${mode}, strategy ${strategy}`,
    `primary fenced: ${plan.fenced} (${plan.fencedReason})`,
    `estimated time: ${plan.estimateSeconds === null ? `not known: none was measured yet; fairway failover start ${group} --drill --reason TEXT measures it` : timeText(plan.estimateSeconds)}`,
    '',
    'roles:',
    ...plan.roles.map((one) => `  ${one.cluster}: ${one.from} -> ${one.to}`),
    ...plan.files.map((file) => `  edits ${file}`),
    '',
    `readiness of ${to}: ${readiness.verdict}${readiness.score === null ? '' : `, score ${readiness.score}`}`,
    ...readiness.reasons.map(
      ({ severity, message, action, owner }) =>
        `  ${severity}: ${message}${owner === '' ? '' : ` (${owner})`}${action === '' ? '' : `; ${action}`}`,
    ),
    '',
    changesText(plan),
    ...changes.applications.map(({ name, clusters: where }) => `  ${name}: ${where.names.join(', ')}`),
    ...changes.problems.map(({ problem }) => `  problem: ${problem.file}: ${problem.message}`),
  ];
  if (plan.confirm.length > 0)
    lines.push('', 'to be confirmed with --confirm:', ...plan.confirm.map((text) => `  ${text}`));
  lines.push('', 'to begin it:', `  ${startCommand(plan)}`);
  return `${lines.join('\n')}\n`;
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
