import type { Clock } from '../../shared/clock/clock.ts';
import type { Application, Cluster } from '../model/fleet.ts';
import type { ApplicationView, ClusterView, PlacementView } from '../model/view.ts';
import { foldViews } from '../status/fold-views.ts';
import type { AssignmentFilter } from '../store/repositories/release-repository.ts';
import type { Store, StoreTopic } from '../store/store.ts';
import { fleetOf } from './fleet-rows.ts';

export interface Views {
  readonly clusters: readonly ClusterView[];
  readonly applications: readonly ApplicationView[];
  readonly placements: readonly PlacementView[];
}

/** An agent away for longer counts as offline. */
const offlineAfterMs = 60_000;
/** Times in messages ("last seen 5 min ago") age: the fold is done anew after this long even if nothing changed. */
const freshForMs = 5_000;
/** Of these come many a second while a fleet works; what is asked for in between may be a little old. */
const steady: ReadonlySet<StoreTopic> = new Set([
  'assignments',
  'acknowledgements',
  'observations',
  'registry',
]);
/** The views change by these, which people do and then look: never old. */
const sudden: ReadonlySet<StoreTopic> = new Set(['fleet', 'pauses', 'confirmations']);
/** At most a fifth of the time goes into folding: views serve for five times as long as they took to make. */
const servesForTimes = 5;

export interface ViewCache {
  views(): Promise<Views>;
  clusters(): Promise<readonly ClusterView[]>;
  cluster(name: string): Promise<ClusterView | undefined>;
  applications(): Promise<readonly ApplicationView[]>;
  application(name: string): Promise<ApplicationView | undefined>;
  placements(filter: AssignmentFilter): Promise<readonly PlacementView[]>;
  /** The newest definitions. */
  definitions(): Promise<{
    readonly clusters: readonly Cluster[];
    readonly applications: readonly Application[];
  }>;
  stop(): void;
}

interface Folded {
  readonly views: Promise<Views>;
  /** Changes that they were made after. */
  readonly steadyChanges: number;
  readonly suddenChanges: number;
  readonly atMs: number;
  /** Undefined while they are being made. */
  tookMs: number | undefined;
}

/**
 * Folds the views when asked: a change only marks them stale. A thousand agents that report all the time make the views stale with each report, and a
 * fold of many placements takes a good part of a second: so one that is under way serves all who ask, and the next waits in proportion to its cost.
 */
export function createViewCache(store: Store, clock: Clock): ViewCache {
  let steadyChanges = 0;
  let suddenChanges = 0;
  let cached: Folded | undefined;
  const unsubscribe = store.subscribe((topic) => {
    if (steady.has(topic)) steadyChanges += 1;
    if (sudden.has(topic)) suddenChanges += 1;
  });

  const serves = (folded: Folded, nowMs: number): boolean => {
    if (folded.suddenChanges !== suddenChanges) return false;
    if (folded.tookMs === undefined) return true;
    const ageMs = nowMs - folded.atMs;
    const lifeMs = folded.steadyChanges === steadyChanges ? freshForMs : 0;
    return ageMs <= Math.max(lifeMs, servesForTimes * folded.tookMs);
  };

  const load = async (): Promise<Views> => {
    const [stored, resolutions, assignments, observations, registered, pauses, confirmations] =
      await Promise.all([
        store.fleet.load(),
        store.fleet.resolutions(),
        store.releases.assignments({}),
        store.observations.applications({}),
        store.registry.clusters(),
        store.releases.pauses(),
        store.releases.confirmations(),
      ]);
    const read =
      stored.revisionId === undefined ? undefined : await store.sources.revision(stored.revisionId);
    return foldViews({
      fleet: fleetOf(stored),
      readCommit: read?.commit.sha,
      resolutions,
      assignments,
      observations,
      registered,
      pauses,
      confirmations,
      nowMs: clock.now(),
      offlineAfterMs,
    });
  };

  const views = (): Promise<Views> => {
    const nowMs = clock.monotonic();
    if (cached && serves(cached, nowMs)) return cached.views;
    const made: Folded = { views: load(), steadyChanges, suddenChanges, atMs: nowMs, tookMs: undefined };
    cached = made;
    made.views.then(
      () => {
        made.tookMs = clock.monotonic() - nowMs;
      },
      () => {
        if (cached === made) cached = undefined;
      },
    );
    return made.views;
  };

  return {
    views,
    clusters: async () => (await views()).clusters,
    cluster: async (name) => (await views()).clusters.find((cluster) => cluster.name === name),
    applications: async () => (await views()).applications,
    application: async (name) =>
      (await views()).applications.find((application) => application.name === name),
    placements: async ({ cluster, application }) =>
      (await views()).placements.filter(
        (placement) =>
          (!cluster || placement.cluster === cluster) &&
          (!application || placement.application === application),
      ),
    async definitions() {
      const fleet = fleetOf(await store.fleet.load());
      return { clusters: [...fleet.clusters.values()], applications: [...fleet.applications.values()] };
    },
    stop: unsubscribe,
  };
}
