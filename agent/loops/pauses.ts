import type { PauseEntry } from '../model/desired.ts';

/** The pause that concerns the application now; undefined: none does. */
export function activePause(
  pauses: readonly PauseEntry[],
  application: string,
  nowMs: number,
): PauseEntry | undefined {
  return pauses.find(
    (pause) =>
      (pause.application === '' || pause.application === application) &&
      (pause.untilMs === undefined || pause.untilMs > nowMs),
  );
}
