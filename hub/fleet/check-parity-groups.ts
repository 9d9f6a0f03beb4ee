import type { Fleet } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';
import { builtInStrategies, strategyOf } from '../model/strategy.ts';

/** What a ParityGroup names that is not there. */
export interface BrokenGroup {
  readonly group: string;
  readonly path: readonly (string | number)[];
  readonly code: Problem['code'];
  readonly message: string;
}

/** Strategies of failovers that are not there: on the day of a failover is too late to learn of it. Pure; sorted by group. */
export function checkParityGroups({
  parityGroups,
  strategies,
}: Pick<Fleet, 'parityGroups' | 'strategies'>): readonly BrokenGroup[] {
  return [...parityGroups.values()]
    .filter(({ failover }) => failover && strategyOf(failover, strategies) === undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, failover }) => ({
      group: name,
      path: ['spec', 'failover', 'strategy'],
      code: 'not_found',
      message: `there is no RolloutStrategy ${failover?.strategy}: add it, or take a built-in one (${Object.keys(builtInStrategies).join(', ')})`,
    }));
}
