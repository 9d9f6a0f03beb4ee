/** What agents report, folded into a rollout's clusters: who is healthy for how long, and who has failed. */
import { clusterState, memoOfParts, withClusters } from './cluster-states.ts';
import { specOf } from './plan-waves.ts';
import {
  type ClusterFailure,
  type ClusterState,
  isAssigned,
  type ObservedCluster,
  type RolloutChange,
  type RolloutRelease,
  type RolloutState,
} from './rollout-state.ts';
import { membersAmong, statesIn } from './wave-index.ts';

export interface ObserveInput {
  readonly release: RolloutRelease;
  readonly observed: ReadonlyMap<string, ObservedCluster>;
  readonly nowMs: number;
  /** Clusters of which something else may have been observed than when the state was made. Default any. */
  readonly changed?: ReadonlySet<string> | undefined;
}

/** An agent's word on the very Target that it was assigned; a removal that is done leaves nothing to report. */
function isHealthy(cluster: string, observed: ObservedCluster | undefined, release: RolloutRelease): boolean {
  if (release.removes.has(cluster)) return observed?.targetDigest === undefined;
  if (observed?.acknowledgements?.healthyAtMs === undefined) return false;
  // Healthy is said once; what became of it since is in the report.
  return observed.report === undefined || observed.report.health === 'Current';
}

/** As agents bound a hook's own limit: no agent's word holds a rollout for longer. */
const hookLimitMsMax = 86_400_000;

function failureOf(
  observed: ObservedCluster | undefined,
  known: ClusterState,
  healthTimeoutMs: number,
  nowMs: number,
): ClusterFailure | undefined {
  const { acknowledgements, report, connected } = observed ?? {};
  if (acknowledgements?.refused !== undefined)
    return { reason: 'Refused', message: acknowledgements.refused, atMs: nowMs };
  if (report?.sync === 'Failed') return { reason: 'ApplyFailed', message: report.message, atMs: nowMs };
  if (report?.health === 'Failed') return { reason: 'Unhealthy', message: report.message, atMs: nowMs };
  // An agent that is away, or that waits for another application, is not late.
  if (!connected || (report?.waitsFor ?? '') !== '' || known.healthySinceMs !== undefined) return undefined;
  const since = timerStart(observed, known);
  if (since === undefined || nowMs < since + healthTimeoutMs) return undefined;
  const what = acknowledgements?.appliedAtMs === undefined ? 'not applied' : 'not healthy';
  const message = `${what} within ${Math.round(healthTimeoutMs / 1_000)} s${report?.message ? `: ${report.message}` : ''}`;
  return { reason: 'TimedOut', message, atMs: nowMs };
}

/**
 * From when a timeout counts: from Applied, before that from when the agent has been there with the Target; once it was counted, from when its health broke. A hook has a limit of its
 * own: while one is at work, from that limit, and once it has ended, from then.
 */
export function timerStart(observed: ObservedCluster | undefined, known: ClusterState): number | undefined {
  const sinceMs = known.hook?.endsAtMs ?? known.presentSinceMs;
  if (sinceMs === undefined) return undefined;
  const { appliedAtMs } = observed?.acknowledgements ?? {};
  // One that comes and goes before it was ever counted would have all the time in the world.
  const brokenAtMs = known.countedAtMs === undefined ? undefined : known.brokenAtMs;
  return Math.max(sinceMs, appliedAtMs ?? known.assignedAtMs ?? 0, brokenAtMs ?? 0);
}

/** The limit of a hook at work by the hub's clock; what was said before keeps the time that it had. */
function hookAt(known: ClusterState, observed: ObservedCluster | undefined, nowMs: number) {
  const said = observed?.report?.hook;
  if (said === undefined || said.untilMs === known.hook?.untilMs) return said && known.hook;
  const leftMs = Math.min(hookLimitMsMax, Math.max(0, said.leftMs));
  return { untilMs: said.untilMs, endsAtMs: nowMs + leftMs };
}

/** When its health broke: now, if it was healthy until now, or has said so and nobody had looked. */
function brokenAt(known: ClusterState, observed: ObservedCluster | undefined, nowMs: number) {
  const said = known.brokenAtMs === undefined && observed?.acknowledgements?.healthyAtMs !== undefined;
  return known.healthySinceMs !== undefined || said ? nowMs : known.brokenAtMs;
}

/** There, healthy and with nothing to say: what most clusters are most of the time. */
function isSteady(observed: ObservedCluster | undefined, target: string | undefined): boolean {
  if (!observed?.connected || observed.targetDigest !== target) return false;
  const { acknowledgements, report } = observed;
  if (acknowledgements?.healthyAtMs === undefined || acknowledgements.refused !== undefined) return false;
  return (
    report === undefined ||
    (report.health === 'Current' && report.sync !== 'Failed' && report.waitsFor === '')
  );
}

