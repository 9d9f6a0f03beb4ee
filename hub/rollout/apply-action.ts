/** What operators may do to a rollout. Each is idempotent: said twice it changes nothing more; where it does not apply it is refused with why. */

import { FairwayError } from '../../shared/error/error.ts';
import { allAtOnceStrategy, defaultWave } from '../model/strategy.ts';
import { spentBudget } from './advance-rollout.ts';
import { analysesOf, answersMax } from './analyses.ts';
import { clusterEntries, clusterState, noClusters, packClusters, withClusters } from './cluster-states.ts';
import { isHeldBack } from './held-clusters.ts';
import { specOf } from './plan-waves.ts';
import {
  type AnalysisAnswer,
  type ClusterState,
  isOver,
  putWave,
  type RolloutState,
  type Said,
  type WaveState,
} from './rollout-state.ts';
import { wasSaid } from './was-said.ts';

export type RolloutAction =
  | {
      readonly type: 'approve' | 'reject' | 'promote' /** Empty: the one that waits. */;
      readonly wave: string;
    }
  | { readonly type: 'pause' | 'resume' | 'abort' | 'rollback' }
  | {
      readonly type: 'retry' /** Empty: all that failed, and the Targets that are held. One that was excluded takes part again. */;
      readonly cluster: string;
    }
  | { readonly type: 'exclude'; readonly cluster: string }
  | { readonly type: 'all-at-once' };

function refuse(state: RolloutState, message: string): never {
  throw new FairwayError('failed_precondition', message, { subject: state.application });
}

/** @throws not_found; failed_precondition when no wave is under way. */
function findWave(state: RolloutState, name: string): number {
  const index =
    name === ''
      ? state.waves.findIndex(({ endedAtMs }) => endedAtMs === undefined)
      : state.waves.findIndex((wave) => wave.name === name);
  if (index >= 0) return index;
  if (name === '') return refuse(state, 'every wave has ended');
  const names = state.waves.map((wave) => wave.name).join(', ');
  throw new FairwayError('not_found', `the rollout has no wave ${name}; it has ${names}`);
}

function approve(state: RolloutState, waveName: string, said: Said): RolloutState {
  const index = findWave(state, waveName);
  const wave = state.waves[index] as WaveState;
  const { approval } = specOf(state.strategy, wave);
  if (approval === undefined) {
    // Said again, since its answer was lost: the wave that it was about has ended, or has begun.
    if (waveName === '' && state.waves.some((one) => one.approvedBefore ?? one.approvedAfter)) return state;
    return refuse(state, `wave ${wave.name} wants no approval`);
  }
  if (approval.approvers.length > 0 && !approval.approvers.includes(said.actor))
    throw new FairwayError(
      'permission_denied',
      `wave ${wave.name} is approved by ${approval.approvers.join(', ')}, not by ${said.actor}`,
    );
  if (approval.when === 'before')
    return wave.approvedBefore ? state : putWave(state, index, { approvedBefore: said });
  if (wave.approvedAfter) return state;
  if (wave.settledAtMs === undefined)
    return refuse(state, `wave ${wave.name} is approved once its clusters are healthy; some are not yet`);
  return putWave(state, index, { approvedAfter: said });
}

/** Only where an approval is waited for, or will be: what was approved is paused, given up or taken back. */
function reject(state: RolloutState, waveName: string, said: Said): RolloutState {
  if (state.phase === 'RollingBack' && state.stopped?.by === 'operator') return state;
  const wave = state.waves[findWave(state, waveName)] as WaveState;
  const { approval } = specOf(state.strategy, wave);
  if (approval === undefined) return refuse(state, `wave ${wave.name} wants no approval`);
  const approved = approval.when === 'before' ? wave.approvedBefore : wave.approvedAfter;
  if (approved !== undefined)
    return refuse(
      state,
      `wave ${wave.name} was approved by ${approved.actor}: pause the rollout, abort it or roll it back instead`,
    );
  if (state.phase === 'Paused' && state.stopped?.by === 'operator') return state;
  return stop(state, state.strategy.onFailure === 'rollback' ? 'RollingBack' : 'Paused', said);
}

/** One of its analyses has, by its answers so far. */
function hasFailed({ strategy }: RolloutState, wave: WaveState): boolean {
  return analysesOf(specOf(strategy, wave).analysis, wave, 0, 0).failed !== undefined;
}

/** Somebody who goes on although an analysis has stopped the wave goes on without its analyses. */
function promote(state: RolloutState, waveName: string, said: Said): RolloutState {
  const index = findWave(state, waveName);
  const wave = state.waves[index] as WaveState;
  const isStopped = state.phase === 'Paused' && state.stopped?.by === 'failure';
  if (isStopped && !wave.overruled && hasFailed(state, wave))
    return putWave(goOn(state), index, { promoted: wave.promoted ?? said, overruled: said });
  if (wave.promoted) return state;
  if (wave.startedAtMs === undefined)
    return refuse(state, `wave ${wave.name} has not begun, so there is no soak to skip`);
  if (wave.settledAtMs === undefined)
    return refuse(state, `wave ${wave.name} does not soak yet: some of its clusters are not healthy`);
  return putWave(state, index, { promoted: said });
}

