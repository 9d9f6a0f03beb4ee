/**
 * Objects that move between applications of which each goes over the clusters in its own time. Where one gives an object up before the other takes it, an
 * agent would delete it, to make it again later; where the other is told first, both want it, and the one that has it keeps it. So both are assigned in
 * a cluster in one transaction, when it is the turn of both. Pure.
 */
import { keyText, type ObjectKey } from '../../shared/manifest/object.ts';
import type { Target } from '../../shared/manifest/target.ts';

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

function keysOf(target: Target | undefined): ReadonlySet<string> {
  return new Set(target?.set.entries.map(({ key }: { readonly key: ObjectKey }) => keyText(key)));
}

function handOversOf(changes: readonly HandOverChange[]): ReadonlyMap<string, readonly HandOver[]> {
  const gainers = new Map<string, string>();
  const losers: { readonly application: string; readonly lost: readonly string[] }[] = [];
  for (const { application, has, want } of changes) {
    const [before, after] = [keysOf(has), keysOf(want)];
    for (const key of after) if (!before.has(key)) gainers.set(key, application);
    losers.push({ application, lost: [...before].filter((key) => !after.has(key)) });
  }
  const found = new Map<string, HandOver[]>();
  const note = (application: string, other: string, object: string) => {
    const known = found.get(application) ?? [];
    if (known.length < partnersMax && known.every((one) => one.application !== other))
      found.set(application, [...known, { application: other, object }]);
  };
  for (const { application, lost } of losers)
    for (const key of lost) {
      const gainer = gainers.get(key);
      if (gainer === undefined) continue;
      note(application, gainer, key);
      note(gainer, application, key);
    }
  return found;
}

/** Costs something only in clusters where two applications change at once. */
export function planHandOvers(changes: readonly HandOverChange[]): HandOvers {
  const found = new Map<string, Record<string, readonly HandOver[]>>();
  for (const [cluster, members] of Map.groupBy(changes, (change) => change.cluster)) {
    if (members.length < 2) continue;
    for (const [application, handOvers] of handOversOf(members)) {
      const known = found.get(application) ?? {};
      known[cluster] = handOvers;
      found.set(application, known);
    }
  }
  return found;
}
