/** Suspicion, then proof: suspected objects are read and compared by projection; what has drifted is judged by the application's mode. */
import { type FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { Drift } from '../../../shared/manifest/health.ts';
import { ignoredPaths } from '../../../shared/manifest/ignore.ts';
import { effectiveObject } from '../../apply/effective-object.ts';
import { forEachBounded } from '../../apply/parallel.ts';
import { isPassing } from '../../kube/status-error.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import type { AppliedRecord } from '../../model/record.ts';
import type { AgentContext, ApplicationState } from '../context.ts';
import { assertNewest } from '../fence.ts';
import { noteRefusal, proofAttempt } from '../release/retries.ts';
import { refOf } from '../resources.ts';
import { actOn } from './act-on-drift.ts';
import { type Finding, judgeLive } from './judge-drift.ts';
import { selfHealOf } from './self-heal.ts';
import { isLikelyDrift, stillSuspected } from './suspicion.ts';

const parallelMax = 8;

async function readFinding(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  record: AppliedRecord,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const ref = refOf(context.resources, record);
  const text = context.desired.object(record.objectDigest);
  if (!ref || text === undefined) return undefined;
  const nowMs = context.clock.now();
  try {
    const live = await context.kube.get(ref, signal);
    const omit = ignoredPaths(desired.target.sync.ignore, record.key);
    const body = effectiveObject(await context.reveal(text), record.key, state.applySetId, omit);
    return judgeLive(record, body, live, desired.target.sync, nowMs);
  } catch (caught) {
    const error = toFairwayError(caught);
    if (error.code !== 'not_found') throw error;
    const drift: Drift = { fields: [], managers: [], kind: 'deleted', foundAtMs: nowMs };
    return { drift, reapply: true, undo: [], live: undefined };
  }
}

/** Trouble with one object is that object's; trouble with the API server, or standing back, is everybody's. */
function isOnesOwn(error: FairwayError, signal: AbortSignal): boolean {
  return (
    !signal.aborted &&
    !isPassing(error) &&
    (error.details?.['httpStatus'] ?? error.details?.['sops']) !== undefined &&
    error.code !== 'unauthenticated'
  );
}

/** What the API server refuses to show or to undo is told, and tried again ever more seldom. Returns in how many milliseconds. */
function setAside(context: AgentContext, state: ApplicationState, text: string, error: FairwayError): number {
  state.suspects.set(text, 'again');
  noteRefusal(context, state, text, proofAttempt, error);
  const object = state.objects.get(text);
  if (object) {
    const message = `its drift cannot be read or undone: ${error.message}`;
    state.objects.set(text, { ...object, status: 'Drifted', reason: error.code, message });
  }
  return restMs(context, state, text);
}

/** How long an object that was set aside is still to be left alone. */
function restMs(context: AgentContext, state: ApplicationState, text: string): number {
  const retry = state.retries.get(text);
  return retry?.attempt === proofAttempt ? Math.max(0, retry.nextAtMs - context.clock.monotonic()) : 0;
}

/**
 * Reads what is suspected and acts. Returns when to come back for contested objects, in milliseconds; 0: no need. What could not be
 * read stays suspected.
 * @param former the new version may have to wait, so what is applied of the one before is kept right too.
 */
export async function proveSuspects(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  former: boolean,
  signal: AbortSignal,
): Promise<number> {
  const suspects = [...state.suspects];
  state.suspects.clear();
  // What has a new manifest is about to be applied: what differs from the old one is no news.
  const current = new Set(desired.target.set.entries.map(({ objectDigest }) => objectDigest));
  const isPast = ({ objectDigest }: AppliedRecord, text: string) =>
    former
      ? context.claims.claimedBy(text, state.application) !== undefined
      : !current.has(objectDigest) || !context.claims.desires(text, state.application);
  // What looks like drift may be the doing of another agent that knows more. Asked once a step, and only where there is drift.
  let asked: Promise<void> | undefined;
  let standsBack = false;
  const fence = () => {
    asked ??= assertNewest(context, desired, state, signal).catch((caught: unknown) => {
      standsBack = true;
      throw caught;
    });
    return asked;
  };
  let comeBackMs = 0;
  let failed: unknown;
  await forEachBounded(suspects, parallelMax, async ([text, why]) => {
    const record = state.records.get(text);
    if (!record || isPast(record, text)) return;
    const mode = selfHealOf(context.desired, record.objectDigest, desired.target.sync.selfHeal);
    if (mode === 'off') return;
    if (why === 'event' && !stillSuspected(context, record, text)) return;
    const comeBack = (waitMs: number) => {
      state.suspects.set(text, 'again');
      comeBackMs = comeBackMs === 0 ? waitMs : Math.min(comeBackMs, waitMs);
    };
    const rest = restMs(context, state, text);
    if (rest > 0) return comeBack(rest);
    context.metrics.suspicions += 1;
    // Two reads in one time: the answer to the first says whether the second was needed.
    if (mode === 'enforce' && why === 'event' && isLikelyDrift(context, record, text))
      fence().catch(() => {
        // Whoever is about to write hears of it.
      });
    try {
      const finding = await readFinding(context, desired, state, record, signal);
      if (!finding) return;
      if (why === 'check' && finding.drift) context.metrics.driftMissedByWatch += 1;
      const waitMs = await actOn(context, desired, state, text, finding, mode, fence, signal);
      if (state.retries.get(text)?.attempt === proofAttempt) state.retries.delete(text);
      if (waitMs > 0) comeBack(waitMs);
    } catch (caught) {
      const error = toFairwayError(caught, text);
      if (!standsBack && isOnesOwn(error, signal)) return comeBack(setAside(context, state, text, error));
      state.suspects.set(text, why);
      failed = caught;
    }
  });
  if (failed !== undefined) throw failed;
  return comeBackMs;
}
