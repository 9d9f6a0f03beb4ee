import type { RolloutChange, RolloutState } from './rollout-state.ts';

/** The rollout stops as its strategy says. */
export function stopFor(state: RolloutState, reason: string, nowMs: number): [RolloutState, RolloutChange] {
  const stopped = { by: 'failure', actor: 'fairway', reason, atMs: nowMs } as const;
  if (state.strategy.onFailure !== 'rollback')
    return [
      { ...state, phase: 'Paused', stopped },
      { type: 'rollout.paused', message: `paused: ${reason}` },
    ];
  return [
    { ...state, phase: 'RollingBack', stopped },
    { type: 'rollout.rolling-back', message: `rolls back: ${reason}` },
  ];
}
