/**
 * A fleet in virtual time under the rollout controller: agents that are slow, away, paused, flapping or broken, clusters that join, leave, are forgotten or
 * get other labels, hubs that are killed, operators in a hurry. Seeded, so that each run can be had again.
 */

import { createSeededRandom } from '../../shared/clock/random.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { RolloutStrategy } from '../model/strategy.ts';
import { advanceRollout, type RolloutInput, startRollout } from './advance-rollout.ts';
import { amendRollout, goesOn } from './amend-rollout.ts';
import { applyAction } from './apply-action.ts';
import { isInFlight } from './choose-clusters.ts';
import { clusterState } from './cluster-states.ts';
import { moveClusters } from './move-clusters.ts';
import { type ClusterFacts, type SelectorMatch, specOf } from './plan-waves.ts';
import { isUnproven } from './reopen-wave.ts';
import {
  isOver,
  packState,
  type RolloutPass,
  type RolloutState,
  type StoredState,
  targetsOf,
  unpackState,
} from './rollout-state.ts';
import {
  assignTo,
  createCluster,
  type FleetOptions,
  isThere,
  leave,
  live,
  observe,
  restartHub,
  type SimulatedCluster,
  startMs,
} from './simulated-clusters.test-support.ts';
import { checkPass, checkProof } from './simulation-checks.test-support.ts';

export interface SimulationOptions extends FleetOptions {
  readonly seed: number;
  readonly strategy: RolloutStrategy;
  /** Share of the passes after which the hub is killed: what it decided is kept, or was not. */
  readonly crashes: number;
  /** Approvals come after a while. Default true. */
  readonly approves?: boolean;
  /** How often clusters join, leave, are forgotten or get other labels. Default 0. */
  readonly churn?: number;
  /** Somebody lifts all gates at some time. Default false. */
  readonly lifts?: boolean;
  /** All that was looked at is kept and looked at once more in the end. Default false. */
  readonly replays?: boolean;
}

export interface SimulationResult {
  readonly state: RolloutState;
  /** Empty when all went as it must. */
  readonly violations: readonly string[];
  readonly assigned: ReadonlyMap<string, number>;
  readonly targets: ReadonlyMap<string, string | undefined>;
  /** Reachable in the end, and wanted there. */
  readonly connected: ReadonlySet<string>;
  readonly passes: number;
}

/** One thing that happened to the rollout, with all that was known then. */
type LogEntry = (before: RolloutState) => RolloutState;

const passesMax = 20_000;
const churnMax = 30;
const matches: SelectorMatch = (selector, labels) =>
  Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value);
const throughStore = (state: RolloutState): RolloutState =>
  unpackState(JSON.parse(JSON.stringify(packState(state))) as StoredState);

function createWorld(options: SimulationOptions, random: () => number) {
  const clusters = new Map<string, SimulatedCluster>();
  const add = (target: string | undefined) => {
    const made = createCluster(clusters.size, options, random, target);
    clusters.set(made.facts.name, made);
  };
  for (let index = 0; index < options.clusters; index += 1) add('old');
  const targets: Readonly<Record<string, Digest>> = Object.fromEntries(
    [...clusters.keys()].map((name) => [name, 'new']),
  );
  const factsNow = (): ReadonlyMap<string, ClusterFacts> =>
    new Map([...clusters].map(([name, { facts }]) => [name, facts]));
  let facts = factsNow();
  let listeningSinceMs: number | undefined;
  const pick = (): SimulatedCluster | undefined =>
    [...clusters.values()][Math.floor(random() * clusters.size)];
  return {
    clusters,
    targets,
    inputAt(nowMs: number, state: RolloutState | undefined): RolloutInput {
      const release = {
        ...{
          id: 'r1',
          application: 'web',
          revisionId: 'rev',
          createdAtMs: startMs,
          reason: 'release' as const,
        },
        targets: state ? targetsOf(state, targets) : targets,
        removes: new Set(state?.removes),
      };
      const observed = new Map([...clusters].map(([name, cluster]) => [name, observe(cluster, nowMs)]));
      return { release, observed, facts, nowMs, matches, listeningSinceMs };
    },
    /** Every agent has to come back to it. */
    restart(nowMs: number): void {
      listeningSinceMs = nowMs;
      for (const cluster of clusters.values()) restartHub(cluster, nowMs, random);
    },
    /** Somebody changes the fleet; says whether who takes part may have changed. */
    churn(): boolean {
      const cluster = pick();
      const what = random();
      if (what < 0.25) add(undefined);
      else if (cluster === undefined) return false;
      else if (what < 0.5) cluster.wish = cluster.wish === 'new' ? 'gone' : 'new';
      else if (what < 0.7) leave(cluster);
      else {
        const tier = cluster.facts.labels['tier'] === 'canary' ? 'prod' : 'canary';
        cluster.facts = { ...cluster.facts, labels: { ...cluster.facts.labels, tier } };
      }
      facts = factsNow();
      return what < 0.7;
    },
    /** What the newest revision wants: removals only where there is something to remove. */
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
  };
}

