/**
 * Objects that move between applications of which each goes over the clusters in its own time. Where one gives an object up before the other takes it, an
 * agent would delete it, to make it again later; where the other is told first, both want it, and the one that has it keeps it. So both are assigned in
 * a cluster in one transaction, when it is the turn of both. Pure.
 */
import { keyText, type ObjectKey } from '../../../shared/manifest/object.ts';
import type { Target } from '../../../shared/manifest/target.ts';

export interface HandOver {
  /** The application at the other end. */
  readonly application: string;
  /** The first object that moves, as keyText. */
  readonly object: string;
}

/** What an application has in a cluster, and what it is to have. */
export interface HandOverChange {
  readonly cluster: string;
  readonly application: string;
  readonly has: Target | undefined;
  readonly want: Target;
}

/** By application, then cluster; both ends are named. */
export type HandOvers = ReadonlyMap<string, Readonly<Record<string, readonly HandOver[]>>>;

/** An exchange among more applications than this in one cluster is not waited for. */
export const partnersMax = 10;

/** What comes and what goes, as keyText. */
interface Difference {
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

function keysOf(target: Target | undefined): ReadonlySet<string> {
  return new Set(target?.set.entries.map(({ key }: { readonly key: ObjectKey }) => keyText(key)));
}

/** Thousands of clusters go from one Target to another one: what that changes is worked out once. */
function createDifferences(): (change: HandOverChange) => Difference {
  const known = new Map<Target | undefined, Map<Target, Difference>>();
  return ({ has, want }) => {
    const from = known.get(has) ?? new Map<Target, Difference>();
    known.set(has, from);
    const found = from.get(want);
    if (found) return found;
    const [before, after] = [keysOf(has), keysOf(want)];
    const made = {
      gained: [...after].filter((key) => !before.has(key)),
      lost: [...before].filter((key) => !after.has(key)),
    };
    from.set(want, made);
    return made;
  };
}

function handOversOf(
  changes: readonly HandOverChange[],
  differenceOf: (change: HandOverChange) => Difference,
): ReadonlyMap<string, readonly HandOver[]> {
  const found = new Map<string, HandOver[]>();
  if (changes.every((change) => differenceOf(change).lost.length === 0)) return found;
  const gainers = new Map<string, string>();
  for (const change of changes)
    for (const key of differenceOf(change).gained) gainers.set(key, change.application);
  const note = (application: string, other: string, object: string) => {
    const known = found.get(application) ?? [];
    if (known.length < partnersMax && known.every((one) => one.application !== other))
      found.set(application, [...known, { application: other, object }]);
  };
  for (const change of changes)
    for (const key of differenceOf(change).lost) {
      const gainer = gainers.get(key);
      if (gainer === undefined) continue;
      note(change.application, gainer, key);
      note(gainer, change.application, key);
    }
  return found;
}

/** Costs something only in clusters where two applications change at once. */
export function planHandOvers(changes: readonly HandOverChange[]): HandOvers {
  const found = new Map<string, Record<string, readonly HandOver[]>>();
  const differenceOf = createDifferences();
  // What most commits do (another image, another value) takes no object away: nothing can move.
  if (changes.every((change) => differenceOf(change).lost.length === 0)) return found;
  for (const [cluster, members] of Map.groupBy(changes, (change) => change.cluster)) {
    if (members.length < 2) continue;
    for (const [application, handOvers] of handOversOf(members, differenceOf)) {
      const known = found.get(application) ?? {};
      known[cluster] = handOvers;
      found.set(application, known);
    }
  }
  return found;
}
