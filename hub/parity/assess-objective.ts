import type { ParityMoment, ParityReason } from '../model/parity.ts';

/** What is wanted of every group: parity whole for 99.9 % of 30 days, which leaves 43 minutes. */
export const objective = { share: 0.999, windowMs: 30 * 86_400_000 } as const;

const hourMs = 3_600_000;

/** From then on parity was whole, or was not. */
export type Turn = Pick<ParityMoment, 'atMs' | 'whole'>;

export interface ObjectiveReport {
  /** Of the time that is known within the window, 0 to 1; 1 where nothing is. */
  readonly held: number;
  /** Of what may be missed in the whole window; more than 1: the objective is missed. */
  readonly spent: number;
  /** What the last hour missed, as many times as an even spending would; at 1 the window just ends with nothing left. */
  readonly burn: number;
}

/** @param turns the oldest first. Pure. */
export function assessObjective(turns: readonly Turn[], nowMs: number): ObjectiveReport {
  const month = missed(turns, nowMs - objective.windowMs, nowMs);
  const hour = missed(turns, nowMs - hourMs, nowMs);
  const allowed = 1 - objective.share;
  return {
    held: month.knownMs === 0 ? 1 : 1 - month.missedMs / month.knownMs,
    spent: month.missedMs / (objective.windowMs * allowed),
    burn: hour.missedMs / (hourMs * allowed),
  };
}

function missed(
  turns: readonly Turn[],
  fromMs: number,
  untilMs: number,
): { readonly missedMs: number; readonly knownMs: number } {
  let [missedMs, knownMs] = [0, 0];
  for (const [at, turn] of turns.entries()) {
    const end = turns[at + 1]?.atMs ?? untilMs;
    const ms = Math.max(0, Math.min(end, untilMs) - Math.max(turn.atMs, fromMs));
    knownMs += ms;
    if (!turn.whole) missedMs += ms;
  }
  return { missedMs, knownMs };
}

/** Told where the objective is missed; it changes no verdict: that is about now. In steps, so that it is not another with each look. */
export function objectiveReasons(report: ObjectiveReport, owner: string): readonly ParityReason[] {
  if (report.spent < 1) return [];
  const percent = (Math.floor(report.held * 1_000) / 10).toFixed(1);
  const wanted = (objective.share * 100).toFixed(1);
  const days = objective.windowMs / 86_400_000;
  return [
    {
      ...{ type: 'objective', standby: '', severity: 'info', owner, count: 1 },
      message: `parity held ${percent} % of the last ${days} days, where ${wanted} % is wanted: ${Math.floor(report.spent)} times what may be missed is spent`,
      action: 'look at the time line for what broke it',
    },
  ];
}

/** Turns that still count: those within the window and the last one before it; what only repeats is left out. */
export function keepTurns(turns: readonly Turn[], nowMs: number): readonly Turn[] {
  const changes = turns.filter((turn, at) => turn.whole !== turns[at - 1]?.whole);
  const first = changes.findIndex(({ atMs }) => atMs > nowMs - objective.windowMs);
  return first < 0 ? changes.slice(-1) : changes.slice(Math.max(0, first - 1));
}
