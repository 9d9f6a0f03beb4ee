/** Loads what a rollout's pass looks at: the fleet's facts, kept until the fleet changes, its release, and what agents said. */
import type { Clock } from '../../../shared/clock/clock.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import { clusterLabels, matchesSelector } from '../../fleet/placement.ts';
import type { Cluster, Fleet } from '../../model/fleet.ts';
import type { RolloutInput } from '../../rollout/advance-rollout.ts';
import type { WaveInput } from '../../rollout/plan/plan-revision.ts';
import type { ClusterFacts } from '../../rollout/plan-waves.ts';
import { isPromotionQueue, type PromotionQueue } from '../../rollout/promotion.ts';
import {
  type RolloutRelease,
  type RolloutState,
  type StoredState,
  targetsOf,
  unpackState,
} from '../../rollout/rollout-state.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import { loadTargets } from '../load-targets.ts';
import { createRolloutViews } from './rollout-views.ts';

/** Clusters with the same value are sides of one pair. */
const pairLabel = 'fairway.dev/pair';

function factsOf(fleet: Pick<Fleet, 'clusters'>): ReadonlyMap<string, ClusterFacts> {
  return new Map([...fleet.clusters.values()].map((cluster) => [cluster.name, factsOfCluster(cluster)]));
}

function factsOfCluster(cluster: Cluster): ClusterFacts {
  const { name, region, role } = cluster;
  const labels = clusterLabels(cluster);
  return { name, labels, region, pair: cluster.labels[pairLabel] ?? '', primary: role === 'primary' };
}

/** A state that this version's controller made; an application that was never released since an upgrade has another, or none. */
export function isWaved(state: unknown): state is RolloutState {
  return hasVersion(state) && Array.isArray((state as Partial<RolloutState>).clusters?.parts);
}

function hasVersion(state: unknown): state is { readonly version: 2 } {
  return typeof state === 'object' && state !== null && (state as { version?: unknown }).version === 2;
}

/** What the store has, as the controller knows it; of something else, just that. */
export function readState(stored: unknown): unknown {
  return hasVersion(stored) ? unpackState(stored as StoredState) : stored;
}

/** What planning a revision needs of the rollouts that there are, and of which versions they are. To be loaded before the assignments: what a rollout says it assigned is among those. */
export async function loadWaves(
  store: Store,
  fleet: Fleet,
): Promise<WaveInput & { readonly versions: ReadonlyMap<string, number> }> {
  const rollouts = new Map<string, { state: RolloutState; targets: RolloutRelease['targets'] }>();
  const queues = new Map<string, PromotionQueue>();
  const versions = new Map<string, number>();
  for (const [application, { state: stored, version }] of await store.releases.rollouts()) {
    const state = readState(stored);
    versions.set(application, version);
    if (isPromotionQueue(state)) queues.set(state.application, state);
    if (!isWaved(state)) continue;
    const release = await store.releases.release(state.releaseId);
    if (release) rollouts.set(application, { state, targets: release.targets });
  }
  const registered = await store.registry.clusters();
  const connected = new Set(registered.filter((one) => one.connected).map(({ name }) => name));
  return { facts: factsOf(fleet), connected, rollouts, queues, matches: matchesSelector, versions };
}

const releasesKnownMax = 200;

function sameAmendment(a: RolloutState['amended'], b: RolloutState['amended']): boolean {
  return a === b || canonicalJson(a ?? {}) === canonicalJson(b ?? {});
}

export type RolloutInputs = ReturnType<typeof createRolloutInputs>;

export function createRolloutInputs(store: Store, clock: Clock) {
  let facts: Promise<ReadonlyMap<string, ClusterFacts>> | undefined;
  /** A release never changes, but for what its rollout has amended. */
  const releases = new Map<
    string,
    { readonly release: RolloutRelease; readonly amended: RolloutState['amended'] }
  >();
  const views = createRolloutViews(store, clock);
  const listeningSinceMs = clock.now();
  const unsubscribe = store.subscribe((topic) => {
    if (topic === 'fleet') facts = undefined;
  });

  const loadRelease = async (state: RolloutState): Promise<RolloutRelease> => {
    const { releaseId, application, amended } = state;
    const kept = releases.get(releaseId);
    if (kept && sameAmendment(kept.amended, amended)) return kept.release;
    const release = await store.releases.release(releaseId);
    if (!release)
      throw new FairwayError('internal', `the release of the rollout of ${application} is gone`, {
        subject: releaseId,
      });
    const targets = targetsOf(state, release.targets);
    const known = await loadTargets(store, Object.values(targets));
    const removes = Object.keys(targets).filter((cluster) => known.get(targets[cluster] ?? '')?.removed);
    const made: RolloutRelease = {
      ...release,
      targets,
      removes: new Set(removes),
      reason: state.strategy.reason ?? 'release',
    };
    releases.set(releaseId, { release: made, amended });
    for (const oldest of releases.keys()) if (releases.size > releasesKnownMax) releases.delete(oldest);
    return made;
  };

  const loadFacts = () => {
    if (facts !== undefined) return facts;
    const mine = store.fleet.load().then((stored) => factsOf(fleetOf(stored)));
    facts = mine;
    // One that failed is asked for again.
    mine.catch(() => {
      if (facts === mine) facts = undefined;
    });
    return mine;
  };

  const load = async (state: RolloutState): Promise<RolloutInput> => {
    const [known, release] = await Promise.all([loadFacts(), loadRelease(state)]);
    const observed = await views.load(state.application, release);
    const nowMs = clock.now();
    return { release, observed, facts: known, matches: matchesSelector, listeningSinceMs, nowMs };
  };

  const stop = () => {
    unsubscribe();
    views.stop();
  };
  const { forget, unsettled, settle } = views;
  return { load, forget, unsettled, settle, stop };
}
