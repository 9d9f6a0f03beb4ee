import {
  defaultObjective,
  type ObjectiveState,
  type ParityMoment,
  type ParityObjective,
  type ParityReason,
} from '../model/parity.ts';

const hourMs = 3_600_000;

/**
 * Spans that burn is told of, and the part of all that may be missed that one of them may spend before somebody has to know: after the SRE Workbook, "Alerting on
 * SLOs": 2 % in an hour, 5 % in six hours, 10 % in three days.
 */
const spans = [
  { ms: hourMs, part: 0.02 },
  { ms: 6 * hourMs, part: 0.05 },
  { ms: 72 * hourMs, part: 0.1 },
] as const;

/** From then on parity was whole, or was not. */
export type Turn = Pick<ParityMoment, 'atMs' | 'whole'>;

export interface Burn {
  readonly spanMs: number;
  /** What the span missed, as many times as an even spending would; at 1 the window just ends with nothing left. */
  readonly rate: number;
  /** From this rate on somebody has to know. */
  readonly alertAt: number;
}

export interface ObjectiveReport {
  readonly objective: ParityObjective;
  /** Of the time that is known within the window, 0 to 1; 1 where nothing is. */
  readonly held: number;
  /** Of what may be missed in the whole window; more than 1: the objective is missed. */
  readonly spent: number;
  /** What may still be missed, never below 0. */
  readonly leftMs: number;
  /** The shortest span first; those of at most a tenth of the window. */
  readonly burns: readonly Burn[];
  readonly state: ObjectiveState;
}

/** @param turns the oldest first. Pure. */
export function assessObjective(
  turns: readonly Turn[],
  nowMs: number,
  objective: ParityObjective = defaultObjective,
): ObjectiveReport {
  const { share, windowMs } = objective;
  const window = missed(turns, nowMs - windowMs, nowMs);
  const allowed = 1 - share;
  const allowedMs = windowMs * allowed;
  const burns = spans
    .filter(({ ms }) => ms <= windowMs / 10)
    .map(({ ms, part }): Burn => {
      const rate = missed(turns, nowMs - ms, nowMs).missedMs / (ms * allowed);
      return { spanMs: ms, rate, alertAt: (part * windowMs) / ms };
    });
  const spent = window.missedMs / allowedMs;
  const burning = burns.some(({ rate, alertAt }) => rate >= alertAt);
  return {
    ...{ objective, spent, burns },
    held: window.knownMs === 0 ? 1 : 1 - window.missedMs / window.knownMs,
    leftMs: Math.max(0, allowedMs - window.missedMs),
    state: spent >= 1 ? 'missed' : burning ? 'burning' : 'held',
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

/** `an hour`, `6 hours`. */
function hoursText(ms: number): string {
  return ms === hourMs ? 'an hour' : windowText(ms);
}

/** `30 days`, `36 hours`. */
function windowText(ms: number): string {
  const hours = Math.round(ms / hourMs);
  const [count, word] = hours % 24 === 0 ? [hours / 24, 'day'] : [hours, 'hour'];
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** `parity held 99.9 % of the last 30 days, where 99.9 % is wanted`: as many digits as what is wanted has, one at least; rounded down, so that what is missed never reads as held. */
function heldText({ objective, held }: ObjectiveReport): string {
  const wanted = String(Math.round(objective.share * 100_000) / 1_000);
  const digits = Math.max(1, wanted.split('.')[1]?.length ?? 0);
  const percent = (Math.floor(held * 100 * 10 ** digits) / 10 ** digits).toFixed(digits);
  return `parity held ${percent} % of the last ${windowText(objective.windowMs)}, where ${wanted} % is wanted`;
}

/** Told where the objective is missed; it changes no verdict: that is about now. In steps, so that it is not another with each look. */
export function objectiveReasons(report: ObjectiveReport, owner: string): readonly ParityReason[] {
  if (report.spent < 1) return [];
  return [
    {
      ...{ type: 'objective', standby: '', severity: 'info', owner, count: 1 },
      message: `${heldText(report)}: ${Math.floor(report.spent)} times what may be missed is spent`,
      action: 'look at the time line for what broke it',
    },
  ];
}

/** One sentence for those who are told that it is another now. */
export function describeObjective(report: ObjectiveReport): string {
  const { state, spent, burns } = report;
  const part = `${Math.round(spent * 100)} % of what may be missed is spent`;
  if (state !== 'burning') return `the objective is ${state}: ${heldText(report)}; ${part}`;
  const fast = burns.filter(({ rate, alertAt }) => rate >= alertAt);
  const rates = fast.map(({ spanMs, rate }) => `${rate.toFixed(1)} times too fast over ${hoursText(spanMs)}`);
  return `the objective is burning, ${rates.join(', ')}: ${heldText(report)}; ${part}`;
}

/** Turns that still count: those within the window and the last one before it; what only repeats is left out. */
export function keepTurns(
  turns: readonly Turn[],
  nowMs: number,
  { windowMs }: ParityObjective = defaultObjective,
): readonly Turn[] {
  const changes = turns.filter((turn, at) => turn.whole !== turns[at - 1]?.whole);
  const first = changes.findIndex(({ atMs }) => atMs > nowMs - windowMs);
  return first < 0 ? changes.slice(-1) : changes.slice(Math.max(0, first - 1));
}
