/**
 * What happened between two states of a rollout, as entries of its timeline. Told from the states alone, so that nothing can be decided without being
 * told, whoever decided it. Clusters are told together: a pass that assigns a thousand is one entry a wave. Pure.
 */
import type { TimelineEntry, TimelineKind } from '../../model/rollout-history.ts';
import type { RolloutAction } from '../apply-action.ts';
import { changedClusters, clusterState } from '../cluster-states.ts';
import { describeRevert } from '../plan-revert.ts';
import { specOf } from '../plan-waves.ts';
import { countClusters } from '../record-rollout.ts';
import type { ClusterState, Gate, RolloutState, Said, WaveState } from '../rollout-state.ts';
import { membersAmong, statesIn } from '../wave-index.ts';
import { durationText } from './duration-text.ts';

/** Names that one entry spells out. */
const namesMax = 50;
/** Failures told one by one of one pass and wave; the others together. */
const failuresMax = 20;

/** What somebody did that led from one state to the other. */
export interface Acted {
  readonly action: RolloutAction;
  readonly said: Said;
}

/** An entry about clusters of a wave. */
export function entryAbout(
  timeMs: number,
  kind: TimelineKind,
  wave: string,
  clusters: readonly string[],
  message: string,
  actor = 'hub',
): TimelineEntry {
  const about = { count: clusters.length, names: clusters.slice(0, namesMax) };
  return { timeMs, kind, actor, wave, clusters: about, message };
}

/** The clusters of the wave of which something is so now that was not before. */
type Newly = (test: (now: ClusterState, was: ClusterState | undefined) => boolean) => readonly string[];

function newlyIn(before: RolloutState, after: RolloutState, changed: readonly string[]): Newly {
  return (test) =>
    changed.filter((cluster) => {
      const now = clusterState(after.clusters, cluster);
      return now !== undefined && test(now, clusterState(before.clusters, cluster));
    });
}

/** Waves with clusters of which anything is new, and those clusters. A wave that was whole and is has none. */
function changedWaves(
  before: RolloutState,
  after: RolloutState,
  known: ReadonlyMap<string, WaveState>,
): readonly { readonly wave: WaveState; readonly newly: Newly }[] {
  if (before.clusters === after.clusters) return [];
  const all = membersAmong(after.waves, new Set(changedClusters(before.clusters, after.clusters)));
  return after.waves.flatMap((wave, at) => {
    if (wave.whole && known.get(wave.name)?.whole) return [];
    const changed = all[at] ?? [];
    return changed.length === 0 ? [] : [{ wave, newly: newlyIn(before, after, changed) }];
  });
}

function failureEntries(
  after: RolloutState,
  wave: WaveState,
  newly: Newly,
  nowMs: number,
): readonly TimelineEntry[] {
  const failed = newly((now, was) => now.failure !== undefined && was?.failure === undefined);
  const entries = failed.slice(0, failuresMax).map((cluster) => {
    const { reason, message } = clusterState(after.clusters, cluster)?.failure ?? { reason: '', message: '' };
    return entryAbout(nowMs, 'failure', wave.name, [cluster], `${cluster} failed (${reason}): ${message}`);
  });
  const rest = failed.slice(failuresMax);
  if (rest.length > 0)
    entries.push(entryAbout(nowMs, 'failure', wave.name, rest, `${rest.length} more clusters failed`));
  return entries;
}

function clusterEntries(
  after: RolloutState,
  wave: WaveState,
  newly: Newly,
  nowMs: number,
): readonly TimelineEntry[] {
  const entries = [...failureEntries(after, wave, newly, nowMs)];
  const tell = (kind: TimelineKind, clusters: readonly string[], message: string) => {
    if (clusters.length > 0) entries.push(entryAbout(nowMs, kind, wave.name, clusters, message));
  };
  const counted = newly((now, was) => now.countedAtMs !== undefined && was?.countedAtMs === undefined);
  // In a pass that takes them back as well, they were healthy all the same.
  const all = () =>
    statesIn(after.clusters, wave.clusters).filter((known) => known?.countedAtMs !== undefined);
  if (counted.length > 0) tell('progress', counted, `${all().length} of ${wave.clusters.length} healthy`);
  const mended = newly((now, was) => now.failure === undefined && was?.failure !== undefined);
  tell('progress', mended, mended.length === 1 ? 'has not failed any more' : 'have not failed any more');
  return entries;
}

/** Assignments, and ways back. They come last: what was seen and which gates opened led to them. */
function decisionEntries(wave: WaveState, newly: Newly, nowMs: number): readonly TimelineEntry[] {
  const assigned = newly((now, was) => now.assignedAtMs !== undefined && was?.assignedAtMs === undefined);
  const back = newly((now, was) => now.rolledBackAtMs !== undefined && was?.rolledBackAtMs === undefined);
  return [
    ...(assigned.length > 0 ? [entryAbout(nowMs, 'decision', wave.name, assigned, 'assigned')] : []),
    ...(back.length > 0
      ? [entryAbout(nowMs, 'decision', wave.name, back, 'back to the last healthy Target')]
      : []),
  ];
}

