/**
 * What a rollout knows of each of its clusters. Immutable, as all of its state; but a copy with ten of ten thousand changed shares all the rest, and what has changed
 * between two of them is found without looking at the rest. (V8 takes 3.5 ms to copy an object of ten thousand keys.) Pure.
 */
import type { ClusterState } from './rollout-state.ts';

/** By name, in parts of a few dozen. How many parts there are follows from the size alone, so that equal contents are equal parts. */
export interface ClusterStates {
  readonly size: number;
  /** A power of two of them. */
  readonly parts: readonly ReadonlyMap<string, ClusterState>[];
}

/** Clusters in a part, at most in the mean. */
const partSize = 32;
const nothing: ReadonlyMap<string, ClusterState> = new Map();

export const noClusters: ClusterStates = { size: 0, parts: [nothing] };

function partsFor(size: number): number {
  let parts = 1;
  while (parts * partSize < size) parts *= 2;
  return parts;
}

/** FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  // The low bits choose the part.
  return (hash ^ (hash >>> 15)) >>> 0;
}

function spread(entries: Iterable<readonly [string, ClusterState]>, count: number) {
  const parts = Array.from({ length: count }, () => new Map<string, ClusterState>());
  for (const [name, known] of entries) parts[hashOf(name) & (count - 1)]?.set(name, known);
  return parts;
}

/** Of what is stored, or written down. */
export function clusterStates(known: Readonly<Record<string, ClusterState>>): ClusterStates {
  const entries = Object.entries(known);
  if (entries.length === 0) return noClusters;
  return { size: entries.length, parts: spread(entries, partsFor(entries.length)) };
}

/** Undefined: nothing is known of it. */
export function clusterState({ parts }: ClusterStates, name: string): ClusterState | undefined {
  return parts[hashOf(name) & (parts.length - 1)]?.get(name);
}

/** In no order that means anything. */
export function* clusterEntries({ parts }: ClusterStates): Generator<readonly [string, ClusterState]> {
  for (const part of parts) yield* part;
}

/**
 * Something that follows from each part alone, worked out once for each: of two states that differ in few clusters, for few parts.
 * @param make from the clusters of a part
 */
export function memoOfParts<T extends object>(
  make: (part: ReadonlyMap<string, ClusterState>) => T,
): (states: ClusterStates) => readonly T[] {
  const known = new WeakMap<ReadonlyMap<string, ClusterState>, T>();
  const of = (part: ReadonlyMap<string, ClusterState>): T => {
    const found = known.get(part) ?? make(part);
    known.set(part, found);
    return found;
  };
  return ({ parts }) => parts.map(of);
}

/** As plain JSON, sorted by name. */
export function packClusters(states: ClusterStates): Readonly<Record<string, ClusterState>> {
  return Object.fromEntries([...clusterEntries(states)].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** With these changed; undefined: nothing is known of it any more. */
export function withClusters(
  before: ClusterStates,
  changes: Iterable<readonly [string, ClusterState | undefined]>,
): ClusterStates {
  const { parts } = before;
  let { size } = before;
  const made = new Map<number, Map<string, ClusterState>>();
  for (const [name, known] of changes) {
    const at = hashOf(name) & (parts.length - 1);
    const part = made.get(at) ?? new Map(parts[at]);
    made.set(at, part);
    if (known !== undefined) {
      if (!part.has(name)) size += 1;
      part.set(name, known);
    } else if (part.delete(name)) size -= 1;
  }
  if (made.size === 0) return before;
  const next = parts.map((part, at) => made.get(at) ?? part);
  const count = partsFor(size);
  return {
    size,
    parts:
      count === next.length
        ? next
        : spread(
            next.flatMap((part) => [...part]),
            count,
          ),
  };
}

/** Clusters of which something else is known in the one than in the other: other objects, that is. */
export function changedClusters(before: ClusterStates, after: ClusterStates): readonly string[] {
  if (before === after) return [];
  if (before.size === 0) return [...clusterEntries(after)].map(([name]) => name);
  if (before.parts.length !== after.parts.length) return changedIn(all(before), all(after));
  const changed: string[] = [];
  for (let at = 0; at < after.parts.length; at += 1) {
    const [was = nothing, is = nothing] = [before.parts[at], after.parts[at]];
    if (was !== is) changed.push(...changedIn(was, is));
  }
  return changed;
}

function all(states: ClusterStates): ReadonlyMap<string, ClusterState> {
  return new Map(clusterEntries(states));
}

function changedIn(
  before: ReadonlyMap<string, ClusterState>,
  after: ReadonlyMap<string, ClusterState>,
): readonly string[] {
  const changed: string[] = [];
  for (const [name, known] of after) if (before.get(name) !== known) changed.push(name);
  for (const name of before.keys()) if (!after.has(name)) changed.push(name);
  return changed;
}
