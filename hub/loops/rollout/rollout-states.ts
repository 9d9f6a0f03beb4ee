/**
 * States of rollouts as they were last read or kept. A pass asks the store for the version alone, and reads the state only when somebody else has changed it; what a
 * pass keeps is what it has changed. The store compares versions, so a state that is behind never overwrites another.
 */
import { changedClusters, clusterState, noClusters } from '../../rollout/cluster-states.ts';
import type { RolloutPassRow } from '../../store/repositories/release-repository.ts';
import type { Store } from '../../store/store.ts';
import { isWaved, readState } from './rollout-inputs.ts';

/** A state that a pass led to, in place of the one that it began from. */
export type RolloutMove = Omit<RolloutPassRow, 'version' | 'state' | 'clusters'> & {
  /** As `load` gave it, or as it was kept last. */
  readonly before: object;
  readonly state: object;
};

export interface RolloutStates {
  /** As it is now; the same object as long as it is the same. Undefined: there is none. */
  load(application: string): Promise<unknown>;
  /** All of them or none, as `saveRollouts` does. Undefined: somebody else was faster. */
  keep(moves: readonly RolloutMove[]): ReturnType<Store['releases']['saveRollouts']>;
  /** Not asked for soon. */
  forget(application: string): void;
}

interface Known {
  readonly version: number;
  readonly state: unknown;
}

const knownMax = 100;

type Parts = Readonly<Record<string, unknown>>;

/** Of a state's clusters those of which something else is known now; null: nothing any more. */
function clustersOf(before: object, state: object): Parts | undefined {
  if (!isWaved(state)) return undefined;
  const changed = changedClusters(isWaved(before) ? before.clusters : noClusters, state.clusters);
  return Object.fromEntries(changed.map((name) => [name, clusterState(state.clusters, name) ?? null]));
}

/** All but the clusters are the same objects. */
function isSameHead(before: Parts, after: Parts): boolean {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  names.delete('clusters');
  return [...names].every((name) => before[name] === after[name]);
}

/** @param version of the state before. */
export function passRowOf({ before, state, ...row }: RolloutMove, version: number): RolloutPassRow {
  const clusters = clustersOf(before, state);
  const same = isSameHead(before as Parts, state as Parts);
  const head = clusters === undefined ? state : { ...state, clusters: {} };
  return { ...row, version, state: same ? undefined : head, clusters };
}

export function createRolloutStates(store: Store): RolloutStates {
  const states = new Map<string, Known>();
  /** By state: it goes when nobody holds that any more. */
  const versions = new WeakMap<object, number>();

  const note = (application: string, known: Known) => {
    states.delete(application);
    states.set(application, known);
    for (const oldest of states.keys()) if (states.size > knownMax) states.delete(oldest);
    const { state, version } = known;
    if (typeof state === 'object' && state !== null) versions.set(state, version);
  };

  return {
    async load(application) {
      const known = states.get(application);
      if (known !== undefined && (await store.releases.rolloutVersion(application)) === known.version)
        return known.state;
      const stored = await store.releases.rollout(application);
      if (stored === undefined) states.delete(application);
      const state = readState(stored?.state);
      if (stored !== undefined) note(application, { state, version: stored.version });
      return state;
    },
    async keep(moves) {
      const rows: RolloutPassRow[] = [];
      for (const move of moves) {
        const version = versions.get(move.before);
        // A state that nobody has kept is nobody's: it cannot be gone on from.
        if (version === undefined) return undefined;
        rows.push(passRowOf(move, version));
      }
      const [only] = rows;
      const assigned =
        rows.length === 1 && only
          ? await store.releases.saveRollout(only)
          : await store.releases.saveRollouts(rows);
      if (assigned === undefined) return undefined;
      for (const [index, { application, state }] of moves.entries())
        note(application, { state, version: (rows[index]?.version ?? 0) + 1 });
      return assigned;
    },
    forget: (application) => void states.delete(application),
  };
}
