/**
 * What a revision changes of a rollout without beginning another: clusters that join, leave, come back after they were forgotten, or are not placed any
 * more. The gates that were passed stay passed: a fleet in which a cluster joins every hour must still come to the end of a rollout of a day. Pure.
 */

import type { Digest } from '../../shared/manifest/canonical.ts';
import type { Release } from '../model/release.ts';
import { clusterState, withClusters } from './cluster-states.ts';
import { isGivenUp } from './give-last.ts';
import { isHeldBack } from './held-clusters.ts';
import { type ClusterFacts, isPart, planWaves, type SelectorMatch } from './plan-waves.ts';
import { reopenWaves } from './reopen-wave.ts';
import {
  type ClusterState,
  isOver,
  type ObservedCluster,
  type RolloutState,
  targetsOf,
  type WaveState,
} from './rollout-state.ts';

/** Of one cluster, compared with what the rollout wants of it. */
type Change = 'none' | 'join' | 'leave' | 'drop' | 'supersede';

interface Input {
  /** What the revision wants, removals among it. */
  readonly wanted: ReadonlyMap<string, Digest>;
  readonly removes: ReadonlySet<string>;
  readonly observed: ReadonlyMap<string, ObservedCluster>;
  /** The rollout before, and the Targets of its release. */
  readonly before: { readonly state: RolloutState; readonly targets: Release['targets'] };
}

export interface AmendInput extends Input {
  readonly facts: ReadonlyMap<string, ClusterFacts>;
  readonly matches: SelectorMatch;
  readonly revisionId: string;
  readonly nowMs: number;
}

interface Standing {
  readonly removed: ReadonlySet<string>;
  readonly targets: Release['targets'];
  /** Clusters in some wave. */
  readonly planned: ReadonlySet<string>;
}

function standingOf({ state, targets }: Input['before']): Standing {
  return {
    removed: new Set(state.removes ?? []),
    targets: targetsOf(state, targets),
    planned: new Set(state.waves.flatMap(({ clusters }) => clusters)),
  };
}

function changeOf(cluster: string, input: Input, { removed, targets, planned }: Standing): Change {
  const { wanted, removes, observed, before } = input;
  const [want, had] = [wanted.get(cluster), targets[cluster]];
  const has = observed.get(cluster)?.targetDigest;
  const known = clusterState(before.state.clusters, cluster);
  const reached = [known?.assignedAtMs, known?.rolledBackAtMs, known?.givenLastAtMs].some(
    (atMs) => atMs !== undefined,
  );
  if (want === undefined) {
    const gone = has === undefined && removed.has(cluster);
    return had === undefined || has === had || gone ? 'none' : 'drop';
  }
  if (want === had) {
    const lost = has === undefined && !removes.has(cluster) && (reached || !planned.has(cluster));
    return lost && mayJoin(before.state, want) ? 'join' : 'none';
  }
  if (removes.has(cluster)) return 'leave';
  // It was to leave, and is wanted again before it did.
  if (removed.has(cluster)) return 'join';
  if (has !== undefined && !observed.get(cluster)?.removed)
    return had === undefined && has === want ? 'join' : 'supersede';
  const comesBack = reached || !planned.has(cluster);
  return had === undefined || comesBack ? 'join' : 'supersede';
}

/** What is held goes to nobody; who joins what was given up gets what there was before it. */
function mayJoin(state: RolloutState, want: Digest): boolean {
  return isGivenUp(state) || !state.held.includes(want);
}

function changesOf(input: Input): ReadonlyMap<string, Change> {
  const standing = standingOf(input.before);
  const changes = new Map<string, Change>();
  const note = (cluster: string) => {
    const change = changeOf(cluster, input, standing);
    if (change !== 'none') changes.set(cluster, change);
  };
  for (const cluster of input.wanted.keys()) note(cluster);
  for (const cluster of Object.keys(standing.targets)) if (!input.wanted.has(cluster)) note(cluster);
  return changes;
}

/** Whether the rollout before goes on with what is wanted now, amended or not. */
export function goesOn(input: Input): boolean {
  const { wanted, removes, before } = input;
  const changes = changesOf(input);
  if (changes.size === 0) return true;
  // The application leaves for good: that is no part of what its last release did.
  if ([...wanted.keys()].every((cluster) => removes.has(cluster)) && !sameRemovals(before.state, removes))
    return false;
  if (isNewEverywhere(input, changes)) return false;
  return [...changes.values()].every((change) => change !== 'supersede');
}

/**
 * Who joins gets what others of the rollout have proven. Where all that is wanted comes to clusters that are empty (the application was placed nowhere and is placed
 * again, or its whole fleet is another) nobody has: that has gates of its own. What is held is no release; then there is one that was given up, and who joins gets what was before.
 */
function isNewEverywhere({ wanted, removes, before }: Input, changes: ReadonlyMap<string, Change>): boolean {
  const stays = [...wanted].filter(([cluster]) => !removes.has(cluster));
  const targets = targetsOf(before.state, before.targets);
  const isNew = ([cluster, want]: readonly [string, Digest]) =>
    changes.get(cluster) === 'join' && targets[cluster] !== want && !before.state.held.includes(want);
  return stays.length > 0 && stays.every(isNew);
}

