/** Whether a revision begins a rollout of an application that has a strategy, and with which state. Its assignments are made by the rollout's own passes. */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { Release } from '../model/release.ts';
import { allAtOnceStrategy, type RolloutStrategy } from '../model/strategy.ts';
import { startRollout } from './advance-rollout.ts';
import type { ClusterFacts, SelectorMatch } from './plan-waves.ts';
import { isOver, type ObservedCluster, type RolloutState } from './rollout-state.ts';

export interface StrategyReleaseInput {
  readonly strategy: RolloutStrategy;
  readonly application: string;
  readonly revisionId: string;
  /** What the revision wants, removals among it. */
  readonly wanted: ReadonlyMap<string, Digest>;
  readonly removes: ReadonlySet<string>;
  readonly observed: ReadonlyMap<string, ObservedCluster>;
  readonly facts: ReadonlyMap<string, ClusterFacts>;
  /** The rollout before, and the Targets of its release. */
  readonly before: { readonly state: RolloutState; readonly targets: Release['targets'] } | undefined;
  readonly matches: SelectorMatch;
  readonly newId: () => string;
  readonly nowMs: number;
}

function sameTargets(wanted: ReadonlyMap<string, Digest>, targets: Release['targets']): boolean {
  const names = Object.keys(targets);
  return names.length === wanted.size && names.every((name) => wanted.get(name) === targets[name]);
}

/** Every cluster whose Target changes has nothing yet: it joined after a release that is complete, and gets that at once. */
function onlyJoins({ before, wanted, observed }: StrategyReleaseInput): boolean {
  if (before?.state.phase !== 'Complete') return false;
  for (const [cluster, digest] of wanted) {
    const has = observed.get(cluster)?.targetDigest;
    if (has !== undefined && has !== digest) return false;
  }
  return true;
}

/** Undefined: nothing begins. The rollout of the same Targets goes on, or there is nothing to change. */
export function planStrategyRelease(
  input: StrategyReleaseInput,
): { readonly release: Release; readonly state: RolloutState } | undefined {
  const { before, wanted, observed, removes, application, revisionId, nowMs } = input;
  if (before && sameTargets(wanted, before.targets)) return undefined;
  const settled = [...wanted].every(([cluster, digest]) => {
    const has = observed.get(cluster)?.targetDigest;
    return has === digest || (has === undefined && removes.has(cluster));
  });
  // A commit that takes back what is under way ends it, though it has nothing to change.
  if (settled && (before === undefined || isOver(before.state))) return undefined;
  const release: Release = {
    ...{ id: input.newId(), application, revisionId, createdAtMs: nowMs },
    targets: Object.fromEntries(wanted),
  };
  const strategy = onlyJoins(input) ? { ...allAtOnceStrategy, name: input.strategy.name } : input.strategy;
  const state = startRollout(
    strategy,
    { release: { ...release, removes, reason: 'release' }, observed, facts: input.facts, nowMs },
    input.matches,
    before?.state.held ?? [],
  );
  return { release, state };
}