export function simulate(options: SimulationOptions): SimulationResult {
  const seeded = createSeededRandom(options.seed);
  const random = () => seeded.next();
  const world = createWorld(options, random);
  const { clusters } = world;
  let nowMs = startMs;
  let state = startRollout(options.strategy, world.inputAt(nowMs, undefined), matches);
  const first = throughStore(state);
  const log: LogEntry[] = [];
  const violations: string[] = [];
  const assigned = new Map<string, number>();
  let [passes, churned] = [0, 0];
  let proven = false;
  const seen = createSeen();
  /** Kept, through the store and back. */
  const keep = (change: LogEntry, made = change(state)) => {
    if (made !== state) state = throughStore(made);
    if (options.replays) log.push(change);
  };
  const amend = () => {
    const { observed, facts } = world.inputAt(nowMs, state);
    const about = { ...world.wanted(), observed, facts, matches, revisionId: 'rev2', nowMs };
    const before = { state, targets: world.targets };
    if (!goesOn({ ...about, before }))
      violations.push(`pass ${passes}: a cluster that joins or leaves begins anew`);
    keep((was) => amendRollout({ ...about, before: { ...before, state: was } }) ?? was);
    // Other Targets: what was observed says something else now.
    seen.forget();
  };
  const advance = (): boolean => {
    const input = world.inputAt(nowMs, state);
    const moved = moveClusters(state, input.facts, matches);
    const pass = advanceRollout(moved, input);
    const broken = [...checkPass(pass, moved, input), ...checkProof(pass, moved, proven)];
    violations.push(...broken.map((text) => `pass ${passes}: ${text}`));
    const alone = advanceRollout(moved, { ...input, changed: seen.changed(input.observed) });
    if (passText(alone) !== passText(pass))
      violations.push(`pass ${passes}: with what has changed alone it comes to something else`);
    // Killed before the transaction: nothing of it is kept, and the same is decided again.
    if (random() < options.crashes) {
      if (random() < 0.2) world.restart(nowMs);
      nowMs += 5_000;
      return false;
    }
    keep((was) => advanceRollout(moveClusters(was, input.facts, matches), input).state, pass.state);
    seen.note(input.observed);
    proven ||= !isUnproven(state, state.waves.length);
    for (const { cluster, targetDigest } of pass.decisions) {
      assigned.set(cluster, (assigned.get(cluster) ?? 0) + 1);
      assignTo(clusters.get(cluster) as SimulatedCluster, targetDigest, nowMs);
    }
    if (pass.decisions.length > 0)
      for (const { cluster } of advanceRollout(state, world.inputAt(nowMs, state)).decisions)
        if (pass.decisions.some((decision) => decision.cluster === cluster))
          violations.push(`pass ${passes}: ${cluster} decided again`);
    // Where only time helps, it is the controller that says when to look again.
    const idle = pass.decisions.length === 0 && !anyInFlight(state);
    nowMs = Math.max(nowMs + 5_000, idle ? (pass.nextAtMs ?? 0) : 0);
    return true;
  };
  while (passes < passesMax) {
    passes += 1;
    // Nobody is asked any more once all of it is taken back.
    if (churned < churnMax && state.phase !== 'RolledBack' && random() < (options.churn ?? 0)) {
      churned += 1;
      if (world.churn()) assigned.clear();
    }
    // Each revision is planned anew, whatever came of the one before.
    if (churned > 0 && !isOver(state)) amend();
    else if (state.phase === 'Complete' && churned > 0) amend();
    const kept = advance();
    if (kept && options.approves !== false && random() < 0.2) {
      const atMs = nowMs;
      keep((was) => approveAll(was, atMs));
    }
    if (kept && options.lifts && !isOver(state) && random() < 0.02) lift(keep, nowMs);
    const rests = churned >= churnMax || (options.churn ?? 0) === 0 || random() < 0.05;
    if (kept && rests && isOver(state) && (state.phase !== 'Complete' || settled(clusters, state, nowMs)))
      break;
    if (kept && state.phase === 'Paused') break;
    for (const cluster of clusters.values()) live(cluster, nowMs, random);
  }
  if (passes >= passesMax) violations.push(`not over after ${passesMax} passes: ${state.phase}`);
  if (options.replays && JSON.stringify(packState(replay(first, log))) !== JSON.stringify(packState(state)))
    violations.push('what happened, looked at once more, comes to another state');
  const wanted = [...clusters].filter(([, one]) => isThere(one, nowMs) && one.wish === 'new');
  return {
    ...{ state, violations, assigned, passes },
    targets: new Map([...clusters].map(([name, { target }]) => [name, target])),
    connected: new Set(wanted.map(([name]) => name)),
  };
}

