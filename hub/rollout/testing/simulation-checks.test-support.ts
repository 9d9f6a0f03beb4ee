/** What no pass of a rollout may do, whatever happened before. */
import type { AssignmentDecision } from '../../model/release.ts';
import { amountOf } from '../../model/strategy.ts';
import { failedIn, type RolloutInput } from '../advance-rollout.ts';
import { isInFlight } from '../choose-clusters.ts';
import { changedClusters, clusterState } from '../cluster-states.ts';
import { isGivenUp } from '../give-last.ts';
import { specOf } from '../plan-waves.ts';
import { isUnproven } from '../reopen-wave.ts';
import { isAssigned, type RolloutPass, type RolloutState, type WaveState } from '../rollout-state.ts';
import { hearingMs } from '../soak-end.ts';
import { opennessAt } from '../windows.ts';

type Names = readonly string[];

/** Nobody gets a release that was given up, and what was before it only those who have nothing. */
function checkGivenUp({ decisions }: RolloutPass, { release, observed }: RolloutInput): Names {
  return decisions
    .filter(({ reason }) => reason === 'release')
    .filter(
      ({ cluster, targetDigest }) =>
        targetDigest === release.targets[cluster] || observed.get(cluster)?.targetDigest !== undefined,
    )
    .map(({ cluster }) => `${cluster} was assigned though the release was given up`);
}

/** What the release wants, or what was before it. */
function isOfRelease(
  { cluster, targetDigest, reason }: AssignmentDecision,
  { release }: RolloutInput,
): boolean {
  return reason === 'release' && targetDigest === release.targets[cluster];
}

/** What was before the release goes only to those who have nothing, and whose wave is to come. */
function checkGivenLast({ state, decisions }: RolloutPass, before: RolloutState, input: RolloutInput): Names {
  return decisions
    .filter((one) => one.reason === 'release' && !isOfRelease(one, input))
    .filter(
      ({ cluster }) =>
        input.observed.get(cluster)?.targetDigest !== undefined ||
        clusterState(before.clusters, cluster)?.givenLastAtMs !== undefined ||
        state.waves.find(({ clusters }) => clusters.includes(cluster))?.startedAtMs !== undefined,
    )
    .map(({ cluster }) => `${cluster} was given what was before the release`);
}

function checkGates(pass: RolloutPass, before: RolloutState, input: RolloutInput): Names {
  const { state, decisions } = pass;
  const found: string[] = [];
  const releases = decisions.filter((one) => isOfRelease(one, input));
  if (releases.length === 0) return found;
  if (!opennessAt(state.strategy, input.nowMs).open) found.push('assigned outside a window');
  if (state.phase !== 'Progressing' && state.phase !== 'Complete')
    found.push(`assigned while ${state.phase}`);
  const places = state.waves.map(({ clusters }) => new Set(clusters));
  for (const { cluster } of releases) {
    const index = places.findIndex((members) => members.has(cluster));
    const wave = state.waves[index];
    if (wave?.startedAtMs === undefined) found.push(`${cluster} was assigned before its wave began`);
    const wasThere = input.observed.get(cluster)?.targetDigest !== undefined;
    if (wasThere && clusterState(before.clusters, cluster)?.assignedAtMs !== undefined)
      found.push(`${cluster} was assigned twice`);
    if (clusterState(state.clusters, cluster)?.excluded)
      found.push(`${cluster} was assigned though it is excluded`);
    if (state.lifted || wave === undefined) continue;
    if (state.waves.slice(0, index).some(({ endedAtMs }) => endedAtMs === undefined))
      found.push(`${cluster} was assigned past a wave that has not ended`);
    if (specOf(state.strategy, wave).approval?.when === 'before' && !wave.approvedBefore)
      found.push(`${cluster} passed a closed gate`);
    if (!input.release.removes.has(cluster) && !input.observed.get(cluster)?.connected)
      found.push(`${cluster} was assigned while it was away`);
  }
  return found;
}

/** Whether a later wave begins though no cluster of those before it was ever reached; `proven`: one was, whatever became of it since. */
export function checkProof({ state }: RolloutPass, before: RolloutState, proven: boolean): Names {
  if (proven || state.lifted || isGivenUp(state)) return [];
  return state.waves
    .filter(({ startedAtMs }, index) => {
      const begins = startedAtMs !== undefined && before.waves[index]?.startedAtMs === undefined;
      const others = state.waves.slice(0, index).some(({ clusters }) => clusters.length > 0);
      return begins && others && isUnproven(state, index - 1);
    })
    .map(({ name }) => `${name} began though nobody had proven the release`);
}

