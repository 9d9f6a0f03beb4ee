/** What a rollout waits for, wave by wave and cluster by cluster, in words. Pure. */
import type { ClusterCounts, RolloutPhase } from '../../model/rollout-history.ts';
import { failedIn, openClusters, type RolloutInput } from '../advance-rollout.ts';
import { heldUpBy, isInFlight, lateFailures } from '../choose-clusters.ts';
import { clusterState } from '../cluster-states.ts';
import { isGivenUp } from '../give-last.ts';
import { heldClusters } from '../held-clusters.ts';
import { describeHeldUp } from '../held-up.ts';
import { illClusters } from '../ill-clusters.ts';
import { type NextDecision, nextForCluster, nextForRollout, nextForWave } from '../next-decision.ts';
import { describeRevert, type RevertState } from '../plan-revert.ts';
import { specOf } from '../plan-waves.ts';
import { countClusters } from '../record-rollout.ts';
import { isUnproven } from '../reopen-wave.ts';
import { isBack } from '../roll-back.ts';
import {
  type ClusterState,
  type Gate,
  isAssigned,
  type ObservedCluster,
  type RolloutState,
  type WaveState,
} from '../rollout-state.ts';
import { soakEndMs } from '../soak-end.ts';
import { opennessAt } from '../windows.ts';
import type { PromotionReport } from './describe-promotion.ts';
import { durationText } from './duration-text.ts';
import { gateOf } from './gate-of.ts';
import { type WaveBack, type WayBack, wayBack } from './way-back.ts';

export type ClusterStep =
  | 'Waiting'
  | 'Offline'
  | 'Assigned'
  | 'Applied'
  | 'Healthy'
  | 'Failed'
  | 'Excluded'
  | 'RolledBack';

export interface ClusterReport {
  readonly cluster: string;
  readonly step: ClusterStep;
  /** Empty: nothing. */
  readonly waitsOn: string;
  /** Undefined: it was not yet. */
  readonly assignedAtMs: number | undefined;
  readonly appliedAtMs: number | undefined;
  /** Since when, without a break. */
  readonly healthyAtMs: number | undefined;
  /** Undefined: nothing is decided until somebody says or does something. */
  readonly next?: NextDecision | undefined;
}

export interface WaveReport {
  readonly name: string;
  readonly state: 'Waiting' | 'Running' | 'Soaking' | 'Done';
  /** What kind of thing `waitsOn` tells of, for programs. Undefined: as reports told before it was. */
  readonly gate?: Gate | undefined;
  readonly waitsOn: string;
  readonly startedAtMs: number | undefined;
  /** Nobody was waited for any more: the soak began. */
  readonly settledAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly counts: ClusterCounts;
  readonly clusters: readonly ClusterReport[];
  readonly next?: NextDecision | undefined;
}

export interface RolloutReport {
  readonly application: string;
  readonly releaseId: string;
  readonly revisionId: string;
  readonly strategy: string;
  readonly phase: RolloutPhase;
  /** One line: where it stands and what it waits for. */
  readonly message: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly waves: readonly WaveReport[];
  readonly next?: NextDecision | undefined;
  /** Clusters that are to get what was rolled back, and keep what they have; undefined: none. */
  readonly held?: { readonly clusters: readonly string[]; readonly message: string } | undefined;
  /** What became of its revert in Git; undefined: none is to be written, or not yet. */
  readonly revert?: RevertState | undefined;
  /** Releases that wait for another environment; undefined: they wait for none. */
  readonly promotion?: PromotionReport | undefined;
}

/** @param turn what its turn waits on; empty: the others of its wave. */
function clusterReport(
  state: RolloutState,
  cluster: string,
  input: RolloutInput,
  minHealthyMs: number,
  turn = '',
): ClusterReport {
  const { observed, release, nowMs } = input;
  const known = clusterState(state.clusters, cluster);
  const seen = observed.get(cluster);
  const acknowledged = isAssigned(release, cluster, seen) ? seen?.acknowledgements : undefined;
  const times = {
    assignedAtMs: known?.assignedAtMs,
    appliedAtMs: known?.appliedAtMs ?? acknowledged?.appliedAtMs,
    healthyAtMs: known?.healthySinceMs,
  };
  const is = (step: ClusterStep, waitsOn = '') => ({ cluster, step, waitsOn, ...times });
  if (known?.excluded) return is('Excluded', '');
  if (known?.rolledBackAtMs !== undefined) return is('RolledBack', backText(state, cluster, input));
  if (known?.failure) return is('Failed', known.failure.message);
  if (known?.countedAtMs !== undefined)
    return is(
      'Healthy',
      known.healthySinceMs === undefined && seen?.connected ? `health again${saidOf(cluster, input)}` : '',
    );
  if (!seen?.connected) return is('Offline', awayText(seen, known, nowMs));
  if (known?.assignedAtMs === undefined || !isAssigned(release, cluster, seen))
    return is('Waiting', waitingText(state, cluster, seen, turn));
  if (known.healthySinceMs !== undefined)
    return is(
      'Applied',
      `healthy for ${durationText(minHealthyMs)}: ${durationText(known.healthySinceMs + minHealthyMs - nowMs)} left`,
    );
  const said = seen.report?.message ?? '';
  if (seen.report?.waitsFor) return is('Assigned', seen.report.waitsFor);
  if (seen.acknowledgements?.appliedAtMs === undefined)
    return is('Assigned', said || 'its agent to apply it');
  return is('Applied', said || 'health');
}

