/**
 * The rollout controller: a pure reducer. It is asked again whenever something may have changed and answers with the next state, the assignments to
 * make now, what happened, and when to ask again at the latest. It never looks at a clock, a store or the network; the same input after its decisions
 * were kept decides nothing.
 */

import type { AssignmentDecision } from '../model/release.ts';
import { amountOf, type RolloutStrategy } from '../model/strategy.ts';
import { analysesOf } from './analyses.ts';
import { chooseClusters } from './choose-clusters.ts';
import { clusterState, noClusters, withClusters } from './cluster-states.ts';
import { giveLast, isGivenUp } from './give-last.ts';
import { heldReason, isHeldBack, partHeld } from './held-clusters.ts';
import { noteHeldUp } from './held-up.ts';
import { illUntilMs } from './ill-clusters.ts';
import { observeClusters, timerStart, unsettledOf } from './observe-clusters.ts';
import { type ClusterFacts, planWaves, type SelectorMatch, specOf } from './plan-waves.ts';
import { countClusters } from './record-rollout.ts';
import { refillWave } from './refill-wave.ts';
import { isUnproven } from './reopen-wave.ts';
import { rollBack } from './roll-back.ts';
import {
  type AnalysisQuestion,
  type ClusterState,
  isAssigned,
  type ObservedCluster,
  putWave,
  type RolloutChange,
  type RolloutPass,
  type RolloutRelease,
  type RolloutState,
  type WaveState,
} from './rollout-state.ts';
import { soakEndMs } from './soak-end.ts';
import { stopFor } from './stop-for.ts';
import { placesOf, statesIn } from './wave-index.ts';
import { opennessAt } from './windows.ts';

export interface RolloutInput {
  readonly release: RolloutRelease;
  readonly observed: ReadonlyMap<string, ObservedCluster>;
  readonly facts: ReadonlyMap<string, ClusterFacts>;
  /** Given: a first wave of which nobody is there takes others. */
  readonly matches?: SelectorMatch | undefined;
  /** Clusters that are not assigned now, though it is their turn. */
  readonly blocked?: ReadonlySet<string> | undefined;
  /** Since when the hub has heard agents; undefined: for ever. */
  readonly listeningSinceMs?: number | undefined;
  readonly nowMs: number;
  /** Clusters of which something else may have been observed than when the state was made: nobody else is looked at in waves that are whole. Default any. */
  readonly changed?: ReadonlySet<string> | undefined;
}

/** The state of a release before its first pass. Takes part: who has another Target than the release's, unless that is held. Where all are held it is paused. */
export function startRollout(
  strategy: RolloutStrategy,
  { release, observed, facts, nowMs }: RolloutInput,
  matches: SelectorMatch,
  held: RolloutState['held'] = [],
): RolloutState {
  const lacking = Object.keys(release.targets).filter(
    (cluster) => !isAssigned(release, cluster, observed.get(cluster)),
  );
  const { free, withheld } = partHeld(lacking, release, held);
  const due = free
    .map((name) => facts.get(name) ?? { name, labels: {}, region: '', pair: '', primary: false })
    // A first wave of one should not be one that is away, nor one that leaves.
    .map((one) => ({
      ...one,
      connected: observed.get(one.name)?.connected ?? false,
      leaves: release.removes.has(one.name),
    }));
  const waves = planWaves(strategy, due, matches);
  const back = isHeldBack({ waves, withheld });
  const stopped = { by: 'failure', actor: 'fairway', reason: heldReason(withheld), atMs: nowMs } as const;
  return {
    version: 2,
    application: release.application,
    releaseId: release.id,
    revisionId: release.revisionId,
    strategy,
    // Complete would say that the clusters have it.
    phase: back ? 'Paused' : 'Progressing',
    ...(back && { stopped }),
    startedAtMs: nowMs,
    waves,
    clusters: noClusters,
    held,
    ...(withheld.length > 0 && { withheld }),
    ...(release.removes.size > 0 && { removes: [...release.removes].sort() }),
  };
}

/** Clusters of a wave that have failed, those apart that somebody excluded. */
export function failedIn(state: RolloutState, wave: WaveState): readonly string[] {
  const states = statesIn(state.clusters, wave.clusters);
  return wave.clusters.filter((_, at) => {
    const known = states[at];
    return known?.failure !== undefined && known.excluded === undefined;
  });
}

