import type { RolloutAction } from './apply-action.ts';
import { clusterState } from './cluster-states.ts';
import { isOver, type RolloutState, type WaveState } from './rollout-state.ts';

/** Without a name: of any wave. */
function isSaidOf(waves: readonly WaveState[], name: string, said: (wave: WaveState) => boolean): boolean {
  return waves.some((wave) => (name === '' || wave.name === name) && said(wave));
}

/** An operator's word on a rollout that has done by now all that the word would have made it do: said again, since its answer was lost, it is no mistake. Pure. */
export function wasSaid(state: RolloutState, action: RolloutAction): boolean {
  if (!isOver(state)) return false;
  const { phase, waves, stopped, lifted } = state;
  switch (action.type) {
    case 'approve':
      return isSaidOf(waves, action.wave, (wave) => Boolean(wave.approvedBefore ?? wave.approvedAfter));
    case 'promote':
      return isSaidOf(waves, action.wave, ({ promoted }) => promoted !== undefined);
    case 'reject':
      return phase === 'RolledBack' && stopped?.by === 'operator';
    case 'abort':
      return phase === 'Aborted';
    case 'exclude':
      return clusterState(state.clusters, action.cluster)?.excluded !== undefined;
    case 'all-at-once':
      return phase === 'Complete' && lifted !== undefined;
    default:
      return false;
  }
}