/** A wave has ended in this pass: what it had to wait for is there. */
function checkEnded(
  wave: WaveState,
  was: WaveState | undefined,
  { strategy, lifted }: RolloutState,
  listeningSinceMs = 0,
): Names {
  if (wave.endedAtMs === undefined || was === undefined || was.endedAtMs !== undefined || lifted) return [];
  const spec = specOf(strategy, wave);
  const found: string[] = [];
  if (wave.settledAtMs === undefined) found.push(`${wave.name} ended without having settled`);
  else if (!wave.promoted && wave.endedAtMs < wave.settledAtMs + spec.soakMs)
    found.push(`${wave.name} ended before its soak`);
  else if (
    !wave.promoted &&
    spec.soakMs > 0 &&
    wave.settledAtMs < listeningSinceMs &&
    wave.endedAtMs < listeningSinceMs + hearingMs
  )
    found.push(`${wave.name} ended before the hub had heard its agents again`);
  if (spec.approval?.when === 'after' && !wave.approvedAfter) found.push(`${wave.name} ended unapproved`);
  return found;
}

/** Not healthy with what it has, as its agent says. */
function isIll(name: string, { observed }: RolloutInput): boolean {
  const seen = observed.get(name);
  const isHere = seen?.connected && seen.targetDigest !== undefined;
  return isHere === true && seen?.report !== undefined && seen.report.health !== 'Current';
}

/** Somebody who was well was assigned, though with them more are in flight or ill than the wave bears. */
function checkUnavailable(state: RolloutState, wave: WaveState, went: Names, input: RolloutInput): Names {
  if (went.every((name) => isIll(name, input))) return [];
  const { maxUnavailable } = specOf(state.strategy, wave);
  const bound = Math.max(1, amountOf(maxUnavailable, wave.clusters.length, 'down'));
  const counts = (name: string) => {
    const known = clusterState(state.clusters, name);
    if (known?.excluded !== undefined) return false;
    // Whom a wave has ended without counts against its budget of failures alone.
    const hasFailed = known?.failure !== undefined && known.countedAtMs === undefined;
    return !(hasFailed && (known.assignedAtMs ?? 0) < (wave.endedAtMs ?? 0));
  };
  const out = wave.clusters.filter((name) => isInFlight(state, name) || (isIll(name, input) && counts(name)));
  return out.length > bound ? [`${out.length} unavailable in ${wave.name}, at most ${bound}`] : [];
}

/** @param went whom this pass adds to the wave. */
function checkBounds({ state }: RolloutPass, wave: WaveState, went: Names, input: RolloutInput): Names {
  const { strategy } = state;
  const found: string[] = [...checkUnavailable(state, wave, went, input)];
  const flying = wave.clusters.filter((name) => isInFlight(state, name));
  const bound = Math.max(1, amountOf(specOf(strategy, wave).maxConcurrent, wave.clusters.length, 'up'));
  if (flying.length > bound) found.push(`${flying.length} in flight in ${wave.name}, at most ${bound}`);
  const regions = new Set(flying.map((name) => input.facts.get(name)?.region));
  if (strategy.regions === 'apart' && regions.size > 1 && strategy.windows.length === 0)
    found.push(`regions at once in ${wave.name}: ${[...regions].join(', ')}`);
  const budget = amountOf(specOf(strategy, wave).failureBudget, wave.clusters.length, 'down');
  // Once it is complete, only those who come late count: what fails later on is no word on the release.
  const counts = (name: string) =>
    state.phase !== 'Complete' || clusterState(state.clusters, name)?.countedAtMs === undefined;
  const spent = wave.startedAtMs !== undefined && failedIn(state, wave).filter(counts).length > budget;
  if (spent && strategy.onFailure !== 'continue') found.push(`${wave.name} went on with its budget spent`);
  return found;
}

/** Who is in which wave, looked at when that is another than before. */
function checkMembers({ waves, strategy }: RolloutState, before: RolloutState, input: RolloutInput): Names {
  const others = waves.filter(({ clusters }, at) => before.waves[at]?.clusters !== clusters);
  if (others.length === 0 && waves.length === before.waves.length) return [];
  const all = waves.flatMap(({ clusters }) => clusters);
  const found = new Set(all).size < all.length ? ['a cluster is in two waves'] : [];
  if (strategy.pairs !== 'apart') return found;
  const parted = waves.filter(({ clusters }) => {
    const pairs = clusters.map((name) => input.facts.get(name)?.pair ?? '').filter((pair) => pair !== '');
    return new Set(pairs).size < pairs.length;
  });
  return [...found, ...parted.map(({ name }) => `a pair in ${name}`)];
}