/** Which budget is spent, and by whom; undefined: none is. */
export function spentBudget(state: RolloutState): string | undefined {
  const { strategy, waves } = state;
  const total = waves.reduce((sum, { clusters }) => sum + clusters.length, 0);
  let all = 0;
  for (const wave of waves) {
    if (wave.startedAtMs === undefined || wave.whole) continue;
    const failed = failedIn(state, wave);
    all += failed.length;
    if (failed.length > amountOf(specOf(strategy, wave).failureBudget, wave.clusters.length, 'down'))
      return `wave ${wave.name}: ${describeFailures(state, failed)}`;
  }
  const { failureBudget } = strategy;
  if (failureBudget === undefined || all <= amountOf(failureBudget, total, 'down')) return undefined;
  return `${all} of ${total} clusters failed`;
}

function describeFailures(state: RolloutState, failed: readonly string[]): string {
  const [first = ''] = failed;
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : '';
  return `${first}: ${clusterState(state.clusters, first)?.failure?.message ?? 'failed'}${more}`;
}

/** One step of a wave's way. */
interface WavePass {
  readonly state: RolloutState;
  readonly changes: readonly RolloutChange[];
  readonly questions: readonly AnalysisQuestion[];
  readonly nextAtMs: number | undefined;
}

export interface OpenClusters {
  readonly waiting: readonly string[];
  readonly offline: readonly string[];
  /** When the first of those who wait only because they are expected back is away; undefined: nobody does. */
  readonly expectedUntilMs: number | undefined;
}

/** Clusters that are still to be counted, those apart that were away before it was their turn. */
export function openClusters(
  state: RolloutState,
  wave: WaveState,
  { observed, nowMs }: Pick<RolloutInput, 'observed' | 'nowMs'>,
): OpenClusters {
  const waiting: string[] = [];
  const offline: string[] = [];
  let expectedUntilMs: number | undefined;
  const states = statesIn(state.clusters, wave.clusters);
  for (const [at, cluster] of wave.clusters.entries()) {
    const known = states[at];
    if (known?.excluded || known?.countedAtMs !== undefined || known?.failure) continue;
    // One that went away after it was assigned is no proof that the release is good.
    const reached = known?.assignedAtMs !== undefined && !known.assignedAway;
    const seen = observed.get(cluster);
    const expected = seen?.expectedUntilMs ?? 0;
    if (seen?.connected || reached) waiting.push(cluster);
    else if (expected > nowMs) {
      waiting.push(cluster);
      expectedUntilMs = Math.min(expectedUntilMs ?? expected, expected);
    } else offline.push(cluster);
  }
  return { waiting, offline, expectedUntilMs };
}

function approvalNeeded({ name }: WaveState): RolloutChange {
  return { type: 'rollout.approval.needed', message: `wave ${name} waits for an approval` };
}

/** It may be approved before its window opens. */
function startWave(state: RolloutState, index: number, { nowMs }: RolloutInput, isOpen: boolean): WavePass {
  const wave = state.waves[index] as WaveState;
  const spec = specOf(state.strategy, wave);
  const none = { questions: [], nextAtMs: undefined };
  if (spec.approval?.when === 'before' && !wave.approvedBefore) {
    if (wave.approvalAskedAtMs !== undefined) return { state, changes: [], ...none };
    const asked = putWave(state, index, { approvalAskedAtMs: nowMs });
    return { state: asked, changes: [approvalNeeded(wave)], ...none };
  }
  if (!isOpen) return { state, changes: [], ...none };
  const message = `wave ${wave.name} begins: ${wave.clusters.length === 1 ? '1 cluster' : `${wave.clusters.length} clusters`}`;
  return {
    state: putWave(state, index, { startedAtMs: nowMs }),
    changes: [{ type: 'rollout.wave.started', message }],
    ...none,
  };
}

