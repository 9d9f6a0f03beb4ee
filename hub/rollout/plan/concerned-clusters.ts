import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { Target } from '../../../shared/manifest/target.ts';
import type { Assignment } from '../../model/release.ts';
import type { RolloutStrategy } from '../../model/strategy.ts';

/** What a revision wants of an application. */
export interface WantedTargets {
  readonly wanted: ReadonlyMap<string, Target>;
  readonly removes: ReadonlySet<string>;
}

/**
 * What may change by a strategy that concerns some clusters alone: every other keeps what is assigned to it, and gets nothing where nothing is. What it is to get otherwise is released by the
 * application's own strategy once that counts again. Pure.
 */
export function concernedOnly(
  all: WantedTargets,
  { only }: Pick<RolloutStrategy, 'only'>,
  assigned: readonly Assignment[],
  inForce: ReadonlyMap<Digest, Target>,
): WantedTargets {
  if (only === undefined) return all;
  const concerned = new Set(only);
  const wanted = new Map([...all.wanted].filter(([cluster]) => concerned.has(cluster)));
  for (const { cluster, targetDigest, removed } of assigned) {
    const target = concerned.has(cluster) || removed ? undefined : inForce.get(targetDigest);
    if (target) wanted.set(cluster, target);
  }
  return { wanted, removes: new Set([...all.removes].filter((cluster) => concerned.has(cluster))) };
}
