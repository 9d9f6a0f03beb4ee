import { type RolloutStrategy, strategyOf } from '../../model/strategy.ts';
import { strategyFor } from '../../rollout/plan/plan-application.ts';
import type { RolloutState } from '../../rollout/rollout-state.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';

/**
 * The strategy of a rollout with those as approvers whom Git names now. How a release goes is settled when it begins; who may let it go on is not, since people come and
 * go: one who has left is no key to it, nor is one who was let in since kept out. Waves that Git knows no more, or that it asks no approval for any more, keep theirs.
 */
export async function withApproversNow(store: Store, state: RolloutState): Promise<RolloutState['strategy']> {
  const fleet = fleetOf(await store.fleet.load());
  const { strategy, application } = state;
  const now = fleet.applications.has(application) ? strategyFor(application, fleet) : undefined;
  // The one that it has, though the application has taken another since.
  const own = strategy.name === '' ? undefined : strategyOf({ strategy: strategy.name }, fleet.strategies);
  const current = now?.name === strategy.name ? now : own;
  return current === undefined ? strategy : approvedBy(strategy, current);
}

function approvedBy(strategy: RolloutStrategy, { waves }: Pick<RolloutStrategy, 'waves'>): RolloutStrategy {
  return {
    ...strategy,
    waves: strategy.waves.map((wave) => {
      const approvers = waves.find(({ name }) => name === wave.name)?.approval?.approvers;
      if (wave.approval === undefined || approvers === undefined) return wave;
      return { ...wave, approval: { ...wave.approval, approvers } };
    }),
  };
}