function observeCluster(
  cluster: string,
  known: ClusterState,
  state: RolloutState,
  minHealthyMs: number,
  { release, observed: all, nowMs, changed }: ObserveInput,
): ClusterState {
  const observed = all.get(cluster);
  if (isSettled(known) && isSteady(observed, release.targets[cluster])) return known;
  if (changed !== undefined && !changed.has(cluster) && !isLate(known, observed, state, nowMs)) return known;
  // It was forgotten, and has come back with nothing: its turn comes again.
  if (observed?.targetDigest === undefined && !release.removes.has(cluster))
    return known.excluded === undefined ? untouched : known;
  // Somebody else's assignment (a rollback of it, a later release) is not looked at here.
  if (!isAssigned(release, cluster, observed)) return known;
  const waits = (observed?.report?.waitsFor ?? '') !== '';
  const hook = hookAt(known, observed, nowMs);
  const present = observed?.connected && !waits && hook === undefined;
  const presentSinceMs = present ? (known.presentSinceMs ?? nowMs) : undefined;
  const healthy = isHealthy(cluster, observed, release);
  const brokenAtMs = healthy ? known.brokenAtMs : brokenAt(known, observed, nowMs);
  const began = brokenAtMs === undefined ? observed?.acknowledgements?.healthyAtMs : undefined;
  const healthySinceMs = healthy ? (known.healthySinceMs ?? Math.min(began ?? nowMs, nowMs)) : undefined;
  const counts = healthySinceMs !== undefined && nowMs >= healthySinceMs + minHealthyMs;
  const countedAtMs = known.countedAtMs ?? (counts ? nowMs : undefined);
  const found = healthy
    ? undefined
    : failureOf(
        observed,
        { ...known, presentSinceMs, hook, healthySinceMs, brokenAtMs },
        state.strategy.healthTimeoutMs,
        nowMs,
      );
  // A timeout stays one until the cluster is healthy; what an agent said is as long as it says so.
  const stays = known.failure?.reason === 'TimedOut' && !healthy ? known.failure : undefined;
  const failure =
    found && known.failure?.reason === found.reason
      ? { ...found, atMs: known.failure.atMs }
      : (found ?? stays);
  const assignedAway = known.assignedAway && !observed?.connected ? true : undefined;
  const appliedAtMs = observed?.acknowledgements?.appliedAtMs ?? known.appliedAtMs;
  const seen = { presentSinceMs, hook, healthySinceMs, brokenAtMs, countedAtMs, failure, assignedAway };
  return isSame(known, seen) ? known : { ...known, ...seen, appliedAtMs };
}

const untouched: ClusterState = {};

/** Apart from what is only kept once something else is new. */
function isSame(a: ClusterState, b: Omit<ClusterState, 'assignedAtMs'>): boolean {
  return (
    a.assignedAway === b.assignedAway &&
    a.presentSinceMs === b.presentSinceMs &&
    a.hook?.endsAtMs === b.hook?.endsAtMs &&
    a.healthySinceMs === b.healthySinceMs &&
    a.brokenAtMs === b.brokenAtMs &&
    a.countedAtMs === b.countedAtMs &&
    a.failure?.reason === b.failure?.reason &&
    a.failure?.message === b.failure?.message
  );
}

/** Counted and healthy, as far as the state goes: time alone changes nothing of it. */
function isSettled(known: ClusterState): boolean {
  const { countedAtMs, healthySinceMs, presentSinceMs, failure } = known;
  return (
    countedAtMs !== undefined &&
    healthySinceMs !== undefined &&
    presentSinceMs !== undefined &&
    failure === undefined
  );
}

/** It may be that time alone has changed something, though nothing was heard: there is a timer, and it is over. */
function isLate(
  known: ClusterState,
  observed: ObservedCluster | undefined,
  { strategy }: RolloutState,
  nowMs: number,
): boolean {
  if (known.presentSinceMs === undefined || known.healthySinceMs !== undefined || known.failure) return true;
  return nowMs >= (timerStart(observed, known) ?? 0) + strategy.healthTimeoutMs;
}

/** Clusters that were assigned, and that a pass looks at though nothing was heard of them. */
export const unsettledOf = memoOfParts((part) => {
  const names: string[] = [];
  for (const [name, known] of part)
    if (known.assignedAtMs !== undefined && !isSettled(known)) names.push(name);
  return names;
});

/** By wave. */
function toObserve({ waves, clusters }: RolloutState, { changed }: ObserveInput): readonly Members[] {
  if (changed === undefined) return waves.map((wave) => wave.clusters);
  const some = new Set(changed);
  for (const names of unsettledOf(clusters)) for (const name of names) some.add(name);
  return membersAmong(waves, some);
}

type Members = readonly string[];

/**
 * The same state when nothing is new. Costs what the waves that have begun hold; where it is said what has changed, that, and the clusters that are not settled.
 */
export function observeClusters(
  state: RolloutState,
  input: ObserveInput,
): { readonly state: RolloutState; readonly changes: readonly RolloutChange[] } {
  const changes: RolloutChange[] = [];
  const news: [string, ClusterState][] = [];
  const broken = new Set<number>();
  const observe = toObserve(state, input);
  for (const [index, wave] of state.waves.entries()) {
    if (wave.startedAtMs === undefined) continue;
    const { minHealthyMs } = specOf(state.strategy, wave);
    const members = observe[index] ?? [];
    // All of a wave are known from the last time that somebody asked for all.
    const states = members === wave.clusters ? statesIn(state.clusters, members) : undefined;
    for (const [at, cluster] of members.entries()) {
      const known = states ? states[at] : clusterState(state.clusters, cluster);
      if (known?.assignedAtMs === undefined) continue;
      const seen = observeCluster(cluster, known, state, minHealthyMs, input);
      if (seen === known) continue;
      // Who fails before its wave has ended has to be healthy for long enough again.
      const again = seen.failure !== undefined && wave.endedAtMs === undefined;
      news.push([cluster, again ? { ...seen, countedAtMs: undefined } : seen]);
      if (seen.failure || seen.assignedAtMs === undefined) broken.add(index);
      if (seen.failure && !known.failure)
        changes.push({
          type: 'rollout.cluster.failed',
          cluster,
          message: `${cluster} failed in wave ${wave.name}: ${seen.failure.message}`,
        });
    }
  }
  if (news.length === 0) return { state, changes };
  const clusters = withClusters(state.clusters, news);
  const waves = state.waves.map((wave, index) =>
    wave.whole && broken.has(index) ? { ...wave, whole: false } : wave,
  );
  return { state: { ...state, clusters, waves: broken.size > 0 ? waves : state.waves }, changes };
}