function waveEntries(
  after: RolloutState,
  was: WaveState | undefined,
  wave: WaveState,
  nowMs: number,
): readonly TimelineEntry[] {
  if (was === wave) return [];
  const entries: TimelineEntry[] = [];
  const tell = (kind: TimelineKind, message: string) =>
    void entries.push(entryAbout(nowMs, kind, wave.name, [], message));
  for (const [name, answers] of Object.entries(wave.analyses ?? {})) {
    const known = was?.analyses?.[name]?.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
    for (const { atMs, verdict, detail } of answers)
      if (atMs > known) tell('analysis', `${name}: ${verdict}${detail === '' ? '' : `: ${detail}`}`);
  }
  if (wave.settledAtMs !== undefined && was?.settledAtMs === undefined && wave.startedAtMs !== undefined) {
    const { soakMs } = specOf(after.strategy, wave);
    tell('gate', `nobody is waited for any more${soakMs > 0 ? `: soaks ${durationText(soakMs)}` : ''}`);
  }
  if (wave.endedAtMs !== undefined && was?.endedAtMs === undefined)
    tell('gate', `ends: ${countsText(after, wave)}`);
  if (wave.startedAtMs !== undefined && was?.startedAtMs === undefined)
    tell('gate', `begins: ${wave.clusters.length === 1 ? '1 cluster' : `${wave.clusters.length} clusters`}`);
  return entries;
}

/** A gate that holds the rollout from now on. What is soaked or asked is told when nobody is waited for any more. */
function holdEntries(before: RolloutState, after: RolloutState): readonly TimelineEntry[] {
  const { waits } = after;
  if (waits === undefined || waits === before.waits) return [];
  const wave = after.waves.find(({ name }) => name === waits.wave);
  const approvers = (wave && specOf(after.strategy, wave).approval?.approvers) ?? [];
  const by = approvers.length === 0 ? '' : ` by ${approvers.join(', ')}`;
  const until = waits.untilMs === undefined ? '' : ` until ${new Date(waits.untilMs).toISOString()}`;
  const texts: Partial<Record<Gate, string>> = {
    approval: `waits for an approval${by}`,
    window: `waits for a window${until}`,
    away: 'waits for clusters that are away',
    unavailable: 'waits for clusters that are not healthy, since no other may become so',
  };
  return [entryAbout(waits.sinceMs, 'gate', waits.wave, [], texts[waits.gate] ?? `waits for ${waits.gate}`)];
}

function countsText(state: RolloutState, wave: WaveState): string {
  const { clusters, healthy, failed, excluded, untouched } = countClusters(state, wave.clusters);
  const parts = [`${healthy} of ${clusters} healthy`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (excluded > 0) parts.push(`${excluded} excluded`);
  if (untouched > 0) parts.push(`${untouched} away`);
  return parts.join(', ');
}

const phaseTexts: Readonly<Record<RolloutState['phase'], string>> = {
  Waiting: 'waits for another environment',
  Progressing: 'goes on',
  Paused: 'paused',
  RollingBack: 'rolls back',
  Complete: 'complete: every wave has ended',
  RolledBack: 'rolled back',
  Aborted: 'aborted',
};

function phaseEntries(before: RolloutState, after: RolloutState, nowMs: number): readonly TimelineEntry[] {
  if (before.phase === after.phase) return [];
  const why = after.phase === 'Complete' || after.phase === 'Progressing' ? undefined : after.stopped;
  const message = why === undefined || why.reason === '' ? '' : `: ${why.reason}`;
  const actor = why?.by === 'operator' ? why.actor : 'hub';
  return [entryAbout(nowMs, 'phase', '', [], `${phaseTexts[after.phase]}${message}`, actor)];
}

/** What became of the revert in Git. */
function revertEntries(before: RolloutState, after: RolloutState, nowMs: number): readonly TimelineEntry[] {
  const message = describeRevert(after);
  return message === '' || message === describeRevert(before)
    ? []
    : [entryAbout(nowMs, 'phase', '', [], message)];
}

function actionEntry({ action, said }: Acted, { waves }: RolloutState): TimelineEntry {
  // Where none is named it is the one that is under way.
  const current = waves.find(({ endedAtMs }) => endedAtMs === undefined)?.name ?? '';
  const wave = 'wave' in action ? action.wave || current : '';
  const clusters = 'cluster' in action && action.cluster !== '' ? [action.cluster] : [];
  const what = [action.type, wave, ...clusters].filter((text) => text !== '').join(' ');
  return entryAbout(said.atMs, 'action', wave, clusters, `${what}: ${said.reason}`, said.actor);
}

/** In the order in which one led to the other. Empty: nothing that anybody would ask for. */
export function planTimeline(
  before: RolloutState,
  after: RolloutState,
  nowMs: number,
  acted?: Acted,
): readonly TimelineEntry[] {
  const known = new Map(before.waves.map((wave) => [wave.name, wave]));
  const changed = changedWaves(before, after, known);
  return [
    ...(acted ? [actionEntry(acted, before)] : []),
    ...changed.flatMap(({ wave, newly }) => clusterEntries(after, wave, newly, nowMs)),
    ...after.waves.flatMap((wave) => waveEntries(after, known.get(wave.name), wave, nowMs)),
    ...holdEntries(before, after),
    ...changed.flatMap(({ wave, newly }) => decisionEntries(wave, newly, nowMs)),
    ...phaseEntries(before, after, nowMs),
    ...revertEntries(before, after, nowMs),
  ];
}