/** From the last counted cluster to the end of the wave: soak, analysis, approval. */
function endWave(state: RolloutState, index: number, input: RolloutInput): WavePass {
  const { nowMs } = input;
  let wave = state.waves[index] as WaveState;
  const spec = specOf(state.strategy, wave);
  const { waiting, offline, expectedUntilMs } = openClusters(state, wave, input);
  const mayBeAway = amountOf(spec.offlineBudget, wave.clusters.length, 'down');
  const away = offline.length > mayBeAway || (offline.length > 0 && isUnproven(state, index));
  if (waiting.length > 0 || away) return { state, changes: [], questions: [], nextAtMs: expectedUntilMs };
  const changes: RolloutChange[] = [];
  let next = state;
  if (wave.settledAtMs === undefined) {
    next = putWave(next, index, { settledAtMs: nowMs });
    wave = next.waves[index] as WaveState;
    if (spec.approval?.when === 'after' && !wave.approvedAfter) changes.push(approvalNeeded(wave));
  }
  const analysis = analysesOf(wave.overruled ? [] : spec.analysis, wave, index, nowMs);
  if (analysis.failed !== undefined) {
    const [stopped, change] = stopFor(next, `wave ${wave.name}: ${analysis.failed}`, nowMs);
    return { state: stopped, changes: [...changes, change], questions: [], nextAtMs: undefined };
  }
  const soakedAtMs = soakEndMs(wave, spec, input);
  const approved = spec.approval?.when !== 'after' || wave.approvedAfter !== undefined;
  const illMs = illUntilMs(next, wave, input);
  if (nowMs < soakedAtMs || !analysis.done || !approved || illMs !== undefined) {
    const times = [nowMs < soakedAtMs ? soakedAtMs : undefined, analysis.nextAtMs, illMs];
    return { state: next, changes, questions: analysis.questions, nextAtMs: earliest(times) };
  }
  const message = `wave ${wave.name} has ended: ${describeEnd(next, wave, offline.length)}`;
  changes.push({ type: 'rollout.wave.completed', message });
  return {
    state: putWave(next, index, { endedAtMs: nowMs, whole: isWhole(next, wave) }),
    changes,
    questions: [],
    nextAtMs: undefined,
  };
}

function isWhole(state: RolloutState, { clusters }: WaveState): boolean {
  return statesIn(state.clusters, clusters).every(
    (known) => known?.countedAtMs !== undefined && !known.failure && !known.excluded,
  );
}

