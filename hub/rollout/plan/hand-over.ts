import { keyText } from '../../../shared/manifest/object.ts';
import type { Target } from '../../../shared/manifest/target.ts';
import type { AssignmentDecision } from '../../model/release.ts';

/** What the ordering needs to know; undefined where a Target is not known (then nothing is known to move). */
export interface HandOverTargets {
  /** The Target in force in a cluster. */
  inForce(cluster: string, application: string): Target | undefined;
  decided(digest: string): Target | undefined;
}

/**
 * Orders decisions so that in each cluster an application that gains an object comes before the one that loses it: generations follow this order, and
 * an agent that sees the gain first relabels the object instead of deleting and making it anew. Applications that exchange objects in a circle keep
 * the order of their names. Sorted by cluster, else by application. Pure.
 */
export function orderForHandOver(
  decisions: readonly AssignmentDecision[],
  targets: HandOverTargets,
): readonly AssignmentDecision[] {
  const byCluster = Map.groupBy(decisions, ({ cluster }) => cluster);
  return [...byCluster.keys()]
    .sort()
    .flatMap((cluster) => orderCluster(byCluster.get(cluster) ?? [], targets));
}

function orderCluster(
  decisions: readonly AssignmentDecision[],
  targets: HandOverTargets,
): readonly AssignmentDecision[] {
  const sorted = [...decisions].sort((a, b) => (a.application < b.application ? -1 : 1));
  if (sorted.length < 2) return sorted;
  const gainerOf = new Map<string, AssignmentDecision>();
  const lost = new Map<AssignmentDecision, readonly string[]>();
  for (const decision of sorted) {
    const before = keysOf(targets.inForce(decision.cluster, decision.application));
    const after = keysOf(targets.decided(decision.targetDigest));
    for (const key of after) if (!before.has(key)) gainerOf.set(key, decision);
    lost.set(
      decision,
      [...before].filter((key) => !after.has(key)),
    );
  }
  const ordered = new Set<AssignmentDecision>();
  const begun = new Set<AssignmentDecision>();
  const visit = (decision: AssignmentDecision): void => {
    if (begun.has(decision)) return;
    begun.add(decision);
    for (const key of lost.get(decision) ?? []) {
      const gainer = gainerOf.get(key);
      if (gainer) visit(gainer);
    }
    ordered.add(decision);
  };
  sorted.forEach(visit);
  return [...ordered];
}

function keysOf(target: Target | undefined): ReadonlySet<string> {
  return new Set(target?.set.entries.map(({ key }) => keyText(key)));
}
