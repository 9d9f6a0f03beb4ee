/**
 * Which wave a cluster is in, and what is known of a wave's clusters, without asking for each: waves seldom change their members, and then they are other arrays. What is
 * kept here between calls follows from the arguments alone. Pure.
 */
import { type ClusterStates, changedClusters, clusterState } from './cluster-states.ts';
import type { ClusterState } from './rollout-state.ts';

type Members = readonly string[];

const knownPositions = new WeakMap<Members, ReadonlyMap<string, number>>();

/** Where each cluster stands in its wave. */
function positionsIn(members: Members): ReadonlyMap<string, number> {
  const known = knownPositions.get(members);
  if (known !== undefined) return known;
  const made = new Map(members.map((name, at) => [name, at]));
  knownPositions.set(members, made);
  return made;
}

export function isMember(waves: readonly { readonly clusters: Members }[], name: string): boolean {
  return waves.some(({ clusters }) => positionsIn(clusters).has(name));
}

/** Some clusters, by the index of their wave, in the order in which they are named. Those of no wave are left out. */
export function placesOf(
  waves: readonly { readonly clusters: Members }[],
  some: Iterable<string>,
): readonly Members[] {
  const places = waves.map(({ clusters }) => positionsIn(clusters));
  const found: string[][] = waves.map(() => []);
  for (const name of some) {
    const at = places.findIndex((members) => members.has(name));
    found[at]?.push(name);
  }
  return found;
}

/** One of so many. */
const manyOf = 8;

/** Some clusters, wave by wave, as the waves have them: in the order of the waves, and in each in its own. Those of no wave are left out. */
export function membersAmong(
  waves: readonly { readonly clusters: Members }[],
  some: ReadonlySet<string>,
): readonly Members[] {
  const total = waves.reduce((sum, { clusters }) => sum + clusters.length, 0);
  // Of many it is cheaper to look at all.
  if (some.size * manyOf > total)
    return waves.map(({ clusters }) => clusters.filter((name) => some.has(name)));
  return placesOf(waves, some).map((members, at) => {
    const positions = positionsIn(waves[at]?.clusters ?? []);
    return [...members].sort((a, b) => (positions.get(a) ?? 0) - (positions.get(b) ?? 0));
  });
}

type Known = readonly (ClusterState | undefined)[];

interface LastKnown {
  readonly clusters: ClusterStates;
  readonly states: Known;
}

const lastKnown = new WeakMap<Members, LastKnown>();

/** What is known of each of them, in their order. From what was known when this was asked last, where that is not long ago. */
export function statesIn(clusters: ClusterStates, members: Members): Known {
  const last = lastKnown.get(members);
  if (last?.clusters === clusters) return last.states;
  const states = last
    ? changeStates(last, clusters, members)
    : members.map((name) => clusterState(clusters, name));
  lastKnown.set(members, { clusters, states });
  return states;
}

function changeStates(last: LastKnown, clusters: ClusterStates, members: Members): Known {
  const changed = changedClusters(last.clusters, clusters);
  if (changed.length > members.length) return members.map((name) => clusterState(clusters, name));
  const positions = positionsIn(members);
  const states = [...last.states];
  for (const name of changed) {
    const at = positions.get(name);
    if (at !== undefined) states[at] = clusterState(clusters, name);
  }
  return states;
}
