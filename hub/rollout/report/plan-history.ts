/** What the history keeps of a step of a rollout. Made with the state that it tells of, and kept in the same transaction. Pure. */
import { plural } from '../../../shared/text/plural.ts';
import type { HistoryWrite, TimelineEntry } from '../../model/rollout-history.ts';
import { clusterState, noClusters } from '../cluster-states.ts';
import { recordClusters, recordRollout, type Superseded } from '../record-rollout.ts';
import { isOver, type RolloutState } from '../rollout-state.ts';
import { durationText } from './duration-text.ts';
import { type Acted, entryAbout, planTimeline } from './plan-timeline.ts';

export interface HistoryStep {
  /** Undefined: there was none. */
  readonly before: RolloutState | undefined;
  readonly after: RolloutState;
  readonly nowMs: number;
  /** Who made a revision or a promotion, where one led to the step; else the hub decided it. */
  readonly actor?: string | undefined;
  /** What somebody did, where that led to it. */
  readonly acted?: Acted | undefined;
  /** What is wanted of each cluster after it, where another release takes over: it tells whether that takes back what there was. */
  readonly wanted?: Readonly<Record<string, string>> | undefined;
}

function writeOf(
  state: RolloutState,
  entries: readonly TimelineEntry[],
  superseded?: Superseded,
): HistoryWrite {
  const ended = superseded !== undefined || isOver(state);
  return {
    record: recordRollout(state, superseded),
    clusters: ended ? recordClusters(state) : undefined,
    entries,
  };
}

/** Of a step from one state of an application's rollout to the next. Empty: it says nothing that the history keeps. */
export function planHistory(step: HistoryStep): readonly HistoryWrite[] {
  const { before, after, nowMs, acted } = step;
  if (before?.releaseId === after.releaseId) {
    const entries = [...planTimeline(before, after, nowMs, acted), ...memberEntries(before, step)];
    return entries.length === 0 ? [] : [writeOf(after, entries)];
  }
  const superseded = before === undefined || isOver(before) ? [] : [planSuperseded(before, step)];
  return [...superseded, writeOf(after, startEntries(step))];
}

function startEntries({ after, nowMs, actor, acted }: HistoryStep): readonly TimelineEntry[] {
  const { revisionId, waves, strategy } = after;
  const clusters = waves.flatMap((wave) => wave.clusters);
  const many = `${plural(clusters.length, 'cluster')} in ${plural(waves.length, 'wave')}`;
  const by = strategy.name === '' ? 'by a strategy of its own' : `by strategy ${strategy.name}`;
  const held = after.withheld ? `; ${after.withheld.length} held, since it was rolled back` : '';
  const message = `revision ${short(revisionId)}: ${many} ${by}${held}`;
  const none = begun(after) ? noClusters : after.clusters;
  const fresh = waves.map(({ name, spec, clusters: members }) => ({ name, spec, clusters: members }));
  return [
    entryAbout(nowMs, 'phase', '', [], message, actor),
    // A strategy that waits for nothing has begun already.
    ...planTimeline(
      { ...after, phase: firstPhase(after), waves: fresh, clusters: none },
      after,
      nowMs,
      acted,
    ),
  ];
}

function begun({ waves }: RolloutState): boolean {
  return waves.some(({ startedAtMs }) => startedAtMs !== undefined);
}

function firstPhase({ phase }: RolloutState): RolloutState['phase'] {
  return phase === 'Waiting' ? 'Waiting' : 'Progressing';
}

/** Clusters that a revision brings into a rollout which goes on, or takes out of it. */
function memberEntries(before: RolloutState, { after, nowMs, actor }: HistoryStep): readonly TimelineEntry[] {
  if (before.waves === after.waves) return [];
  const had = new Set(before.waves.flatMap(({ clusters }) => clusters));
  const has = new Set(after.waves.flatMap(({ clusters }) => clusters));
  const come = [...has].filter((cluster) => !had.has(cluster));
  const gone = [...had].filter((cluster) => !has.has(cluster));
  return [
    ...(come.length > 0 ? [entryAbout(nowMs, 'phase', '', come, 'takes part from now on', actor)] : []),
    ...(gone.length > 0 ? [entryAbout(nowMs, 'phase', '', gone, 'takes no part any more', actor)] : []),
  ];
}

function planSuperseded(before: RolloutState, { after, wanted, nowMs, actor }: HistoryStep): HistoryWrite {
  const reverts = wanted !== undefined && takesBack(before, wanted);
  const what = reverts ? 'rolled back' : 'superseded';
  const superseded: Superseded = {
    by: { id: after.releaseId, revisionId: after.revisionId },
    result: reverts ? 'Reverted' : 'Superseded',
    message: `${what} by revision ${short(after.revisionId)}`,
    atMs: nowMs,
  };
  const lasted = durationText(nowMs - before.startedAtMs);
  const entry = entryAbout(nowMs, 'phase', '', [], `${superseded.message}, after ${lasted}`, actor);
  return writeOf(before, [entry], superseded);
}

/** Every cluster that the rollout had reached is wanted as it was last healthy before. */
export function takesBack(before: RolloutState, wanted: Readonly<Record<string, string>>): boolean {
  let touched = false;
  for (const wave of before.waves)
    for (const cluster of wave.startedAtMs === undefined ? [] : wave.clusters) {
      const known = clusterState(before.clusters, cluster);
      if (known?.assignedAtMs === undefined) continue;
      if (known.previous === undefined || wanted[cluster] !== known.previous) return false;
      touched = true;
    }
  return touched;
}

/** As people are shown revisions elsewhere. */
function short(revisionId: string): string {
  return revisionId.slice(0, 7);
}