function passText(pass: RolloutPass): string {
  return JSON.stringify({ ...pass, state: packState(pass.state) });
}

/** What was observed when a pass was kept last: what differs from it is all that a hub would say has changed. */
function createSeen() {
  let known = new Map<string, string>();
  return {
    changed: (observed: RolloutInput['observed']): ReadonlySet<string> =>
      new Set(
        [...observed].filter(([name, one]) => known.get(name) !== JSON.stringify(one)).map(([name]) => name),
      ),
    note(observed: RolloutInput['observed']) {
      known = new Map([...observed].map(([name, one]) => [name, JSON.stringify(one)]));
    },
    forget: () => known.clear(),
  };
}

function replay(first: RolloutState, log: readonly LogEntry[]): RolloutState {
  return log.reduce<RolloutState>((state, change) => throughStore(change(state)), first);
}

function lift(keep: (change: LogEntry) => void, atMs: number): void {
  keep((was) =>
    was.phase === 'RollingBack' || isOver(was)
      ? was
      : applyAction(was, { type: 'all-at-once' }, { actor: 'ann', reason: 'a hole', atMs }),
  );
}

function anyInFlight(state: RolloutState): boolean {
  return state.waves.some(({ clusters }) => clusters.some((name) => isInFlight(state, name)));
}

/** Whoever is there and wanted has been brought in. */
function settled(
  clusters: ReadonlyMap<string, SimulatedCluster>,
  state: RolloutState,
  nowMs: number,
): boolean {
  return [...clusters].every(([name, cluster]) => {
    if (!isThere(cluster, nowMs) || cluster.wish !== 'new' || clusterState(state.clusters, name)?.excluded)
      return true;
    return cluster.target === 'new';
  });
}

function approveAll(state: RolloutState, atMs: number): RolloutState {
  const said = { actor: 'ann', reason: '', atMs };
  const index = state.waves.findIndex(({ endedAtMs }) => endedAtMs === undefined);
  const wave = state.waves[index];
  if (wave === undefined || isOver(state)) return state;
  const approval = specOf(state.strategy, wave).approval;
  if (approval === undefined) return state;
  const field = approval.when === 'before' ? 'approvedBefore' : 'approvedAfter';
  if (approval.when === 'after' && wave.settledAtMs === undefined) return state;
  return { ...state, waves: state.waves.map((one, at) => (at === index ? { ...one, [field]: said } : one)) };
}