/** Of one that goes back: the way is over once it is healthy with what it had. */
function backText(state: RolloutState, cluster: string, input: RolloutInput): string {
  if (state.phase !== 'RollingBack' || isBack(state, cluster, input)) return '';
  const said = input.observed.get(cluster)?.report?.message ?? '';
  return `health with what it had before${said === '' ? '' : `: ${said}`}`;
}

function waitingText(state: RolloutState, cluster: string, seen: ObservedCluster, turn: string): string {
  if (isGivenUp(state)) return lastText(seen);
  return state.phase === 'RollingBack' ? '' : turn || turnText(state, cluster);
}

/** Of a rollout that was given up. */
function lastText({ targetDigest }: ObservedCluster): string {
  if (targetDigest !== undefined) return '';
  return 'a release or a retry, since no cluster with the same Target tells what came before';
}

/** Who keeps those from their turn that come late to a wave; empty: nobody does, or it is still under way. */
function lateText(state: RolloutState, wave: WaveState, input: RolloutInput): string {
  const [failed] = lateFailures(state);
  if (failed !== undefined)
    return `a retry of ${failed}, which failed when it came late: ${clusterState(state.clusters, failed)?.failure?.message ?? ''}`;
  if (wave.endedAtMs === undefined || wave.whole) return '';
  return heldUpBy(state, wave, input).length === 0 ? '' : describeHeldUp(state, wave, input);
}

function turnText(state: RolloutState, cluster: string): string {
  const others = state.handOvers?.[cluster] ?? [];
  if (others.length === 0) return 'its turn';
  const names = others.map(({ application }) => application).join(', ');
  return `its turn together with ${names}, since ${others[0]?.object ?? ''} moves between them`;
}

function awayText(seen: ObservedCluster | undefined, known: ClusterState | undefined, nowMs: number): string {
  if (seen?.paused !== undefined) return `the end of its pause ${seen.paused}`;
  if (known?.assignedAtMs !== undefined && !known.assignedAway)
    return 'its agent, which went away since it was assigned';
  return (seen?.expectedUntilMs ?? 0) > nowMs ? 'its agent, which is expected back' : 'its agent';
}

function approvalText(approvers: readonly string[]): string {
  return approvers.length === 0 ? 'an approval' : `an approval by ${approvers.join(' or ')}`;
}

/** Nobody gets a release that was given up: then no gate holds it any more. */
function gateHolding(state: RolloutState, wave: WaveState, input: RolloutInput): Gate {
  return isGivenUp(state) || wave.endedAtMs !== undefined ? 'none' : gateOf(state, wave, input);
}

/** What the wave waits for; on the way back that is no gate of the strategy. */
function waitOf(state: RolloutState, wave: WaveState, input: RolloutInput, back: WaveBack | undefined) {
  if (back !== undefined) return { gate: back.gate, waitsOn: back.waitsOn, next: back.next };
  const gate = gateHolding(state, wave, input);
  const next = nextForWave(state, state.waves.indexOf(wave), input);
  return { gate, waitsOn: describeGate(state, wave, gate, input), next };
}

/** What it did so far stays as it is told: only what it waits for is the way back. */
function reportBack(report: ClusterReport, back: WaveBack): ClusterReport {
  const { waitsOn = '', next } = back.clusters.get(report.cluster) ?? {};
  if (waitsOn === '') return { ...report, next };
  const failed = report.step === 'Failed' && report.waitsOn !== '' ? `${report.waitsOn}; ` : '';
  return { ...report, waitsOn: `${failed}${waitsOn}`, next };
}

function describeGate(state: RolloutState, wave: WaveState, gate: Gate, input: RolloutInput): string {
  const spec = specOf(state.strategy, wave);
  switch (gate) {
    case 'before':
      return 'the wave before it';
    case 'approval':
      return approvalText(spec.approval?.approvers ?? []);
    case 'window':
      return describeWindow(state, input.nowMs);
    case 'clusters':
      return describeClusters(state, wave, input);
    case 'unavailable':
      return describeHeldUp(state, wave, input);
    case 'away':
      return describeAway(state, wave, openClusters(state, wave, input).offline.length);
    case 'soak':
      return `its soak: ${durationText(soakEndMs(wave, spec, input) - input.nowMs)} left`;
    case 'analysis':
      return 'its analysis';
    case 'none':
      return '';
  }
}

