/** What a cluster gets that joins a rollout which was rolled back or given up: the last release that was completed. Pure. */

import type { Digest } from '../../shared/manifest/canonical.ts';
import type { AssignmentDecision } from '../model/release.ts';
import type { RolloutInput } from './advance-rollout.ts';
import { clusterState, withClusters } from './cluster-states.ts';
import type { ClusterState, RolloutState } from './rollout-state.ts';

/** It ended without having come everywhere: nobody gets its release any more. */
export function isGivenUp({ phase }: Pick<RolloutState, 'phase'>): boolean {
  return phase === 'RolledBack' || phase === 'Aborted';
}

/** Who joined since it began, and was given nothing by it. */
export function lateJoiners({
  amended = {},
  removes = [],
  waves,
  clusters,
}: RolloutState): readonly string[] {
  const joined = new Set(Object.keys(amended).filter((cluster) => amended[cluster] !== null));
  if (joined.size === 0) return [];
  const leaves = new Set(removes);
  const isNew = (known: ClusterState | undefined) =>
    known?.assignedAtMs === undefined && known?.rolledBackAtMs === undefined && !known?.excluded;
  return waves
    .flatMap((wave) => wave.clusters)
    .filter(
      (cluster) => joined.has(cluster) && !leaves.has(cluster) && isNew(clusterState(clusters, cluster)),
    );
}

/** By the release's Target: what clusters that want it had before, and where. */
type Before = ReadonlyMap<Digest, readonly { readonly region: string; readonly digest: Digest }[]>;

function beforeRelease(state: RolloutState, { release, observed, facts }: RolloutInput): Before {
  const found = new Map<Digest, Map<string, { region: string; digest: Digest }>>();
  for (const [cluster, target] of Object.entries(release.targets)) {
    const seen = observed.get(cluster);
    const has = seen?.targetDigest === target ? undefined : seen?.lastHealthyDigest;
    const had = [clusterState(state.clusters, cluster)?.previous, has];
    const digest = had.find((one) => one !== undefined && one !== target);
    if (digest === undefined || release.removes.has(cluster)) continue;
    const region = facts.get(cluster)?.region ?? '';
    const known = found.get(target) ?? new Map<string, { region: string; digest: Digest }>();
    found.set(target, known.set(`${region}\n${digest}`, { region, digest }));
  }
  return new Map([...found].map(([target, known]) => [target, [...known.values()]]));
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
    const targetDigest = only((near.length > 0 ? near : known).map(({ digest }) => digest));
    if (targetDigest === undefined) return [];
    given.push([cluster, { previous: targetDigest, rolledBackAtMs: nowMs }]);
    const { id: releaseId, application, revisionId, reason } = release;
    return [{ cluster, application, targetDigest, releaseId, revisionId, reason, removed: false }];
  });
  if (decisions.length === 0) return { state, decisions };
  return { state: { ...state, clusters: withClusters(state.clusters, given) }, decisions };
}
