/**
 * What a cluster gets that joins a rollout which is under way and whose wave has not begun, or one which was rolled back or given up: the last release that was completed. It has nothing
 * yet, and a rollout may take days: nobody is to be empty for so long, least of all a standby. No gate, window or bound holds up what is proven. Pure.
 */

import type { Digest } from '../../shared/manifest/canonical.ts';
import type { AssignmentDecision } from '../model/release.ts';
import type { RolloutInput } from './advance-rollout.ts';
import { clusterState, withClusters } from './cluster-states.ts';
import type { ClusterState, ObservedCluster, RolloutState } from './rollout-state.ts';
import { placesOf } from './wave-index.ts';

/** It ended without having come everywhere: nobody gets its release any more. */
export function isGivenUp({ phase }: Pick<RolloutState, 'phase'>): boolean {
  return phase === 'RolledBack' || phase === 'Aborted';
}

/** Who joined since it began, and was given nothing by it, though nothing of it is to come, or not yet. */
export function lateJoiners(state: RolloutState): readonly string[] {
  const { amended = {}, removes = [], waves, clusters } = state;
  const joined = Object.keys(amended).filter((cluster) => amended[cluster] !== null);
  if (joined.length === 0) return [];
  const leaves = new Set(removes);
  const givenUp = isGivenUp(state);
  const isNew = (known: ClusterState | undefined) =>
    known?.assignedAtMs === undefined &&
    known?.rolledBackAtMs === undefined &&
    known?.givenLastAtMs === undefined &&
    !known?.excluded;
  return placesOf(waves, joined).flatMap((members, at) =>
    givenUp || waves[at]?.startedAtMs === undefined
      ? members.filter((cluster) => !leaves.has(cluster) && isNew(clusterState(clusters, cluster)))
      : [],
  );
}

/** What somebody had before the release. */
interface Had {
  readonly region: string;
  readonly digest: Digest;
  /** What brought it there; undefined: nobody has it by that any more. */
  readonly by: { readonly releaseId: string; readonly revisionId: string } | undefined;
}

/** By the release's Target: what clusters that want it had before, and where. */
type Before = ReadonlyMap<Digest, readonly Had[]>;

function beforeRelease(state: RolloutState, { release, observed, facts }: RolloutInput): Before {
  const found = new Map<Digest, Map<string, Had>>();
  for (const [cluster, target] of Object.entries(release.targets)) {
    const seen = observed.get(cluster);
    const has = seen?.targetDigest === target ? undefined : seen?.lastHealthyDigest;
    const had = [clusterState(state.clusters, cluster)?.previous, has];
    const digest = had.find((one) => one !== undefined && one !== target);
    if (digest === undefined || release.removes.has(cluster)) continue;
    const region = facts.get(cluster)?.region ?? '';
    const known = found.get(target) ?? new Map<string, Had>();
    const id = `${region}\n${digest}`;
    found.set(
      target,
      known.set(id, { region, digest, by: known.get(id)?.by ?? broughtBy(seen, digest, release.id) }),
    );
  }
  return new Map([...found].map(([target, known]) => [target, [...known.values()]]));
}

/** A rollback is in the name of what it takes back. */
function broughtBy(seen: ObservedCluster | undefined, digest: Digest, notBy: string): Had['by'] {
  if (seen?.targetDigest !== digest || seen.revisionId === undefined || seen.releaseId === notBy)
    return undefined;
  return { releaseId: seen.releaseId, revisionId: seen.revisionId };
}

function only(digests: readonly Digest[]): Digest | undefined {
  const [first, ...others] = new Set(digests);
  return others.length === 0 ? first : undefined;
}

/**
 * Whoever wants the same Target had the same before: so would the one that joins have had. Where those had several, its own region decides; where that does
 * not tell either, it gets nothing until there is a release, or a retry.
 */
export function giveLast(
  state: RolloutState,
  input: RolloutInput,
): { readonly state: RolloutState; readonly decisions: readonly AssignmentDecision[] } {
  const { release, observed, facts, blocked, nowMs } = input;
  const givenUp = isGivenUp(state);
  // Objects that move between applications go with both at once: who has neither is to get neither of them as it was.
  if (!givenUp && Object.keys(state.handOvers ?? {}).length > 0) return { state, decisions: [] };
  const late = lateJoiners(state).filter((cluster) => {
    const seen = observed.get(cluster);
    return seen?.connected && seen.targetDigest === undefined && !blocked?.has(cluster);
  });
  if (late.length === 0) return { state, decisions: [] };
  const before = beforeRelease(state, input);
  const given: [string, ClusterState][] = [];
  const decisions = late.flatMap((cluster): readonly AssignmentDecision[] => {
    const known = before.get(release.targets[cluster] ?? '') ?? [];
    const region = facts.get(cluster)?.region ?? '';
    const near = known.filter((one) => one.region === region);
    const some = near.length > 0 ? near : known;
    const targetDigest = only(some.map(({ digest }) => digest));
    if (targetDigest === undefined) return [];
    const by = known.find((one) => one.digest === targetDigest && one.by)?.by;
    // In its own name the release would seem to have come there already.
    if (by === undefined && !givenUp) return [];
    // Of one that was given up nothing is to come: it is as those that went back.
    const since = givenUp ? { rolledBackAtMs: nowMs } : { givenLastAtMs: nowMs };
    given.push([cluster, { previous: targetDigest, ...since }]);
    const { id: releaseId, application, revisionId, reason } = release;
    return [
      { cluster, application, targetDigest, ...(by ?? { releaseId, revisionId }), reason, removed: false },
    ];
  });
  if (decisions.length === 0) return { state, decisions };
  return { state: { ...state, clusters: withClusters(state.clusters, given) }, decisions };
}