function stop(state: RolloutState, phase: 'Paused' | 'Aborted' | 'RollingBack', said: Said): RolloutState {
  const ended = phase === 'Aborted' ? { endedAtMs: said.atMs } : {};
  return { ...state, phase, stopped: { ...said, by: 'operator' }, ...ended };
}

function resume(state: RolloutState): RolloutState {
  if (state.phase === 'Progressing') return state;
  if (state.phase !== 'Paused') return refuse(state, `it is ${state.phase}, not Paused`);
  if (wasTakenBack(state)) return refuse(state, 'it was taken back: retry it, and it begins anew');
  if (isHeldBack(state)) return refuse(state, 'all that it brings is held: retry it, and it begins');
  const isStopped = state.stopped?.by === 'failure';
  const next = goOn(state);
  if (!isStopped) return next;
  // Answers that stopped it would stop it again at once; those of others are worth what they were.
  return {
    ...next,
    waves: next.waves.flatMap((wave) => (hasFailed(state, wave) ? askAgain([wave]) : [wave])),
  };
}

/** Refused where that would stop it again at once. */
function goOn(state: RolloutState): RolloutState {
  const failed = failedClusters(state);
  if (state.stopped?.by === 'failure' && spentBudget(state) !== undefined)
    return refuse(state, `${failed.join(', ')} failed: retry or exclude them, or roll back`);
  return { ...soakAnew(state), phase: 'Progressing', stopped: undefined };
}

/** A wave in the soak of which clusters have failed soaks from its beginning once they are healthy; one that an analysis stopped goes on where it was. */
function soakAnew(state: RolloutState): RolloutState {
  if (state.stopped?.by !== 'failure') return state;
  const waves = state.waves.map((wave) => {
    if (wave.settledAtMs === undefined || wave.endedAtMs !== undefined || hasFailed(state, wave)) return wave;
    return { ...wave, settledAtMs: undefined };
  });
  return { ...state, waves };
}

function isFailed(state: RolloutState, cluster: string): boolean {
  const known = clusterState(state.clusters, cluster);
  return known?.failure !== undefined && known.excluded === undefined;
}

/** Sorted. */
function failedClusters(state: RolloutState): readonly string[] {
  const known = [...clusterEntries(state.clusters)].map(([name]) => name);
  return known.filter((name) => isFailed(state, name)).sort();
}

/** Clusters that went back are never counted: a rollout that goes on as if nothing had been would wait for them for ever. */
function wasTakenBack({ clusters }: RolloutState): boolean {
  return [...clusterEntries(clusters)].some(([, known]) => known.rolledBackAtMs !== undefined);
}

/** A revert that was not written may be, should the release fail again. */
function writtenOf({ revert }: RolloutState): RolloutState['revert'] {
  return revert?.state === 'written' ? revert : undefined;
}

/**
 * A rollout that was taken back or given up begins anew with its first wave and all its gates; who was excluded stays so, and who is to leave goes back to what it had before, which nobody
 * else knows once it is there again.
 */
function restart(state: RolloutState): RolloutState {
  const { endedAtMs: _at, stopped: _why, ...rest } = state;
  const leaves = new Set(state.removes);
  const kept = Object.entries(packClusters(state.clusters)).flatMap(
    ([name, { excluded, previous }]): readonly [string, ClusterState][] => {
      const was = leaves.has(name) ? previous : undefined;
      if (excluded === undefined && was === undefined) return [];
      return [[name, { ...(excluded && { excluded }), ...(was !== undefined && { previous: was }) }]];
    },
  );
  return {
    ...rest,
    revert: writtenOf(state),
    phase: 'Progressing',
    held: [],
    waves: state.waves.map(({ name, spec, clusters }) => ({ name, spec, clusters })),
    clusters: withClusters(noClusters, kept),
  };
}

/** What the analyses of waves under way have said is forgotten: they are asked again. */
function askAgain(waves: readonly WaveState[]): readonly WaveState[] {
  return waves.map((wave) => {
    const { analyses: _, runs: __, ...rest } = wave;
    return wave.endedAtMs === undefined ? rest : wave;
  });
}

