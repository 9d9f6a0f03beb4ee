/** A fleet in virtual time, as a hub knows it: what costs something is what has happened. Seeded, so that each run can be had again. */
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { RolloutInput } from '../advance-rollout.ts';
import { heldUpBy, lateFailures } from '../choose-clusters.ts';
import { clusterState } from '../cluster-states.ts';
import type { ClusterFacts, SelectorMatch } from '../plan-waves.ts';
import { type ObservedCluster, type RolloutState, targetsOf } from '../rollout-state.ts';
import {
  assignTo,
  createCluster,
  type FleetOptions,
  isThere,
  leave,
  live,
  observe,
  releaseId,
  restartHub,
  type SimulatedCluster,
  startMs,
} from './simulated-clusters.test-support.ts';

export const matches: SelectorMatch = (selector, labels) =>
  Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value);

export interface SimulatedFleet {
  readonly clusters: ReadonlyMap<string, SimulatedCluster>;
  /** Of the release when it began. */
  readonly targets: Readonly<Record<string, Digest>>;
  /** What a pass is told. `changed` is not set: see `takeChanged`. */
  inputAt(nowMs: number, state: RolloutState | undefined): RolloutInput;
  /** Of whom something else is known than when they were noted as seen; undefined: nobody knows. */
  changed(): ReadonlySet<string> | undefined;
  /** A pass that looked at all that has changed was kept. */
  noteSeen(): void;
  /** What was seen says something else now, since other Targets are wanted. */
  forgetSeen(): void;
  /** Time goes on: all that happens until then. */
  live(nowMs: number): void;
  /** When something happens by itself next, in milliseconds since the epoch. */
  nextAtMs(): number;
  assign(cluster: string, target: string, nowMs: number): void;
  /** Every agent has to come back to the hub. */
  restart(nowMs: number): void;
  /** Somebody changes the fleet; says whether who takes part may have changed. */
  churn(nowMs: number): boolean;
  /** What the newest revision wants: removals only where there is something to remove. */
  wanted(): { readonly wanted: ReadonlyMap<string, Digest>; readonly removes: ReadonlySet<string> };
  /** Whoever is there and wanted has been brought in, those apart that are held up. */
  isSettled(state: RolloutState, nowMs: number): boolean;
  /** Who may come to a complete rollout only once somebody has looked at one that failed late. */
  heldUp(state: RolloutState, nowMs: number): ReadonlySet<string>;
}

export interface SimulatedFleetOptions extends FleetOptions {
  /** What a pass was told stays as it was, to be looked at once more. Default false: it is good until time goes on. */
  readonly replays?: boolean;
}

