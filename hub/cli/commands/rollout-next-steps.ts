/** What an operator may do about a rollout as it stands, as commands that can be copied. Pure. */
import type { ApiRollout } from '../../api/schemas/rollout.ts';

/** A command, and what it brings. */
export type NextStep = readonly [command: string, does: string];

/** Empty while nothing waits for a person. What happens by itself is not told: the report says when. */
export function nextSteps({ application, phase, waves, promotion, held }: ApiRollout): readonly NextStep[] {
  const step = (action: string, does: string, options = ''): NextStep => [
    `fairway rollout ${action} ${application}${options} --reason TEXT`,
    does,
  ];
  switch (phase) {
    case 'Waiting':
      return promotion?.waiting.length ? [step('promote', 'begins it all the same')] : [];
    case 'Progressing': {
      const gate = waves.find(({ state }) => state !== 'Done')?.gate;
      if (gate === 'approval')
        return [
          step('approve', 'lets it go on'),
          step('reject', 'stops it as after a failure, as the strategy says'),
        ];
      if (gate === 'away' || gate === 'unavailable')
        return [step('exclude', 'goes on without that cluster', ' --cluster NAME')];
      return held ? [step('retry', 'lets go of what is held')] : [];
    }
    case 'Paused':
      return waves.some(({ counts }) => counts.failed > 0)
        ? [
            step('retry', 'tries again what failed'),
            step('exclude', 'goes on without that cluster', ' --cluster NAME'),
            step('rollback', 'takes every touched cluster back to what it had'),
          ]
        : [
            held ? step('retry', 'lets go of what is held') : step('resume', 'goes on'),
            step('abort', 'ends it; every cluster keeps what it has'),
          ];
    case 'RolledBack':
    case 'Aborted':
      return [step('retry', 'begins it anew; a commit that brings something else needs no retry')];
    case 'Complete':
      return held ? [step('retry', 'lets go of what is held')] : [];
    case 'RollingBack':
      return [];
  }
}