function sameRemovals({ removes = [] }: RolloutState, now: ReadonlySet<string>): boolean {
  const known = new Set(removes);
  return [...now].every((cluster) => known.has(cluster));
}

/** The wave of one that comes in: as the strategy names it by labels; what takes only a part took its part when the rollout began. */
function home(
  { strategy, waves }: RolloutState,
  facts: ClusterFacts,
  pairOf: (cluster: string) => string,
  matches: SelectorMatch,
): { readonly index: number } | { readonly name: string; readonly spec: number } {
  const none = { unit: 'clusters', value: 0 } as const;
  const specs = strategy.waves.map((spec) => (spec.take === undefined ? spec : { ...spec, take: none }));
  const [planned] = planWaves({ ...strategy, waves: specs }, [facts], matches);
  const { name, spec } = planned ?? { name: 'rest', spec: strategy.waves.length };
  const ofSpec = waves.filter((wave) => wave.spec === spec && isPart(wave.name, name));
  const fits = ({ clusters }: WaveState) =>
    strategy.pairs !== 'apart' || facts.pair === '' || clusters.every((one) => pairOf(one) !== facts.pair);
  const found = ofSpec.find(fits);
  if (found) return { index: waves.indexOf(found) };
  return { name: ofSpec.length === 0 ? name : `${name} (${ofSpec.length + 1})`, spec };
}

/** Puts a cluster that is in no wave into the one where it belongs, or a new last one. */
export function bringIn(
  state: RolloutState,
  cluster: string,
  { facts, matches, nowMs }: Pick<AmendInput, 'facts' | 'matches' | 'nowMs'>,
): RolloutState {
  const known = facts.get(cluster) ?? { name: cluster, labels: {}, region: '', pair: '', primary: false };
  const to = home(state, known, (name) => facts.get(name)?.pair ?? '', matches);
  if ('index' in to) {
    const waves = state.waves.map((wave, at) =>
      at === to.index ? { ...wave, clusters: [...wave.clusters, cluster], whole: undefined } : wave,
    );
    return reopenWaves({ ...state, waves }, new Set([to.index]));
  }
  // After the last wave nothing is left to wait for.
  const over = isOver(state) ? { startedAtMs: nowMs, settledAtMs: nowMs, endedAtMs: nowMs } : {};
  return { ...state, waves: [...state.waves, { ...to, clusters: [cluster], ...over }] };
}

/** One that was held back has something to do now, or nobody who is held any more. */
function begin(state: RolloutState): RolloutState {
  if (state.phase !== 'Paused') return state;
  const { stopped: _, ...rest } = state;
  return { ...rest, phase: 'Progressing' };
}

/** Undefined: there is nothing to amend. Ask only where `goesOn`. */
export function amendRollout(input: AmendInput): RolloutState | undefined {
  const { wanted, removes, observed, before } = input;
  const changes = changesOf(input);
  if (changes.size === 0) return undefined;
  const amended: Record<string, Digest | null> = { ...before.state.amended };
  const known = new Map<string, ClusterState | undefined>();
  const removed = new Set(before.state.removes);
  const out = new Set<string>();
  const come: string[] = [];
  const planned = new Set(before.state.waves.flatMap((wave) => wave.clusters));
  const again = new Set<string>();
  const withheld = new Set(before.state.withheld);
  const had = targetsOf(before.state, before.targets);
  for (const [cluster, change] of changes) {
    const target = wanted.get(cluster);
    if (target !== undefined || before.targets[cluster] !== undefined) amended[cluster] = target ?? null;
    else delete amended[cluster];
    if (removes.has(cluster)) removed.add(cluster);
    else removed.delete(cluster);
    // What it had before this release is where it would go back to, also once it has left, or is wanted again before it did.
    const was = clusterState(before.state.clusters, cluster);
    const stays = target !== undefined && observed.get(cluster)?.targetDigest === target;
    const previous = removes.has(cluster) || stays ? was?.previous : undefined;
    withheld.delete(cluster);
    const goesBack = previous !== undefined && previous !== had[cluster] && previous !== target;
    known.set(cluster, goesBack ? { previous } : undefined);
    if (change === 'drop') out.add(cluster);
    else if (planned.has(cluster)) again.add(cluster);
    else if (observed.get(cluster)?.targetDigest !== target) {
      if (mayJoin(before.state, target ?? '')) come.push(cluster);
      else withheld.add(cluster);
    }
  }
  const waves = before.state.waves.map((wave) => {
    const stays = wave.clusters.filter((cluster) => !out.has(cluster));
    if (stays.length === wave.clusters.length && !stays.some((cluster) => again.has(cluster))) return wave;
    return { ...wave, clusters: stays, whole: undefined };
  });
  const { removes: _, withheld: __, ...rest } = before.state;
  const clusters = withClusters(before.state.clusters, known);
  const state: RolloutState = {
    ...rest,
    ...{ waves, clusters, amended, amendedBy: input.revisionId },
    ...(removed.size > 0 && { removes: [...removed].sort() }),
    ...(withheld.size > 0 && { withheld: [...withheld].sort() }),
  };
  const made = come.sort().reduce((next, cluster) => bringIn(next, cluster, input), state);
  return isHeldBack(before.state) && !isHeldBack(made) ? begin(made) : made;
}