/** Something is released though more clusters than the whole rollout bears have failed. */
function checkWhole({ state }: RolloutPass): Names {
  const { strategy, waves, phase } = state;
  if (strategy.failureBudget === undefined || strategy.onFailure === 'continue' || phase === 'Complete')
    return [];
  const total = waves.reduce((sum, { clusters }) => sum + clusters.length, 0);
  const failed = waves.flatMap((wave) => (wave.startedAtMs === undefined ? [] : failedIn(state, wave)));
  const isSpent = failed.length > amountOf(strategy.failureBudget, total, 'down');
  return isSpent ? [`went on though ${failed.length} of ${total} failed`] : [];
}

/** Regions, and sides of a pair, that are kept apart are at work at once, over all waves. */
function checkApart({ state }: RolloutPass, went: ReadonlySet<string>, input: RolloutInput): Names {
  const { strategy, waves, lifted } = state;
  if (lifted) return [];
  const all = waves.flatMap(({ clusters }) => clusters).filter((name) => isInFlight(state, name));
  const atWork = all.filter((name) => went.has(name) || input.observed.get(name)?.connected);
  const regions = new Set(atWork.map((name) => input.facts.get(name)?.region));
  const found: string[] = [];
  if (strategy.regions === 'apart' && regions.size > 1)
    found.push(`regions at once: ${[...regions].join(', ')}`);
  const pairOf = (name: string) => input.facts.get(name)?.pair ?? '';
  const paired = atWork.filter((name) => pairOf(name) !== '');
  const twice = paired.find((name) =>
    paired.some((other) => other !== name && pairOf(other) === pairOf(name) && went.has(other)),
  );
  if (strategy.pairs === 'apart' && twice !== undefined) found.push(`both sides of ${pairOf(twice)} at once`);
  return found;
}

/** Somebody goes back to what is taken back from others. */
function checkBack({ decisions }: RolloutPass, { release }: RolloutInput): Names {
  const back = decisions.filter(({ reason }) => reason === 'rollback');
  if (back.length === 0) return [];
  const failed = new Set(Object.values(release.targets));
  return back
    .filter(({ targetDigest }) => failed.has(targetDigest))
    .map(({ cluster, targetDigest }) => `${cluster} goes back to ${targetDigest}, which is taken back`);
}

/** The state says of somebody that it was assigned, and nobody is told. */
function checkDecided({ state, decisions }: RolloutPass, before: RolloutState, input: RolloutInput): Names {
  const told = new Set(decisions.map(({ cluster }) => cluster));
  return changedClusters(before.clusters, state.clusters)
    .filter((name) => {
      const assignedAtMs = clusterState(state.clusters, name)?.assignedAtMs;
      if (assignedAtMs === undefined || assignedAtMs === clusterState(before.clusters, name)?.assignedAtMs)
        return false;
      return !told.has(name) && !isAssigned(input.release, name, input.observed.get(name));
    })
    .map((name) => `${name} was assigned, and nothing was decided of it`);
}

/**
 * Bounds that no pass may break. Empty: it broke none. Costs what the pass did: waves to which it added nobody are not looked at.
 *
 * @param before as the pass began, its clusters moved.
 * @param kept as the pass before left it.
 */
export function checkPass(
  pass: RolloutPass,
  { before, kept }: { readonly before: RolloutState; readonly kept: RolloutState },
  input: RolloutInput,
): Names {
  const decided = [...checkDecided(pass, before, input), ...checkBack(pass, input)];
  if (isGivenUp(pass.state)) return [...decided, ...checkGivenUp(pass, input)];
  const { waves } = pass.state;
  const went = new Set(pass.decisions.filter((one) => isOfRelease(one, input)).map(({ cluster }) => cluster));
  const ended = waves.flatMap((wave, index) =>
    checkEnded(wave, before.waves[index], pass.state, input.listeningSinceMs),
  );
  const members = [
    ...decided,
    ...checkGivenLast(pass, before, input),
    ...checkMembers(pass.state, kept, input),
  ];
  if (went.size === 0) return [...ended, ...members];
  const bounds = waves.flatMap((wave) => {
    const added = wave.clusters.filter((name) => went.has(name));
    return added.length === 0 ? [] : checkBounds(pass, wave, added, input);
  });
  const apart = checkApart(pass, went, input);
  return [...checkGates(pass, before, input), ...checkWhole(pass), ...bounds, ...apart, ...ended, ...members];
}

/** What a pass says of when to look again is true: nothing came of it that time alone would have changed before. */
export function checkTimer(early: RolloutPass, kept: RolloutState): Names {
  const { state, decisions, changes } = early;
  if (decisions.length === 0 && changes.length === 0 && state === kept) return [];
  const what = changes[0]?.message ?? decisions[0]?.cluster ?? 'the state';
  return [`it was not looked at when time had changed something: ${what}`];
}
