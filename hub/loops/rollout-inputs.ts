/** Loads what a rollout's pass looks at. The fleet's facts are kept until the fleet changes; all else is read anew. */
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError } from '../../shared/error/error.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import { clusterLabels, matchesSelector } from '../fleet/placement.ts';
import type { Cluster, Fleet } from '../model/fleet.ts';
import type { RolloutInput } from '../rollout/advance-rollout.ts';
import { observedCluster } from '../rollout/observed-cluster.ts';
import type { WaveInput } from '../rollout/plan-revision.ts';
import type { ClusterFacts } from '../rollout/plan-waves.ts';
import type { RolloutRelease, RolloutState } from '../rollout/rollout-state.ts';
import type { Store } from '../store/store.ts';
import { fleetOf } from './fleet-rows.ts';

/** Clusters with the same value are sides of one pair. */
export const pairLabel = 'fairway.dev/pair';

function factsOf(fleet: Pick<Fleet, 'clusters'>): ReadonlyMap<string, ClusterFacts> {
  return new Map([...fleet.clusters.values()].map((cluster) => [cluster.name, factsOfCluster(cluster)]));
}

function factsOfCluster(cluster: Cluster): ClusterFacts {
  const { name, region, role } = cluster;
  const labels = clusterLabels(cluster);
  return { name, labels, region, pair: cluster.labels[pairLabel] ?? '', primary: role === 'primary' };
}

/** A state that this version's controller made; an application without a strategy has another, or none. */
export function isWaved(state: unknown): state is RolloutState {
  return typeof state === 'object' && state !== null && (state as { version?: unknown }).version === 2;
}

/** What planning a revision needs of the rollouts that there are. Costs a read or two where no application has a strategy. */
export async function loadWaves(store: Store, fleet: Fleet): Promise<WaveInput> {
  const none = {
    facts: new Map(),
    connected: new Set<string>(),
    rollouts: new Map(),
    matches: matchesSelector,
  };
  if (![...fleet.applications.values()].some(({ rollout }) => rollout !== undefined)) return none;
  const rollouts = new Map<string, { state: RolloutState; targets: RolloutRelease['targets'] }>();
  for (const [application, state] of await store.releases.rollouts()) {
    if (!isWaved(state)) continue;
    const release = await store.releases.release(state.releaseId);
    if (release) rollouts.set(application, { state, targets: release.targets });
  }
  const registered = await store.registry.clusters();
  const connected = new Set(registered.filter((one) => one.connected).map(({ name }) => name));
  return { facts: factsOf(fleet), connected, rollouts, matches: matchesSelector };
}

const releasesKnownMax = 200;

export function createRolloutInputs(store: Store, clock: Clock) {
  let facts: Promise<ReadonlyMap<string, ClusterFacts>> | undefined;
  /** A release never changes. */
  const releases = new Map<string, RolloutRelease>();
  const unsubscribe = store.subscribe((topic) => {
    if (topic === 'fleet') facts = undefined;
  });

  const loadRelease = async ({ releaseId, application }: RolloutState): Promise<RolloutRelease> => {
    const known = releases.get(releaseId);
    if (known) return known;
    const release = await store.releases.release(releaseId);
    if (!release)
      throw new FairwayError('internal', `the release of the rollout of ${application} is gone`, {
        subject: releaseId,
      });
    const removals = await removalsAmong(new Set(Object.values(release.targets)));
    const removes = Object.keys(release.targets).filter((cluster) =>
      removals.has(release.targets[cluster] ?? ''),
    );
    const made: RolloutRelease = { ...release, removes: new Set(removes), reason: 'release' };
    releases.set(releaseId, made);
    for (const oldest of releases.keys()) if (releases.size > releasesKnownMax) releases.delete(oldest);
    return made;
  };

  const removalsAmong = async (digests: ReadonlySet<Digest>): Promise<ReadonlySet<Digest>> => {
    const found = new Set<Digest>();
    const all = [...digests];
    for (let at = 0; at < all.length; at += 500)
      for (const [digest, target] of await store.content.targets(all.slice(at, at + 500)))
        if (target.removed) found.add(digest);
    return found;
  };

  const load = async (state: RolloutState): Promise<RolloutInput> => {
    facts ??= store.fleet.load().then((stored) => factsOf(fleetOf(stored)));
    const { application } = state;
    const [known, release, assignments, observations, registered] = await Promise.all([
      facts,
      loadRelease(state),
      store.releases.assignments({ application }),
      store.observations.applications({ application }),
      store.registry.clusters(),
    ]);
    const connected = new Set(registered.filter((one) => one.connected).map(({ name }) => name));
    const assigned = new Map(assignments.map((one) => [one.cluster, one]));
    const reported = new Map(observations.map((one) => [one.cluster, one]));
    const observed = new Map(
      Object.keys(release.targets).map((cluster) => [
        cluster,
        observedCluster(assigned.get(cluster), reported.get(cluster), connected.has(cluster)),
      ]),
    );
    return { release, observed, facts: known, nowMs: clock.now() };
  };

  return { load, stop: unsubscribe };
}
