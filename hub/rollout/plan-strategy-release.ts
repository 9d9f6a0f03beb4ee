/** Whether a revision begins a rollout of an application, and with which state. Its assignments are made by the rollout's own passes. */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { Release } from '../model/release.ts';
import type { RolloutStrategy } from '../model/strategy.ts';
import { startRollout } from './advance-rollout.ts';
import { goesOn } from './amend-rollout.ts';
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

/** Undefined: no rollout begins. The one before goes on with what is wanted (`amendRollout` tells it who joined or left), or there is nothing to change. */
export function planStrategyRelease(
  input: StrategyReleaseInput,
): { readonly release: Release; readonly state: RolloutState } | undefined {
  const { wanted, observed, removes, application, revisionId, nowMs } = input;
  // What waited for another environment, and does so no more, has not begun.
  const before = input.before?.state.phase === 'Waiting' ? undefined : input.before;
  if (before && goesOn({ ...input, before })) return undefined;
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
  const state = startRollout(
    input.strategy,
    {
      release: { ...release, removes, reason: input.strategy.reason ?? 'release' },
      observed,
      facts: input.facts,
      nowMs,
    },
    input.matches,
    before?.state.held ?? [],
  );
  return { release, state };
}
