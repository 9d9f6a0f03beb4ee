import { describeKey } from '../../shared/manifest/object.ts';
import type { ManifestSet } from '../../shared/manifest/target.ts';
import type { Problem } from '../model/problem.ts';
import { problem } from './check-set.ts';
import { claimKey } from './claim-key.ts';

/** One application's claim to objects of a cluster. */
export interface ClusterClaim {
  readonly application: string;
  /** The set it would get; where it could not be rendered, the one in force, which it keeps. */
  readonly set: ManifestSet;
  /** The set in force now; undefined: none. */
  readonly inForce: ManifestSet | undefined;
  readonly defaultNamespace: string;
}

const problemsMax = 20;

/**
 * Problems of applications that claim an object which another of the same cluster has already: whoever holds it now keeps it; where nobody does, the
 * first by name. An object that leaves one application as it enters another, in one revision, is claimed once only and so no conflict. By application;
 * empty: no conflict. Pure.
 */
export function checkClaims(claims: readonly ClusterClaim[]): ReadonlyMap<string, readonly Problem[]> {
  const holders = holdersOf(claims);
  const problems = new Map<string, Problem[]>();
  for (const { application, set, defaultNamespace } of claims) {
    for (const { key } of set.entries) {
      const holder = holders.get(claimKey(key, defaultNamespace));
      if (holder === undefined || holder === application) continue;
      const members = problems.get(application) ?? [];
      if (members.length < problemsMax)
        members.push(
          problem(
            'conflict',
            `${describeKey(key)} belongs to Application ${holder} in this cluster: take it out of one of the two`,
          ),
        );
      problems.set(application, members);
    }
  }
  return problems;
}

/** Who has each claimed object: the one that holds it now and still claims it, else the first by name. */
function holdersOf(claims: readonly ClusterClaim[]): ReadonlyMap<string, string> {
  const holders = new Map<string, { readonly application: string; readonly holds: boolean }>();
  for (const { application, set, inForce, defaultNamespace } of [...claims].sort((a, b) =>
    a.application < b.application ? -1 : 1,
  )) {
    const textOf = ({ key }: ManifestSet['entries'][number]) => claimKey(key, defaultNamespace);
    const held = new Set(inForce?.entries.map(textOf));
    for (const entry of set.entries) {
      const text = textOf(entry);
      const before = holders.get(text);
      if (!before || (held.has(text) && !before.holds))
        holders.set(text, { application, holds: held.has(text) });
    }
  }
  return new Map([...holders].map(([text, { application }]) => [text, application]));
}