export function createSimulatedFleet(options: SimulatedFleetOptions, random: () => number): SimulatedFleet {
  const clusters = new Map<string, SimulatedCluster>();
  let all: readonly SimulatedCluster[] = [];
  let observed = new Map<string, ObservedCluster>();
  let facts: ReadonlyMap<string, ClusterFacts> = new Map();
  let unseen: Set<string> | undefined;
  let listeningSinceMs: number | undefined;
  /** To be observed anew. */
  const touched = new Set<SimulatedCluster>();
  const inForce = createInForce();

  const add = (target: string | undefined, nowMs: number) => {
    const made = createCluster(clusters.size, options, random, target, nowMs);
    clusters.set(made.facts.name, made);
    touched.add(made);
  };
  const noteFleet = () => {
    all = [...clusters.values()];
    facts = new Map(all.map((one) => [one.facts.name, one.facts]));
  };
  for (let index = 0; index < options.clusters; index += 1) add(`old-${index % 3}`, startMs);
  noteFleet();
  const targets = Object.fromEntries([...clusters.keys()].map((name) => [name, 'new']));

  const observeTouched = (nowMs: number) => {
    if (touched.size === 0) return;
    if (options.replays) observed = new Map(observed);
    for (const one of touched) {
      observed.set(one.facts.name, observe(one, nowMs));
      unseen?.add(one.facts.name);
    }
    touched.clear();
  };
  const pick = (): SimulatedCluster | undefined => all[Math.floor(random() * all.length)];

  return {
    clusters,
    targets,
    inputAt(nowMs, state) {
      observeTouched(nowMs);
      const { targets: wanted, removes } = inForce(state, targets);
      const about = { id: releaseId, application: 'web', revisionId: 'rev', createdAtMs: startMs };
      const release = { ...about, reason: 'release' as const, targets: wanted, removes };
      return { release, observed, facts, nowMs, matches, listeningSinceMs };
    },
    changed: () => unseen,
    noteSeen() {
      unseen = new Set();
    },
    forgetSeen() {
      unseen = undefined;
    },
    live(nowMs) {
      for (const one of all)
        if (one.wakesAtMs <= nowMs) {
          live(one, nowMs, random);
          touched.add(one);
        }
    },
    nextAtMs: () => all.reduce((next, { wakesAtMs }) => Math.min(next, wakesAtMs), Number.POSITIVE_INFINITY),
    assign(cluster, target, nowMs) {
      const one = clusters.get(cluster) as SimulatedCluster;
      assignTo(one, target, nowMs);
      touched.add(one);
    },
    restart(nowMs) {
      listeningSinceMs = nowMs;
      unseen = undefined;
      for (const one of all) {
        restartHub(one, nowMs, random);
        touched.add(one);
      }
    },
    churn(nowMs) {
      const cluster = pick();
      const what = random();
      if (what < 0.25) add(undefined, nowMs);
      else if (cluster === undefined) return false;
      else if (what < 0.5) cluster.wish = cluster.wish === 'new' ? 'gone' : 'new';
      else if (what < 0.7) leave(cluster);
      else {
        const tier = cluster.facts.labels['tier'] === 'canary' ? 'prod' : 'canary';
        cluster.facts = { ...cluster.facts, labels: { ...cluster.facts.labels, tier } };
      }
      if (cluster) touched.add(cluster);
      noteFleet();
      return what < 0.7;
    },
    wanted() {
      const wanted = new Map<string, Digest>();
      const removes = new Set<string>();
      for (const [name, { wish, target }] of clusters) {
        if (wish === 'new') wanted.set(name, 'new');
        else if (wish === 'gone' && target !== undefined && target !== 'gone') {
          wanted.set(name, 'gone');
          removes.add(name);
        }
      }
      return { wanted, removes };
    },
    isSettled(state, nowMs) {
      const held = this.heldUp(state, nowMs);
      return all.every((one) => {
        if (!isThere(one, nowMs) || one.wish !== 'new' || one.target === 'new') return true;
        const { name } = one.facts;
        return clusterState(state.clusters, name)?.excluded !== undefined || held.has(name);
      });
    },
    heldUp(state, nowMs) {
      const isLate = lateFailures(state).length > 0;
      const input = this.inputAt(nowMs, state);
      const held = state.waves.filter((wave) => {
        const failedLate = (name: string) => {
          const { failure, assignedAtMs = 0 } = clusterState(state.clusters, name) ?? {};
          return failure !== undefined && assignedAtMs >= (wave.endedAtMs ?? nowMs);
        };
        return isLate || heldUpBy(state, wave, input).some(failedLate);
      });
      return new Set(held.flatMap((wave) => wave.clusters));
    },
  };
}

/** What a state wants of whom: worked out again only where that has changed. */
function createInForce() {
  let amended: RolloutState['amended'] | null = null;
  let removes: RolloutState['removes'] | null = null;
  let made: { readonly targets: Readonly<Record<string, Digest>>; readonly removes: ReadonlySet<string> };
  return (state: RolloutState | undefined, targets: Readonly<Record<string, Digest>>) => {
    if (amended === state?.amended && removes === state?.removes) return made;
    amended = state?.amended;
    removes = state?.removes;
    made = { targets: state ? targetsOf(state, targets) : targets, removes: new Set(removes) };
    return made;
  };
}
