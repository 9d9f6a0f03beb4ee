/**
 * What agents have said of each application, as its rollout looks at it, kept between passes: a report about one cluster of ten thousand reads that one.
 * Everything is read anew when the release changes, when much has changed, after a while whatever was heard, and when a read has failed.
 */
import type { Clock } from '../../../shared/clock/clock.ts';
import type { Pause } from '../../model/release.ts';
import { observedCluster, type Presence } from '../../rollout/observed-cluster.ts';
import type { ObservedCluster, RolloutRelease } from '../../rollout/rollout-state.ts';
import { parsePlacementKey } from '../../store/change-key.ts';
import type { Store, StoreTopic } from '../../store/store.ts';
import { createAgentsKnown, type KnownAgent } from './agents-known.ts';

export interface RolloutViews {
  /** By cluster of the release. The map is this view's own: it is up to date until the next call for this application. */
  load(application: string, release: RolloutRelease): Promise<ReadonlyMap<string, ObservedCluster>>;
  /** Clusters that may be another, in what was loaded, than when the application was settled last. @param observed as it was loaded */
  unsettled(application: string, observed: ReadonlyMap<string, ObservedCluster>): Unsettled;
  /** These have been looked at, and what came of it is kept. */
  settle(application: string, unsettled: Unsettled): void;
  /** Nothing more is asked of it for now. */
  forget(application: string): void;
  stop(): void;
}

export interface Unsettled {
  /** Undefined: any. */
  readonly clusters: ReadonlySet<string> | undefined;
}

interface View {
  readonly release: RolloutRelease;
  readonly observed: Map<string, ObservedCluster>;
  /** Clusters to be read again before the next pass. */
  changed: Set<string>;
  /** Read since `unsettled` was asked. */
  fresh: Set<string>;
  /** What it named, which is not settled yet. */
  looked: Unsettled;
  readonly readAtMs: number;
}

/** More than so many are had faster all together. */
const changedMax = 500;
const wholeAfterMs = 300_000;
const viewsMax = 100;
/** An agent that has been away for less is expected back: its reconnecting takes up to a minute, and a hub that starts has heard of none. */
const expectedMs = 120_000;

const concerning: ReadonlySet<StoreTopic> = new Set([
  'assignments',
  'acknowledgements',
  'observations',
  'registry',
  'pauses',
]);

export function createRolloutViews(store: Store, clock: Clock): RolloutViews {
  const startedAtMs = clock.now();
  const views = new Map<string, View>();
  const agentsKnown = createAgentsKnown(store, clock);
  /** Few, and seldom others. */
  let pauses: Promise<readonly Pause[]> | undefined;
  const unsubscribe = store.subscribe((topic, key) => {
    if (!concerning.has(topic)) return;
    const { cluster, application } = parsePlacementKey(key);
    if (topic === 'pauses') pauses = undefined;
    if (topic === 'registry') agentsKnown.changed(cluster);
    if (cluster === '') views.clear();
    else if (application !== undefined) views.get(application)?.changed.add(cluster);
    else for (const { changed } of views.values()) changed.add(cluster);
  });

  const loadPauses = () => {
    if (pauses !== undefined) return pauses;
    const mine = store.releases.pauses();
    pauses = mine;
    // One that failed is asked for again.
    mine.catch(() => {
      if (pauses === mine) pauses = undefined;
    });
    return mine;
  };

  const read = async (application: string, clusters: readonly string[] | undefined) => {
    const filter = clusters === undefined ? { application } : { application, clusters };
    const [assignments, observations, agents, all] = await Promise.all([
      store.releases.assignments(filter),
      store.observations.applications(filter),
      agentsKnown.load(),
      loadPauses(),
    ]);
    const assigned = new Map(assignments.map((one) => [one.cluster, one]));
    const reported = new Map(observations.map((one) => [one.cluster, one]));
    const paused = pausesOf(all, application);
    return (cluster: string): ObservedCluster => {
      const presence = presenceOf(agents.get(cluster), paused.get(cluster), startedAtMs);
      return observedCluster(assigned.get(cluster), reported.get(cluster), presence);
    };
  };

  const readWhole = async (application: string, release: RolloutRelease): Promise<View> => {
    // Before the read: what comes while it goes on is read again.
    const sets = { changed: new Set<string>(), fresh: new Set<string>(), looked: { clusters: undefined } };
    const view: View = { release, observed: new Map(), ...sets, readAtMs: clock.now() };
    views.delete(application);
    views.set(application, view);
    for (const oldest of views.keys()) if (views.size > viewsMax) views.delete(oldest);
    const look = await read(application, undefined);
    for (const cluster of Object.keys(release.targets)) view.observed.set(cluster, look(cluster));
    return view;
  };

  const readChanged = async (application: string, view: View): Promise<void> => {
    const { changed, observed } = view;
    view.changed = new Set();
    const clusters = [...changed].filter((cluster) => observed.has(cluster));
    if (clusters.length === 0) return;
    const look = await read(application, clusters);
    for (const cluster of clusters) {
      observed.set(cluster, look(cluster));
      view.fresh.add(cluster);
    }
  };

  const bring = async (application: string, release: RolloutRelease) => {
    const view = views.get(application);
    const usable =
      view?.release === release &&
      view.changed.size <= changedMax &&
      clock.now() - view.readAtMs < wholeAfterMs;
    try {
      if (!usable) return (await readWhole(application, release)).observed;
      await readChanged(application, view);
      return view.observed;
    } catch (caught) {
      views.delete(application);
      throw caught;
    }
  };

  /** The last read of each application: one that was begun takes up what had changed, so the next must wait for it. */
  const reading = new Map<string, Promise<unknown>>();

  return {
    load(application, release) {
      const before = reading.get(application) ?? Promise.resolve();
      const mine = before.then(
        () => bring(application, release),
        () => bring(application, release),
      );
      reading.set(application, mine);
      const done = () => void (reading.get(application) === mine && reading.delete(application));
      mine.then(done, done);
      return mine;
    },
    unsettled(application, observed) {
      const view = views.get(application);
      // Read anew as a whole since: nothing is known of what was loaded before.
      if (view?.observed !== observed) return { clusters: undefined };
      const { fresh, looked } = view;
      view.fresh = new Set();
      view.looked = { clusters: looked.clusters && new Set([...looked.clusters, ...fresh]) };
      return view.looked;
    },
    settle(application, unsettled) {
      const view = views.get(application);
      // Read anew as a whole meanwhile: it is looked at anew.
      if (view?.looked === unsettled) view.looked = { clusters: nobody };
    },
    forget: (application) => void views.delete(application),
    stop: unsubscribe,
  };
}

const nobody: ReadonlySet<string> = new Set();

/** A pause of the whole cluster goes before one of the application. */
function pausesOf(pauses: readonly Pause[], application: string): ReadonlyMap<string, Pause> {
  const found = new Map<string, Pause>();
  for (const pause of pauses)
    if (pause.application === '' || (pause.application === application && !found.has(pause.cluster)))
      found.set(pause.cluster, pause);
  return found;
}

function presenceOf(agent: KnownAgent | undefined, pause: Pause | undefined, startedAtMs: number): Presence {
  const connected = agent?.connected ?? false;
  const gone = connected ? undefined : agent?.lastSeenAtMs;
  return {
    connected,
    ...(gone !== undefined && { expectedUntilMs: Math.max(gone, startedAtMs) + expectedMs }),
    ...(pause && { paused: `by ${pause.actor}${pause.reason === '' ? '' : `: ${pause.reason}`}` }),
  };
}
