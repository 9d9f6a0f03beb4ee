import {
  type DifferenceClass,
  differenceClasses,
  type ParityDifference,
  type ParityMoment,
  type ParityReport,
  type ParityState,
} from '../model/parity.ts';
import { firstSeenMax } from './assess-readiness.ts';

export interface StateChange {
  readonly state: ParityState;
  /** Undefined: nothing that people would want to know has changed. */
  readonly moment: Omit<ParityMoment, 'sequence'> | undefined;
}

/** What is kept of a report, and what its time line gets. The same report again changes nothing. Pure. */
export function nextState(
  before: ParityState | undefined,
  report: ParityReport,
  differences: readonly ParityDifference[],
  nowMs: number,
): StateChange {
  const firstSeen: Record<string, number> = {};
  for (const { id } of remembered(differences)) firstSeen[id] = before?.firstSeen[id] ?? nowMs;
  const sameVerdict = before?.report.verdict === report.verdict;
  const sameWhole = before?.report.whole === report.whole;
  const lastWholeAtMs = report.whole || before?.report.whole ? nowMs : before?.lastWholeAtMs;
  const state: ParityState = {
    group: report.group,
    report,
    verdictSinceMs: sameVerdict ? before.verdictSinceMs : nowMs,
    wholeSinceMs: sameWhole ? before.wholeSinceMs : nowMs,
    // While it is whole the time goes on by itself; what is kept is when that began to be true last.
    lastWholeAtMs: report.whole && before?.report.whole ? before.lastWholeAtMs : lastWholeAtMs,
    firstSeen,
  };
  const counts = sumCounts(report);
  if (before && sameVerdict && sameWhole && hasSameClasses(sumCounts(before.report), counts))
    return { state, moment: undefined };
  const message = describeChange(before?.report, report, counts);
  const { group, verdict, whole, score } = report;
  return { state, moment: { group, atMs: nowMs, verdict, whole, score, counts, message } };
}

/** What lags goes first: its weight is of its age. What is declared can wait. */
function remembered(differences: readonly ParityDifference[]): readonly ParityDifference[] {
  if (differences.length <= firstSeenMax) return differences;
  const order = (one: ParityDifference) => (one.class === 'lagging' ? 0 : one.class === 'declared' ? 2 : 1);
  return [...differences].sort((a, b) => order(a) - order(b)).slice(0, firstSeenMax);
}

type Counts = Readonly<Record<DifferenceClass, number>>;

/** A roll-out changes the numbers all the time: what people want to know is which kinds of difference come and go. */
function hasSameClasses(before: Counts, after: Counts): boolean {
  return differenceClasses.every((name) => before[name] > 0 === after[name] > 0);
}

export function sumCounts({ pairs }: ParityReport): Counts {
  return Object.fromEntries(
    differenceClasses.map((name) => [name, pairs.reduce((sum, pair) => sum + pair.counts[name], 0)]),
  ) as Record<DifferenceClass, number>;
}

/** `Ready -> NotReady: 1 missing, 2 drift`. */
function describeChange(before: ParityReport | undefined, after: ParityReport, counts: Counts): string {
  const verdict =
    before === undefined || before.verdict === after.verdict
      ? after.verdict
      : `${before.verdict} -> ${after.verdict}`;
  const found = differenceClasses.filter((name) => counts[name] > 0).map((name) => `${counts[name]} ${name}`);
  return `${verdict}: ${found.length === 0 ? 'no difference' : found.join(', ')}`;
}
