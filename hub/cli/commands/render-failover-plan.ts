/** What a failover would change, as people read it in a terminal. Pure. */

import type { Paint } from '../../../shared/text/paint.ts';
import { plain } from '../../../shared/text/plain.ts';
import { plural } from '../../../shared/text/plural.ts';
import type { ApiFailoverPlan } from '../../api/schemas/failover.ts';
import { clustersText } from '../../preview/field-lines.ts';
import { renderChanges } from '../../preview/render-text.ts';
import { changesText, kindText, readinessText, timeText } from './render-failover.ts';

/** Lines of changes: what has to be confirmed is read below them. */
const changeLinesMax = 200;

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

/** Every object that comes out otherwise, with its fields. */
function changeLines({ changes }: ApiFailoverPlan, paint: Paint): readonly string[] {
  const lines = changes.applications.flatMap((application) => [
    `  ${paint.bold(plain(application.name))}  ${paint.dim(`in ${clustersText(application.clusters)}`)}`,
    ...renderChanges(application, paint).map((line) => `  ${line}`),
  ]);
  const left = lines.length - changeLinesMax;
  return [
    ...lines.slice(0, changeLinesMax),
    ...(left > 0 ? [paint.dim(`  and ${plural(left, 'more line')}: -o json has all of it`)] : []),
    ...(changes.omitted > 0 ? [paint.dim(`  and ${plural(changes.omitted, 'more change')} not shown`)] : []),
    ...changes.problems.map(({ problem }) => `  problem: ${problem.file}: ${problem.message}`),
  ];
}

/** Ends with the command that begins it. At most 200 lines are of what changes. */
export function renderFailoverPlan(plan: ApiFailoverPlan, paint: Paint): string {
  const { group, kind, from, to, mode, strategy, readiness } = plan;
  const lines = [
    `${kindText(kind)} of ${group}: ${from} -> ${to}, by ${mode}, strategy ${strategy}`,
    `primary fenced: ${plan.fenced} (${plan.fencedReason})`,
    `estimated time: ${plan.estimateSeconds === null ? `not known: none was measured yet; fairway failover start ${group} --drill --reason TEXT measures it` : timeText(plan.estimateSeconds)}`,
    '',
    'roles:',
    ...plan.roles.map((one) => `  ${one.cluster}: ${one.from} -> ${one.to}`),
    ...plan.files.map((file) => `  edits ${file}`),
    '',
    `readiness of ${to}: ${readinessText(readiness)}`,
    ...readiness.reasons.map(
      ({ severity, message, action, owner }) =>
        `  ${severity}: ${message}${owner === '' ? '' : ` (${owner})`}${action === '' ? '' : `; ${action}`}`,
    ),
    '',
    changesText(plan.changes.summary),
    ...changeLines(plan, paint),
  ];
  if (plan.confirm.length > 0)
    lines.push('', 'to be confirmed with --confirm:', ...plan.confirm.map((text) => `  ${text}`));
  lines.push('', 'to begin it:', `  ${startCommand(plan)}`);
  return `${lines.join('\n')}\n`;
}
