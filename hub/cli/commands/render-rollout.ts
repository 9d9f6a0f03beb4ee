/** A rollout as people read it: where it stands, what may be done about it, and below each wave the clusters that have something to say. Pure. */

import { renderDuration } from '../../../shared/text/duration.ts';
import { listNames } from '../../../shared/text/list-names.ts';
import { plural } from '../../../shared/text/plural.ts';
import type { ApiRollout } from '../../api/schemas/rollout.ts';
import type { Printer } from '../output/printer.ts';
import { renderRelative } from '../output/relative-time.ts';
import { nextSteps } from './rollout-next-steps.ts';
import { colourState, shortRevision } from './words.ts';

type Wave = ApiRollout['waves'][number];
type Cluster = Wave['clusters'][number];
type Look = Pick<Printer, 'nowMs' | 'colours'>;

const shownClusters = 20;

function tookText(from: string | null, to: string): string {
  const tookMs = from === null ? 0 : Date.parse(to) - Date.parse(from);
  return tookMs < 1_000 ? 'less than 1 s' : renderDuration(tookMs);
}

/** How long a cluster has been where it is, as long as it is on its way. */
function sinceText({ step, assignedAt, appliedAt }: Cluster, nowMs: number) {
  const since = step === 'Applied' ? (appliedAt ?? assignedAt) : step === 'Assigned' ? assignedAt : null;
  return since === null ? '' : `, for ${renderDuration(Math.max(0, nowMs - Date.parse(since)))}`;
}

const decisions: Readonly<Record<NonNullable<ApiRollout['next']>['what'], string>> = {
  counts: 'counts',
  'times-out': 'fails unless healthy',
  stops: 'stops unless they are healthy',
  away: 'is left out unless back',
  'soak-ends': 'its soak ends',
  analysis: 'its analysis is asked',
  'window-opens': 'its window opens',
  'window-closes': 'its window closes',
  'goes-on': 'is waited for no more',
  'goes-back': 'goes back at the latest',
};

/** `, its analysis is asked in 5 min`. */
function nextText(next: ApiRollout['next'], nowMs: number): string {
  return next === null ? '' : `, ${decisions[next.what]} ${renderRelative(next.at, nowMs)}`;
}

function heldLines({ held }: ApiRollout): readonly string[] {
  if (held === null) return [];
  const { clusters, message } = held;
  return [`held: ${listNames(clusters, shownClusters)}: ${message}`];
}

function promotionLines({ promotion }: ApiRollout, nowMs: number): readonly string[] {
  if (promotion === null) return [];
  const { after, healthySince, waiting } = promotion;
  const health =
    healthySince === null
      ? 'not healthy with what it runs'
      : `healthy since ${renderRelative(healthySince, nowMs)}`;
  return [
    '',
    `after ${after}, ${health}`,
    ...waiting
      .slice(0, shownClusters)
      .map(
        ({ revisionId, commit, waitsOn }) =>
          `  revision ${shortRevision(revisionId)}, commit ${commit.slice(0, 8)} waits: ${waitsOn}`,
      ),
  ];
}

/** As it is, but that nobody waits any more in a rollout that has ended without it. */
function waveState({ phase }: ApiRollout, { state }: Wave): string {
  if (phase !== 'RolledBack' && phase !== 'Aborted') return state;
  if (state === 'Waiting') return 'Not begun';
  return state === 'Done' ? state : 'Ended early';
}

function waveHeading(rollout: ApiRollout, wave: Wave, nowMs: number): string {
  const { healthy, clusters } = wave.counts;
  const length = wave.endedAt === null ? '' : ` in ${tookText(wave.startedAt, wave.endedAt)}`;
  // What is said of a window is a sentence of its own.
  const waits = wave.waitsOn === '' ? '' : `, ${wave.gate === 'window' ? '' : 'waits on '}${wave.waitsOn}`;
  // What is left of a soak is in what it waits on.
  const next = wave.gate === 'soak' ? '' : nextText(wave.next, nowMs);
  return `${wave.name}  ${waveState(rollout, wave)}${length}, ${healthy}/${clusters} healthy${waits}${next}`;
}

/** Those that have nothing to say are counted. */
function waveLines(rollout: ApiRollout, wave: Wave, { nowMs, colours }: Look): readonly string[] {
  const given = rollout.phase === 'RolledBack' || rollout.phase === 'Aborted';
  const isQuiet = ({ step, waitsOn }: Cluster) =>
    waitsOn === '' && (step === 'Healthy' || (given && step === 'Waiting'));
  const quiet = wave.clusters.filter(isQuiet);
  const loud = wave.clusters.filter((one) => !isQuiet(one));
  const shown = loud.slice(0, shownClusters);
  const width = Math.max(...shown.map(({ cluster }) => cluster.length));
  const healthy = quiet.filter(({ step }) => step === 'Healthy').length;
  const untouched = quiet.length - healthy;
  return [
    '',
    waveHeading(rollout, wave, nowMs),
    ...shown.map((one) => {
      const { cluster, step } = one;
      const what = `${one.waitsOn}${sinceText(one, nowMs)}${nextText(one.next, nowMs)}`;
      return `  ${cluster.padEnd(width)}  ${colourState(colours, step)}${' '.repeat(12 - step.length)}${what}`.trimEnd();
    }),
    ...(loud.length > shownClusters ? [`  and ${loud.length - shownClusters} more`] : []),
    ...(healthy > 0 ? [`  ${healthy} healthy`] : []),
    ...(untouched > 0 ? [`  ${plural(untouched, 'cluster')} never got it`] : []),
  ];
}

function stepLines(rollout: ApiRollout, { colours }: Look): readonly string[] {
  const steps = nextSteps(rollout);
  const width = Math.max(0, ...steps.map(([command]) => command.length));
  return steps.map(([command, does]) => `  ${command.padEnd(width)}  ${colours.dim(does)}`);
}

/** Ends with a line break. */
export function renderRollout(rollout: ApiRollout, look: Look): string {
  const { application, releaseId, strategy, phase, message, revisionId, startedAt, waves, next } = rollout;
  const { nowMs, colours } = look;
  const lines = [
    `${application}: ${colourState(colours, phase)}${message === '' ? '' : `: ${message}`}`,
    `rollout ${releaseId}, revision ${shortRevision(revisionId)}, strategy ${strategy || 'of its own'}, began ${renderRelative(startedAt, nowMs)}`,
    ...(next === null ? [] : [`next decision ${renderRelative(next.at, nowMs)} (${next.at}) at the latest`]),
    ...heldLines(rollout),
    ...stepLines(rollout, look),
    ...promotionLines(rollout, nowMs),
    ...waves.flatMap((wave) => waveLines(rollout, wave, look)),
  ];
  return `${lines.join('\n')}\n`;
}
