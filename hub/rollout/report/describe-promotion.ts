/** Which releases wait for another environment, and for what there. Pure. */
import type { NextDecision } from '../next-decision.ts';
import { releaseInForce } from '../plan/plan-promotion.ts';
import { describeCandidate, type PartnerHealth, type PromotionQueue, waitingIn } from '../promotion.ts';
import type { RolloutState } from '../rollout-state.ts';

export interface PromotionReport {
  /** The Application that goes first. */
  readonly after: string;
  readonly soakMs: number;
  /** Since when it has been healthy with what it runs; undefined: it is not. */
  readonly healthySinceMs: number | undefined;
  /** Newest first. */
  readonly waiting: readonly {
    readonly releaseId: string;
    readonly revisionId: string;
    /** Of its own source, the newest that wants just this. */
    readonly commit: string;
    readonly createdAtMs: number;
    readonly waitsOn: string;
  }[];
}

export function describePromotion(
  queue: PromotionQueue,
  state: RolloutState,
  partner: PartnerHealth | undefined,
  nowMs: number,
): PromotionReport {
  const watch = state.promotion?.partner === queue.partner ? state.promotion : undefined;
  return {
    after: queue.partner,
    soakMs: queue.soakMs,
    healthySinceMs: watch?.healthy?.unknownAtMs === undefined ? watch?.healthy?.sinceMs : undefined,
    waiting: waitingIn(queue, releaseInForce(state))
      .toReversed()
      .map((candidate) => {
        const { releaseId, revisionId, createdAtMs, contents } = candidate;
        const waitsOn = describeCandidate(queue, watch, candidate, partner, nowMs) || 'the rollout before it';
        return { releaseId, revisionId, createdAtMs, commit: contents.at(-1)?.commit ?? '', waitsOn };
      }),
  };
}

/** A rollout's report with what it waits for elsewhere. */
export function withPromotion<
  Report extends { readonly message: string; readonly next?: NextDecision | undefined },
>(
  report: Report,
  promotion: PromotionReport,
  nowMs: number,
): Report & { readonly promotion: PromotionReport } {
  const message = [report.message, promotionMessage(promotion)].filter((text) => text !== '').join('; ');
  const soaks = promotion.waiting.length > 0 && promotion.healthySinceMs !== undefined;
  const atMs = (promotion.healthySinceMs ?? 0) + promotion.soakMs;
  const sooner = soaks && atMs > nowMs && atMs < (report.next?.atMs ?? Number.POSITIVE_INFINITY);
  return { ...report, message, promotion, next: sooner ? { atMs, what: 'soak-ends' } : report.next };
}

/** One line for the newest release that waits; empty: none does. */
function promotionMessage({ waiting }: PromotionReport): string {
  const [newest] = waiting;
  if (newest === undefined) return '';
  const more = waiting.length > 1 ? ` (and ${waiting.length - 1} before it)` : '';
  return `revision ${newest.revisionId.slice(0, 8)} waits${more}: ${newest.waitsOn}`;
}