function describeEnd(state: RolloutState, wave: WaveState, offline: number): string {
  const { clusters, healthy, failed, excluded } = countClusters(state, wave.clusters);
  const parts = [`${healthy} of ${clusters} healthy`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (excluded > 0) parts.push(`${excluded} excluded`);
  if (offline > 0) parts.push(`${offline} away`);
  return parts.join(', ');
}

export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** When a cluster may come to count, or time out, though nobody reports anything. */
function clusterTimers(state: RolloutState, { observed, nowMs }: RolloutInput): number | undefined {
  let next: number | undefined;
  const unsettled = placesOf(state.waves, unsettledOf(state.clusters).flat());
  for (const [at, wave] of state.waves.entries()) {
    if (wave.startedAtMs === undefined) break;
    const { minHealthyMs } = specOf(state.strategy, wave);
    for (const cluster of unsettled[at] ?? []) {
      const known = clusterState(state.clusters, cluster);
      if (known?.assignedAtMs === undefined || known.failure) continue;
      // What it does with what it had before is no word on the release.
      if (known.rolledBackAtMs !== undefined) continue;
      if (known.countedAtMs !== undefined && known.healthySinceMs !== undefined) continue;
      const seen = observed.get(cluster);
      const start = known.healthySinceMs === undefined ? timerStart(seen, known) : undefined;
      const at =
        known.healthySinceMs === undefined
          ? start && start + state.strategy.healthTimeoutMs
          : known.healthySinceMs + minHealthyMs;
      if (at !== undefined && at > nowMs) next = Math.min(next ?? at, at);
    }
  }
  return next;
}

/** Where it would go back to. What it has of this release already, and was well with, is nothing that was there before: nor where it leaves now. */
function previousOf(seen: ObservedCluster | undefined, release: RolloutRelease, cluster: string) {
  const leaves = release.removes.has(cluster) && seen?.releaseId === release.id;
  const own = leaves || isAssigned(release, cluster, seen) ? seen?.targetDigest : undefined;
  return seen?.lastHealthyDigest === own ? undefined : seen?.lastHealthyDigest;
}

interface Assigned {
  readonly state: RolloutState;
  readonly decisions: readonly AssignmentDecision[];
  /** Who has it already is told nothing, so nobody will say that it is there. */
  readonly nextAtMs: number | undefined;
}

/** Assigns what may go now, of the waves that have begun. */
function assign(state: RolloutState, input: RolloutInput): Assigned {
  const { release, observed, nowMs } = input;
  const chosen = chooseClusters(state, input);
  if (chosen.length === 0) return { state, decisions: [], nextAtMs: undefined };
  const assigned: [string, ClusterState][] = [];
  const decisions: AssignmentDecision[] = [];
  for (const cluster of chosen) {
    const before = observed.get(cluster);
    const known = clusterState(state.clusters, cluster);
    const targetDigest = release.targets[cluster];
    const has = targetDigest === undefined || isAssigned(release, cluster, before);
    // Who has it already is looked at first.
    const present = before?.connected && !has ? { presentSinceMs: nowMs } : {};
    const next = {
      ...{ ...known, ...present, hook: undefined, assignedAtMs: nowMs },
      previous: known?.previous ?? previousOf(before, release, cluster),
      ...(!before?.connected && { assignedAway: true }),
    };
    assigned.push([cluster, next]);
    if (has) continue;
    const { id: releaseId, application, reason } = release;
    const amended = state.amended?.[cluster] !== undefined ? state.amendedBy : undefined;
    const revisionId = amended ?? release.revisionId;
    decisions.push({
      ...{ cluster, application, targetDigest, releaseId, revisionId, reason },
      removed: release.removes.has(cluster),
    });
  }
  const clusters = withClusters(state.clusters, assigned);
  const nextAtMs = decisions.length < chosen.length ? nowMs : undefined;
  return { state: { ...state, clusters }, decisions, nextAtMs };
}

function walkWaves(
  start: RolloutState,
  input: RolloutInput,
): WavePass & { decisions: readonly AssignmentDecision[] } {
  let state = start;
  const changes: RolloutChange[] = [];
  const questions: AnalysisQuestion[] = [];
  const times: (number | undefined)[] = [];
  const take = (pass: WavePass) => {
    state = pass.state;
    changes.push(...pass.changes);
    questions.push(...pass.questions);
    times.push(pass.nextAtMs);
  };
  const open = opennessAt(state.strategy, input.nowMs);
  for (let index = 0; index < state.waves.length && state.phase === 'Progressing'; index += 1) {
    if (state.waves[index]?.endedAtMs !== undefined) continue;
    state = refillWave(state, index, input);
    if (state.waves[index]?.startedAtMs === undefined) take(startWave(state, index, input, open.open));
    if (state.waves[index]?.startedAtMs !== undefined) take(endWave(state, index, input));
    if (state.waves[index]?.endedAtMs === undefined && !state.lifted) break;
  }
  times.push(open.open ? open.untilMs : open.opensAtMs);
  const ended = state.waves.every(({ endedAtMs }) => endedAtMs !== undefined);
  if (ended && state.phase === 'Progressing') {
    state = { ...state, phase: 'Complete', endedAtMs: input.nowMs };
    const message = state.waves.length === 0 ? 'no cluster has to change' : 'every wave has ended';
    changes.push({ type: 'rollout.completed', message });
  }
  const live = state.phase === 'Progressing' || state.phase === 'Complete';
  const none = { state, decisions: [], nextAtMs: undefined };
  const assigned = open.open && live ? assign(state, input) : none;
  const held = noteHeldUp(assigned.state, input, assigned.state === state);
  times.push(assigned.nextAtMs, held.nextAtMs, clusterTimers(held.state, input));
  return {
    state: held.state,
    changes: [...changes, ...held.changes],
    questions,
    nextAtMs: earliest(times),
    decisions: assigned.decisions,
  };
}

/** What is assigned goes on while others go back. */
function goBack(state: RolloutState, input: RolloutInput, changes: readonly RolloutChange[]): RolloutPass {
  const back = rollBack(state, input);
  const goesOn = back.state.phase === 'RollingBack';
  const nextAtMs = goesOn ? earliest([back.nextAtMs, clusterTimers(back.state, input)]) : undefined;
  return { ...back, nextAtMs, changes: [...changes, ...back.changes], questions: [] };
}

/** One pass. */
export function advanceRollout(before: RolloutState, input: RolloutInput): RolloutPass {
  const seen = observeClusters(before, input);
  let { state } = seen;
  const changes = [...seen.changes];
  const done = { decisions: [], questions: [], nextAtMs: undefined };
  if (state.phase === 'Progressing' && state.strategy.onFailure !== 'continue') {
    const spent = spentBudget(state);
    if (spent !== undefined) {
      const [stopped, change] = stopFor(state, spent, input.nowMs);
      state = stopped;
      changes.push(change);
    }
  }
  if (state.phase === 'RollingBack') return goBack(state, input, changes);
  if (state.phase === 'Progressing' || state.phase === 'Complete') {
    const pass = walkWaves(state, input);
    const all = [...changes, ...pass.changes];
    if (pass.state.phase === 'RollingBack') return goBack(pass.state, input, all);
    return giveJoiners({ ...pass, changes: all }, input);
  }
  const nextAtMs = isGivenUp(state) ? undefined : clusterTimers(state, input);
  return giveJoiners({ ...done, state, changes, nextAtMs }, input);
}

function giveJoiners(pass: RolloutPass, input: RolloutInput): RolloutPass {
  const { state, decisions } = giveLast(pass.state, input);
  return decisions.length === 0 ? pass : { ...pass, state, decisions: [...pass.decisions, ...decisions] };
}