function describeWindow({ strategy }: RolloutState, nowMs: number): string {
  const open = opennessAt(strategy, nowMs);
  if (open.open) return '';
  return `${open.reason}${open.opensAtMs === undefined ? '' : ` until ${new Date(open.opensAtMs).toISOString()}`}`;
}

/** How many, and what the first of them waits on. */
function describeClusters(state: RolloutState, wave: WaveState, input: RolloutInput): string {
  const { waiting } = openClusters(state, wave, input);
  const [ill] = waiting.length > 0 ? [] : illClusters(state, wave);
  if (ill !== undefined) return `${ill}, which is not healthy any more${saidOf(ill, input)}`;
  const [first = waiting[0] ?? ''] = waiting.filter((cluster) => isInFlight(state, cluster));
  const { waitsOn } = clusterReport(state, first, input, specOf(state.strategy, wave).minHealthyMs);
  // What an agent says of an object speaks for itself.
  const said = input.observed.get(first)?.report?.message;
  const why = waitsOn !== '' && waitsOn === said ? waitsOn : `waits on ${waitsOn}`;
  return `${waiting.length} of ${wave.clusters.length} not healthy: ${first} ${why}`;
}

function saidOf(cluster: string, { observed }: RolloutInput): string {
  const said = observed.get(cluster)?.report?.message ?? '';
  return said === '' ? '' : `: ${said}`;
}

function describeAway(state: RolloutState, wave: WaveState, away: number): string {
  const unproven = isUnproven(state, state.waves.indexOf(wave));
  const first = unproven ? 'a first cluster that proves the release: ' : '';
  return `${first}${away} of ${wave.clusters.length} ${away === 1 ? 'is' : 'are'} away`;
}

function waveReport(
  state: RolloutState,
  wave: WaveState,
  input: RolloutInput,
  back: WaveBack | undefined,
): WaveReport {
  const { minHealthyMs } = specOf(state.strategy, wave);
  const turn = lateText(state, wave, input);
  const clusters = wave.clusters.map((cluster) => {
    const report = clusterReport(state, cluster, input, minHealthyMs, turn);
    return back ? reportBack(report, back) : { ...report, next: nextForCluster(state, wave, cluster, input) };
  });
  const { name, startedAtMs, endedAtMs, settledAtMs } = wave;
  const begun = settledAtMs === undefined ? 'Running' : 'Soaking';
  const stateName = endedAtMs !== undefined ? 'Done' : startedAtMs === undefined ? 'Waiting' : begun;
  const { gate, waitsOn, next } = waitOf(state, wave, input, back);
  const counts = countClusters(state, wave.clusters);
  const times = { startedAtMs, settledAtMs, endedAtMs };
  return { name, state: stateName, gate, waitsOn, ...times, counts, clusters, next };
}

const heldText = 'they keep what they have until it differs, or a retry releases what is held';

function describePhase(
  state: RolloutState,
  waves: readonly WaveReport[],
  current: WayBack['current'],
): string {
  if (state.phase === 'Waiting') return '';
  if (state.phase !== 'Progressing' && state.phase !== 'Complete') {
    const goes = current && `waits for wave ${current.name}: ${current.waitsOn}`;
    return [state.stopped?.reason ?? state.phase, goes, describeRevert(state)].filter(Boolean).join('; ');
  }
  const held = state.withheld?.length ?? 0;
  const open = waves.find((wave) => wave.state !== 'Done');
  if (open === undefined) {
    const failed = state.waves.reduce((sum, wave) => sum + failedIn(state, wave).length, 0);
    const away = waves.flatMap(({ clusters }) => clusters).filter(({ step }) => step === 'Offline').length;
    return [failed > 0 && `${failed} failed`, away > 0 && `${away} away`, held > 0 && `${held} held`]
      .filter(Boolean)
      .join(', ');
  }
  const waits = `waits for wave ${open.name}${open.waitsOn === '' ? '' : `: ${open.waitsOn}`}`;
  return held > 0 ? `${waits}; ${held} held` : waits;
}

export function describeRollout(state: RolloutState, input: RolloutInput): RolloutReport {
  const back = wayBack(state, input);
  const waves = state.waves.map((wave, index) => waveReport(state, wave, input, back?.waves[index]));
  const { application, releaseId, revisionId, phase, startedAtMs, endedAtMs } = state;
  const held = heldClusters(state, input);
  return {
    ...{ application, releaseId, revisionId, phase, startedAtMs, endedAtMs, waves },
    strategy: state.strategy.name,
    message: describePhase(state, waves, back?.current),
    next: back ? back.next : nextForRollout(state, input),
    ...(state.revert && { revert: state.revert }),
    ...(held.length > 0 && { held: { clusters: held, message: heldText } }),
  };
}