/** Timers begin anew, and analyses where one of them may be what failed. What was held may be released again. */
function retry(state: RolloutState, cluster: string): RolloutState {
  if (state.phase === 'RollingBack') return refuse(state, 'it rolls back: retry it once that has ended');
  const isBack = wasTakenBack(state);
  const isDone = isOver(state) && state.phase !== 'Complete';
  if (cluster === '' && (isDone || isBack)) return restart(state);
  if ((isBack && state.phase === 'Paused') || isDone)
    return refuse(state, `it was ${isBack ? 'taken back' : 'given up'}: retry all of it, without a cluster`);
  const names = cluster === '' ? failedClusters(state) : [cluster];
  const again: [string, ClusterState][] = [];
  for (const name of names) {
    const known = clusterState(state.clusters, name);
    if (known === undefined && state.withheld?.includes(name))
      return refuse(state, `what ${name} would get is held: retry all of it, without a cluster`);
    if (known?.assignedAtMs === undefined && known?.excluded === undefined)
      throw new FairwayError('not_found', `the rollout has not reached ${name}`);
    // Who was excluded takes part again.
    const { excluded: _, ...rest } = known;
    again.push([name, { ...rest, failure: undefined, presentSinceMs: undefined }]);
  }
  const goesOn = state.phase === 'Paused' && state.stopped?.by === 'failure';
  const phase = goesOn
    ? {
        ...{ phase: 'Progressing' as const, stopped: undefined },
        ...{ waves: askAgain(soakAnew(state).waves), revert: writtenOf(state) },
      }
    : {};
  const clusters = withClusters(state.clusters, again);
  return { ...state, clusters, ...(cluster === '' ? { held: [] } : {}), ...phase };
}

function exclude(state: RolloutState, cluster: string, said: Said): RolloutState {
  const known = clusterState(state.clusters, cluster);
  if (known?.excluded) return state;
  if (![...state.waves.map(({ clusters }) => clusters), state.withheld].some((all) => all?.includes(cluster)))
    throw new FairwayError('not_found', `${cluster} takes no part in the rollout`);
  const clusters = withClusters(state.clusters, [[cluster, { ...known, excluded: said }]]);
  const waves = state.waves.map((wave) =>
    wave.whole && wave.clusters.includes(cluster) ? { ...wave, whole: false } : wave,
  );
  return { ...state, clusters, waves };
}

/** An emergency: for this release no gate, bound or window counts any more, and no failure stops it. */
function lift(state: RolloutState, said: Said): RolloutState {
  if (state.phase === 'RollingBack') return refuse(state, 'it rolls back, and no gate holds that up');
  if (state.lifted) return state;
  const from = wasTakenBack(state) ? restart(state) : state;
  const held = from.withheld ? [] : from.held;
  const { strategy } = from;
  const [open = defaultWave] = allAtOnceStrategy.waves;
  return {
    ...from,
    phase: 'Progressing',
    stopped: undefined,
    lifted: said,
    held,
    strategy: {
      ...strategy,
      ...{ windows: [], freezes: [], failureBudget: undefined },
      ...{ onFailure: 'continue', regions: 'any', pairs: 'any', assignsAway: true },
      waves: strategy.waves.map(({ name }) => ({ ...open, name })),
    },
  };
}

/** @throws failed_precondition, not_found or permission_denied, saying why; then nothing has changed. */
export function applyAction(state: RolloutState, action: RolloutAction, said: Said): RolloutState {
  if (wasSaid(state, action)) return state;
  if (isOver(state) && action.type !== 'rollback' && action.type !== 'retry')
    return refuse(state, `the rollout has ended: it is ${state.phase}`);
  if (state.phase === 'Waiting')
    return refuse(
      state,
      'it has not begun: it waits for another environment; promote begins it all the same',
    );
  switch (action.type) {
    case 'approve':
      return approve(state, action.wave, said);
    case 'reject':
      return reject(state, action.wave, said);
    case 'promote':
      return promote(state, action.wave, said);
    case 'pause':
      if (state.phase === 'RollingBack') return refuse(state, 'it rolls back; that is not paused');
      return state.phase === 'Paused' ? state : stop(state, 'Paused', said);
    case 'resume':
      return resume(state);
    case 'abort':
      return stop(state, 'Aborted', said);
    case 'rollback':
      if (state.phase === 'RollingBack' || state.phase === 'RolledBack') return state;
      return stop(state, 'RollingBack', said);
    case 'retry':
      return retry(state, action.cluster);
    case 'exclude':
      return exclude(state, action.cluster, said);
    case 'all-at-once':
      return lift(state, said);
  }
}

/** Keeps the answer to an analysis; one that comes too late is dropped, and one that the strategy does not ask for (any more). */
export function addAnswer(
  state: RolloutState,
  wave: number,
  name: string,
  answer: AnalysisAnswer,
): RolloutState {
  const known = state.waves[wave];
  if (known === undefined || known.endedAtMs !== undefined || isOver(state)) return state;
  const spec = specOf(state.strategy, known).analysis.find((one) => one.name === name);
  if (spec === undefined) return state;
  const answers = [...(known.analyses?.[name] ?? []), answer].slice(-answersMax(spec));
  return putWave(state, wave, { analyses: { ...known.analyses, [name]: answers } });
}
