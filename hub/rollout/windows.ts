/** When a rollout may assign: windows and freezes. Times are asked for, never looked up. */
import { Cron } from 'croner';
import type { RolloutStrategy, RolloutWindow } from '../model/strategy.ts';

export type Openness =
  | { readonly open: true /** Undefined: it does not close. */; readonly untilMs: number | undefined }
  | {
      readonly open: false;
      readonly reason: string /** Undefined: never. */;
      readonly opensAtMs: number | undefined;
    };

/** Times of the pattern that may lie within one duration of another; a window that is opened again while it is open goes on, and when one that is so oftener closes nobody asks. */
const overlapMax = 100;

/** A time in which a window is open, or is not. */
interface Span {
  readonly open: boolean;
  /** Somewhere within the span. */
  readonly fromMs: number;
  /** When it closes, or opens; infinite: never. */
  readonly untilMs: number;
  /** It is open for longer than anybody plans for: it is looked at again then. */
  readonly goesOn: boolean;
}

/** Patterns are costly to read and to follow, and a pass asks for each of thousands of looks in one span. */
const crons = new WeakMap<RolloutWindow, Cron>();
const spans = new WeakMap<RolloutWindow, Span>();

function cronOf(window: RolloutWindow): Cron {
  const known = crons.get(window);
  if (known !== undefined) return known;
  const made = new Cron(window.cron, { timezone: window.timeZone, mode: '5-part', paused: true });
  crons.set(window, made);
  return made;
}

/** The end of the opening that `nowMs` lies in, as far as it is looked for; undefined: it lies in none. */
function closesAt(window: RolloutWindow, nowMs: number): Pick<Span, 'untilMs' | 'goesOn'> | undefined {
  const cron = cronOf(window);
  // Openings that began within the last duration; the start itself counts, so one millisecond more.
  let start = cron.nextRun(new Date(nowMs - window.durationMs));
  let end: number | undefined;
  let seen = 0;
  for (; start !== null && seen < overlapMax; seen += 1) {
    const startMs = start.getTime();
    if (startMs > (end ?? nowMs)) break;
    end = startMs + window.durationMs;
    start = cron.nextRun(start);
  }
  return end === undefined ? undefined : { untilMs: end, goesOn: seen === overlapMax };
}

function spanAt(window: RolloutWindow, nowMs: number): Span {
  const known = spans.get(window);
  if (known && known.fromMs <= nowMs && nowMs < known.untilMs) return known;
  const end = closesAt(window, nowMs);
  const next = () => cronOf(window).nextRun(new Date(nowMs))?.getTime() ?? Number.POSITIVE_INFINITY;
  const made = { open: end !== undefined, fromMs: nowMs, ...(end ?? { untilMs: next(), goesOn: false }) };
  spans.set(window, made);
  return made;
}

function openWindow(windows: readonly RolloutWindow[], nowMs: number): Openness {
  if (windows.length === 0) return { open: true, untilMs: undefined };
  const all = windows.map((window) => spanAt(window, nowMs));
  const open = all.filter((span) => span.open);
  if (open.some(({ goesOn }) => goesOn)) return { open: true, untilMs: undefined };
  if (open.length > 0) return { open: true, untilMs: Math.max(...open.map(({ untilMs }) => untilMs)) };
  const opensAtMs = Math.min(...all.map(({ untilMs }) => untilMs));
  return {
    open: false,
    reason: 'outside its windows',
    opensAtMs: Number.isFinite(opensAtMs) ? opensAtMs : undefined,
  };
}

/** Whether assignments may be made now. A freeze goes before every window. */
export function opennessAt(
  { windows, freezes }: Pick<RolloutStrategy, 'windows' | 'freezes'>,
  nowMs: number,
): Openness {
  const frozen = freezes.filter(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs);
  if (frozen.length > 0) {
    const untilMs = Math.max(...frozen.map((freeze) => freeze.untilMs));
    const after = opennessAt({ windows, freezes }, untilMs);
    const [{ reason } = { reason: '' }] = frozen;
    return {
      open: false,
      reason: `frozen${reason === '' ? '' : `: ${reason}`}`,
      opensAtMs: after.open ? untilMs : after.opensAtMs,
    };
  }
  const within = openWindow(windows, nowMs);
  if (!within.open) return within;
  const next = freezes.map(({ fromMs }) => fromMs).filter((fromMs) => fromMs > nowMs);
  const ends = [within.untilMs, ...next].filter((end) => end !== undefined);
  return { open: true, untilMs: ends.length === 0 ? undefined : Math.min(...ends) };
}
