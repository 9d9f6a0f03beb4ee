/** A plan of rollouts as people read it: in a terminal, and in a pull request. Pure. */
import { listNames } from '../../../shared/text/list-names.ts';
import { plain } from '../../../shared/text/plain.ts';
import { plural } from '../../../shared/text/plural.ts';
import type {
  ApiPlannedApplication,
  ApiPlannedWave,
  ApiRolloutPlan,
} from '../../api/schemas/rollout-plan.ts';
import { problemText, sideText } from '../../preview/field-lines.ts';
import { code, renderChangesMarkdown } from '../../preview/render-markdown.ts';
import { renderChanges } from '../../preview/render-text.ts';
import type { ProblemReport } from '../../preview/report.ts';
import { durationText } from '../../rollout/report/duration-text.ts';
import type { Colours } from './colour.ts';

const namesShown = 8;

function namesText(clusters: readonly string[]): string {
  return listNames(clusters.map(plain), namesShown);
}

/** Codes of a newer hub are told as they are. */
function problemLine(problem: ApiRolloutPlan['problems'][number]): string {
  return problemText(problem as ProblemReport);
}

function seconds(value: number): string {
  return durationText(value * 1_000);
}

function clusterCount({ waves }: ApiPlannedApplication): number {
  return waves.reduce((sum, { clusters }) => sum + clusters.length, 0);
}

/** `12 clusters in 4 waves, by strategy careful`. */
function outcomeText(planned: ApiPlannedApplication): string {
  const { outcome, strategy, waves, after, leftOut } = planned;
  if (outcome === 'nothing')
    return leftOut.some(({ reason }) => reason === 'held')
      ? 'no rollout: what it brings was rolled back and is held'
      : 'no rollout: no Target changes';
  const many = `${plural(clusterCount(planned), 'cluster')} in ${plural(waves.length, 'wave')}`;
  if (outcome === 'amends')
    return `${many} join or leave with the rollout that there is, its gates as they are`;
  const by = strategy?.name ? `by strategy ${plain(strategy.name)}` : 'by a strategy of its own';
  if (outcome === 'begins' || after === null) return `${many}, ${by}`;
  return `${many}, ${by}, once it was healthy in ${plain(after.application)} for ${seconds(after.soakSeconds)}`;
}

/** What holds for all waves, a line each. */
function strategyLines({ strategy, supersedes }: ApiPlannedApplication): readonly string[] {
  const lines: string[] = [];
  if (supersedes !== null) {
    const { revisionId, phase, takesBack, reached, clusters } = supersedes;
    const what = takesBack ? 'takes back' : 'supersedes';
    lines.push(
      `${what} revision ${revisionId.slice(0, 7)}: ${phase}, ${reached} of ${plural(clusters, 'cluster')} reached`,
    );
  }
  if (strategy === null) return lines;
  if (!strategy.open)
    lines.push(
      `may not begin now, ${plain(strategy.closedBecause)}; ${strategy.opensAt === null ? 'it never opens' : `opens at ${strategy.opensAt}`}`,
    );
  else if (strategy.closesAt !== null) lines.push(`may assign until ${strategy.closesAt}`);
  for (const name of strategy.emptyWaves)
    lines.push(`wave ${plain(name)} is left out, with its gates: no cluster that changes has its labels`);
  for (const { cron, durationSeconds, timeZone } of strategy.windows)
    lines.push(`window: ${cron} for ${seconds(durationSeconds)}, ${timeZone}`);
  for (const { from, until, reason } of strategy.freezes)
    lines.push(`freeze: ${from} to ${until}${reason === '' ? '' : `, ${plain(reason)}`}`);
  const failure = {
    pause: 'it pauses',
    rollback: `it rolls back, ${strategy.rollbackSpeed === 'waves' ? 'the last wave first' : 'all at once'}`,
    continue: 'it goes on',
  }[strategy.onFailure];
  const late = `fails without health ${seconds(strategy.healthTimeoutSeconds)} after it applied`;
  const budget = strategy.failures === null ? '' : `; ${strategy.failures} may fail over all waves`;
  const revert = strategy.revert === 'none' ? '' : `, and writes the revert to Git as a ${strategy.revert}`;
  lines.push(`a cluster ${late}; when a budget is spent ${failure}${revert}${budget}`);
  if (strategy.regions === 'apart') lines.push('never two regions at once in a wave');
  if (strategy.pairs !== 'any')
    lines.push(`the sides of a pair ${strategy.pairs === 'apart' ? 'never in one wave' : 'in one wave'}`);
  return lines;
}

