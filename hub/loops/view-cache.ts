import type { Clock } from '../../shared/clock/clock.ts';
import type { Application, Cluster } from '../model/fleet.ts';
import type { ApplicationView, ClusterView, PlacementView } from '../model/view.ts';
import { foldViews } from '../status/fold-views.ts';
import type { AssignmentFilter, Store } from '../store/store.ts';
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

/** Folds the views when asked, once for each state of the store: a change only marks them stale. */
export function createViewCache(store: Store, clock: Clock): ViewCache {
  let version = 0;
  let cached: { readonly version: number; readonly atMs: number; readonly views: Promise<Views> } | undefined;
  const unsubscribe = store.subscribe((topic) => {
    if (topic !== 'events') version += 1;
  });

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
    return foldViews({
      fleet: fleetOf(stored),
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
    if (!cached || cached.version !== version || nowMs - cached.atMs > freshForMs) {
      const loading = load();
      cached = { version, atMs: nowMs, views: loading };
      loading.catch(() => {
        cached = undefined;
      });
    }
    return cached.views;
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