/** Bounds and gates of a wave, a line each. */
function gateLines(wave: ApiPlannedWave): readonly string[] {
  const { approval, soakSeconds, minHealthySeconds, analysis, bounds, clusters, leaving, away, paused } =
    wave;
  const size = clusters.length;
  const bound = [
    ...(bounds.concurrent < size ? [`${bounds.concurrent} in flight`] : []),
    ...(bounds.unavailable < size ? [`${bounds.unavailable} unavailable`] : []),
    ...(bounds.offline < size ? [`${bounds.offline} away`] : []),
  ];
  const most = bound.length === 0 ? 'all at once' : `at most ${bound.join(', ')}`;
  const failures = bounds.failures === 0 ? 'none' : `at most ${bounds.failures}`;
  const lines = [`${most}; ${failures} may fail`];
  if (approval !== null) {
    const who =
      approval.approvers.length === 0
        ? 'anybody who may act on rollouts'
        : approval.approvers.map(plain).join(', ');
    lines.push(`approval ${approval.when} it, by ${who}`);
  }
  if (minHealthySeconds > 0) lines.push(`a cluster counts after ${seconds(minHealthySeconds)} of health`);
  if (soakSeconds > 0) lines.push(`soaks ${seconds(soakSeconds)}`);
  for (const { name, provider, count, intervalSeconds } of analysis)
    lines.push(
      `analysis ${plain(name)} (${provider}): ${plural(count, 'good answer')}, every ${seconds(intervalSeconds)}`,
    );
  if (leaving.length > 0) lines.push(`taken out of: ${namesText(leaving)}`);
  if (away.length > 0) lines.push(`away now, left out until they return: ${namesText(away)}`);
  if (paused.length > 0) lines.push(`paused, left out until resumed: ${namesText(paused)}`);
  return lines;
}

function changesKey({ changes }: ApiPlannedWave): string {
  // Which clusters is told by the wave.
  return JSON.stringify(changes, (key, value: unknown) =>
    key === 'clusters' || key === 'placed' ? undefined : value,
  );
}

/** The wave before it in which just the same changes; undefined: none. */
function sameAs(waves: readonly ApiPlannedWave[], index: number): ApiPlannedWave | undefined {
  const wave = waves[index];
  if (!wave?.changes) return undefined;
  const key = changesKey(wave);
  return waves.slice(0, index).find((earlier) => earlier.changes && changesKey(earlier) === key);
}

export function renderPlanText(plan: ApiRolloutPlan, colours: Colours): string {
  const { revision, applications, problems, omitted } = plan;
  const lines = [`${colours.bold(sideText(revision))}  ${summaryText(plan)}`];
  for (const planned of applications) {
    lines.push('', `${colours.bold(plain(planned.application))}  ${outcomeText(planned)}`);
    lines.push(...strategyLines(planned).map((line) => `  ${line}`));
    for (const [index, wave] of planned.waves.entries()) {
      const { name, clusters, changes } = wave;
      lines.push(
        `  ${index + 1}. ${colours.bold(plain(name))}  ${plural(clusters.length, 'cluster')}: ${namesText(clusters)}`,
      );
      lines.push(...gateLines(wave).map((line) => `       ${line}`));
      const same = sameAs(planned.waves, index);
      if (same) lines.push(colours.dim(`       the same changes as in ${plain(same.name)}`));
      else if (changes) lines.push(...renderChanges(changes, colours).map((line) => `     ${line}`));
    }
    for (const { message, clusters } of planned.leftOut)
      lines.push(`  no part: ${namesText(clusters)}: ${plain(message)}`);
  }
  if (problems.length > 0) lines.push('', colours.bold('problems'));
  for (const problem of problems) lines.push(`  ${colours.bad(problemLine(problem))}`);
  if (omitted > 0) lines.push('', colours.dim(`and ${plural(omitted, 'more change')} not shown`));
  return `${lines.join('\n')}\n`;
}

function summaryText({ applications }: ApiRolloutPlan): string {
  const begin = applications.filter(({ outcome }) => outcome === 'begins' || outcome === 'waits').length;
  return begin === 0 ? 'begins no rollout' : `begins ${plural(begin, 'rollout')}`;
}

/** GitHub refuses comments of more than 65,536 characters; room is left for what a caller adds. */
const charactersMax = 60_000;

export function renderPlanMarkdown(plan: ApiRolloutPlan): string {
  const { revision, applications, problems, omitted } = plan;
  const blocks = [`### Fairway: ${code(sideText(revision))} ${summaryText(plan)}`];
  if (problems.length > 0)
    blocks.push(['#### Problems', '', ...problems.map((one) => `- ${code(problemLine(one))}`)].join('\n'));
  for (const planned of applications) {
    blocks.push(`#### ${code(plain(planned.application))}: ${code(outcomeText(planned))}`);
    const about = strategyLines(planned).map((line) => `- ${code(line)}`);
    if (about.length > 0) blocks.push(about.join('\n'));
    for (const [index, wave] of planned.waves.entries()) {
      const { name, clusters, changes } = wave;
      const head = `**${index + 1}.** ${code(plain(name))}, ${plural(clusters.length, 'cluster')}: ${code(namesText(clusters))}`;
      blocks.push([head, '', ...gateLines(wave).map((line) => `- ${code(line)}`)].join('\n'));
      const same = sameAs(planned.waves, index);
      if (same) blocks.push(`The same changes as in ${code(plain(same.name))}.`);
      else if (changes) blocks.push(...renderChangesMarkdown(changes));
    }
    const left = planned.leftOut.map(
      ({ message, clusters }) => `- no part: ${code(namesText(clusters))}: ${code(plain(message))}`,
    );
    if (left.length > 0) blocks.push(left.join('\n'));
  }
  return `${boundBlocks(blocks, omitted)}\n`;
}

function boundBlocks(blocks: readonly string[], omitted: number): string {
  let text = '';
  let kept = 0;
  for (const block of blocks) {
    if (text.length + block.length > charactersMax) break;
    text += `${kept === 0 ? '' : '\n\n'}${block}`;
    kept += 1;
  }
  const left = blocks.length - kept + omitted;
  return left > 0 ? `${text}\n\n_${plural(left, 'more part')} not shown._` : text;
}
